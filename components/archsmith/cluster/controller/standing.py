"""How far a search is, read from its store: the part of the status that the search itself has written."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from archsmith.errors import ArchsmithError, CorruptObjectError, SearchConflictError
from archsmith.opening import going_on
from archsmith.search import Search
from archsmith.stores import open_store
from archsmith.stores.cluster_note import ClusterNote, leave_note, note_of
from archsmith.stores.folder import SearchFolder
from archsmith.stores.retry import Backoff
from archsmith.values import words
from archsmith.values.references import Worth
from archsmith.views.live import duration
from archsmith.views.places import places
from archsmith.views.snapshot import Snapshot

PAUSES = 9.0
"""Pauses between two looks, in times of a look: long histories take no more than a tenth of the controller's time."""

ONCE = Backoff(attempts=2, base_s=1.0)
"""The controller looks again in a few seconds anyway, and other searches wait for it meanwhile."""

AFTER_ERROR_S = 10.0
"""Pause after a look that failed: the store was waited for already."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store says of a search."""

    fields: dict[str, Any]
    """Fields of the status; none before the search has begun."""
    error: str = ""
    """Why the store can't be read."""
    asked: bool = True
    """Whether it was asked at all."""
    stays: bool = True
    """Whether what was known of it before holds, where it was not asked."""


NOT_ASKED = Standing({}, asked=False)


def fields_of(snapshot: Snapshot, links: dict[str, str]) -> dict[str, Any]:
    """Return the fields of the status that tell how far a search is.

    Args:
        snapshot: The search.
        links: Where a person finds what, by name.
    """
    spec, history, winner = snapshot.search.spec, snapshot.history, snapshot.winner
    objective = next(o for o in spec.objectives if o.goal)
    found: dict[str, Any] = {
        "trials": str(len(history)) if (most := snapshot.most_trials) is None else f"{len(history)}/{max(len(history), most)}",
        "failed": len(history.failed),
        "links": links,
    }
    if snapshot.most_trainings is not None:
        found["trainings"] = f"{snapshot.trainings:.4g}/{snapshot.most_trainings:.10g}"
    if snapshot.rounds is not None and spec.budget.rounds is not None:
        in_progress = snapshot.phase == "searching" and snapshot.rounds > 0
        found["round"] = f"{snapshot.rounds - in_progress}/{max(snapshot.rounds, spec.budget.rounds)}"
    if shared := words.shared_line(snapshot.records, duration):
        looked = words.looked_and_trained(history)
        found["shared"] = f"epoch {len(snapshot.records)} of {snapshot.epochs_to_share}: {shared}{f'; {looked}' * bool(looked)}"
    if snapshot.search.sharing:
        found["verdicts"] = [verdict.to_dict() for verdict in snapshot.verdicts]
    if spent := words.spending_line(snapshot.spending, duration):
        found["spent"] = spent
    if inherited := words.family_line(snapshot.families, duration):
        found["inherited"] = inherited
    if winner is not None:
        found["best"] = f"{winner.metrics[objective.metric]:.6g}"
        found["incumbent"] = {
            "id": winner.id,
            "number": winner.proposal.number,
            "architecture": snapshot.search.describe(winner.proposal.architecture),
            "metrics": _finite(winner.metrics),
        }
    if snapshot.model is not None:
        found["model"] = links["model"]
        found["incumbent"]["test"] = _finite(snapshot.model.metrics)
    if snapshot.worth is not None:
        found["references"] = _worth(snapshot.worth)
    if snapshot.promotion is not None:
        promotion = {"alias": snapshot.promotion.alias, "why": snapshot.promotion.why, "version": snapshot.promotion.version}
        found["promotion"] = {key: value for key, value in promotion.items() if value}
    return found


def _worth(worth: Worth) -> dict[str, Any]:
    """Return what is said of a gain; whether there is one is left out where nothing could be trained to tell it."""
    known = {} if worth.gained is None else {"gained": worth.gained}
    return {**known, "said": worth.line, "advice": [*worth.advice(), *worth.failures]}


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics that JSON can hold."""
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


class Reader:
    """Reads one search's store, and not all the time.

    Args:
        search: The search.
        store: URI of its store.
        pages: Where people open MLflow, if not at its tracking URI; a search's own server is not meant.
        clock: Seconds, from whenever.
    """

    def __init__(self, search: Search, store: str, pages: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.search = search
        self._store = store
        self._pages = pages
        self._clock = clock
        self._next = float("-inf")
        self._last = Standing({})
        self._noted: ClusterNote | None = None
        self._is_others = False

    def read(self, *, now: bool = False) -> Standing:
        """Return how far the search is; `now` asks the store in any case."""
        begin = self._clock()
        if begin < self._next and not now:
            return self._last
        try:
            self._last = Standing(self._fields())
        except ArchsmithError as error:
            self._last = Standing(self._last.fields, str(error))
        end = self._clock()
        self._next = end + (AFTER_ERROR_S if self._last.error else PAUSES * (end - begin))
        return self._last

    def leave(self, note: ClusterNote) -> None:
        """Leave in the store what the status says, where that is new; a store that does not answer is told at the next look."""
        if self._last.error or self._is_others or note.says_as(self._noted):
            return
        with suppress(ArchsmithError):
            leave_note(self.folder(), note)
            self._noted = note

    def clear(self, note: ClusterNote) -> None:
        """Leave word that the object of the search is gone; where nothing but such words is there, it goes.

        Raises:
            SearchConflictError: What is there is another search of its name, which is left alone.
        """
        folder = self.folder()
        if note_of(folder) is None:
            return
        self._refuse_others(folder)
        if folder.read_search() is None:
            folder.remove()
        elif not folder.is_done():
            leave_note(folder, note)

    def remove(self) -> None:
        """Remove what the store has of the search; raises as `clear` does."""
        folder = self.folder()
        self._refuse_others(folder)
        folder.remove()

    def _refuse_others(self, folder: SearchFolder) -> None:
        """Raise `SearchConflictError` where another search of this name lies in the folder; a damaged one is taken for this."""
        with suppress(CorruptObjectError):
            going_on(folder, self.search, self._store)

    def folder(self) -> SearchFolder:
        """Return the search's folder in the store."""
        return SearchFolder(open_store(self._store, backoff=ONCE), self.search.name)

    def _fields(self) -> dict[str, Any]:
        folder = self.folder()
        try:
            search = going_on(folder, self.search, self._store)
        except SearchConflictError:
            self._is_others = True
            return {}  # what is there is another search of its name
        self._is_others = False
        if search is None or not folder.is_begun():
            return {}
        snapshot = Snapshot.read(folder, search)
        links = places(folder, search, self._store)
        if "mlflow" in links and self._pages and self.search.spec.tracking.uri is None:
            links["mlflow"] = self._pages
        return fields_of(snapshot, links)
