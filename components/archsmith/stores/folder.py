"""The folder of one search in a store.

index/NAME                       that there is a search of this name
searches/NAME/search.yaml        the search file
              asked.yaml         the open file that it was chosen for, where there was one
              plan.json          what was found then, what was chosen, and why
              space.json         the space, as the search file's settings make it
              pace.json          how many may be at work at once, where there are no rounds to wait for
              rounds/, history/  proposals and trials; see `rounds.py`, and `claims.py` for who works on what
              supernet/          shared weights and the records of their training; see `supernets.py`
              pods/              which pods are alive
              progress/ID.json   the curve so far of a trial that runs
              checkpoints/ID.pt  where a trial that runs, or whose weights are kept, goes on from
              warm_start.json    what another search has found that is measured first
              selection.json     the winner and the front
              best/              the trained winner and its exports
              front/ID/          likewise each other trial that is trained in full
              references/NAME/   likewise each simple network that the winner is held to; see `references.py`
              references.json    how they compare
              report/            what people look at
              end.json           when the search ended, and with what
              mlflow.json        why MLflow lacks the winner and the report, where it does
              cluster.json       what the controller of a cluster says of it; see `cluster_note.py`
              done               that the last step has ended, with which file, and what it has led to
"""

import contextlib
import hashlib
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from archsmith.errors import TransientError
from archsmith.stores.claims import Claims
from archsmith.stores.damage import named, passed_over
from archsmith.stores.references import References
from archsmith.stores.supernets import Supernets
from archsmith.values import Architecture, EpochRecord, Proposal, curve_from_rows, curve_to_rows
from archsmith.values.data_facts import DataFacts
from archsmith.values.durations import Durations
from archsmith.values.outcome import Selection, TrainedModel, UntrainedWinner

log = logging.getLogger(__name__)

WARM_START = "warm_start.json"

Running = tuple[Proposal, tuple[EpochRecord, ...]]
"""A trial that runs: what is measured, and the curve so far."""


class SearchFolder(Claims, Supernets, References):
    """Everything that a store knows of one search. Each step of the pipeline opens one; it holds nothing itself."""

    def write_progress(self, proposal: Proposal, curve: tuple[EpochRecord, ...], epochs: int | None = None) -> None:
        """Show how far a running trial is; it is only looked at, so a store that does not answer is no error.

        Args:
            proposal: What is trained.
            curve: One record an epoch so far.
            epochs: How many there will be, where a training in full has settled that by itself.
        """
        with contextlib.suppress(TransientError):
            data = {"proposal": proposal.to_dict(), "curve": curve_to_rows(curve), "epochs": epochs}
            self.put(_progress(proposal.id), orjson.dumps(data))

    def progress(self) -> dict[str, Running]:
        """Return the running trials by id: what is measured, and the curve so far. What is damaged is passed over."""
        names = self._names("progress/")
        found = [
            passed_over(lambda name=name, data=data: self._running(name, data), log.debug)  # type: ignore[misc]
            for name, data in zip(names, self.get_all(names), strict=True)
            if data is not None
        ]
        return {running[0].id: running for running in found if running is not None}

    def epochs_settled(self, trial_id: str) -> int | None:
        """Return how many epochs a training in full that runs will have; None where it has not said it."""
        return self.read_value(_progress(trial_id), lambda raw: None if raw.get("epochs") is None else int(raw["epochs"]))

    def _running(self, name: str, data: bytes) -> Running:
        with named(self.uri(name), "It is only looked at."):
            raw = orjson.loads(data)
            return Proposal.from_dict(raw["proposal"]), curve_from_rows(raw["curve"])

    def footprint(self) -> str:
        """Return a digest that is another one whenever a step has done something: proposed, trained an epoch, ended a trial.

        So it is whenever a pod that estimates says that it lives, however long its epochs are.
        """
        parts = ("rounds/", "history/", "progress/", "supernet/", "pods/", "best/", "references")
        names = [name for part in parts for name in self._names(part)]
        running = self.get_all([name for name in names if name.startswith("progress/") or name.endswith("/progress.json")])
        return hashlib.sha256(b"\0".join([*map(str.encode, names), *(data or b"" for data in running)])).hexdigest()

    def clear_progress(self, trial_id: str) -> None:
        """Show a trial no longer as running."""
        with contextlib.suppress(TransientError):
            self._delete([_progress(trial_id)])

    def data_facts(self) -> DataFacts | None:
        """Return what is known of the images; None where there are none, and no settings that say what they would be like."""
        facts = self.read_value("space.json", _facts)
        return facts[1] if facts else None

    def identity(self) -> str:
        """Return what tells this search from others of its name, deleted ones; empty where no step has begun it."""
        facts = self.read_value("space.json", _facts)
        return facts[0] if facts else ""

    def decisions(self) -> dict[str, list[Any]] | None:
        """Return the choices of each decision by its name, as the search was begun with; None where they are not noted."""
        return self.read_value("space.json", _decisions)

    def origin(self) -> tuple[str, float | None]:
        """Return the digest of the table, empty where there is none, and when the search began, if that is known."""
        return self.read_value("space.json", _origin) or ("", None)

    def is_begun(self) -> bool:
        """Tell whether the first step has found the search fit to run."""
        return self.read("space.json") is not None

    def selection(self) -> Selection | None:
        """Return the winner and the front; None where nothing was selected yet."""
        return self.read_value("selection.json", Selection.from_dict)

    def trained(self, place: str = "best") -> tuple[str, TrainedModel] | None:
        """Return the recipe of the trained model in a folder, and the model; None where it is not trained yet."""
        return self.read_value(f"{place}/model.json", lambda raw: (str(raw["recipe"]), TrainedModel.from_dict(raw["model"])))

    def exports_are_whole(self, place: str = "best") -> bool:
        """Tell whether the files of a trained model are those that were written with it."""
        written = self.read_value(f"{place}/model.json", lambda raw: dict(raw.get("files", {}))) or {}
        return all(self.fingerprint(f"{place}/{name}") == known for name, known in written.items())

    def untrained(self) -> UntrainedWinner | None:
        """Return what is known of the winner's test where nothing is trained; None where it is not known yet."""
        return self.read_value("best/untrained.json", UntrainedWinner.from_dict)

    def warnings(self) -> tuple[str, ...]:
        """Return what the first step has found that should be known of the images or the table; a sentence or two each."""
        return self.read_value("space.json", lambda raw: tuple(map(str, raw.get("warnings", ())))) or ()

    def expected(self) -> Durations | None:
        """Return how long the search will take where it was begun; None where nobody has measured that."""
        return self.read_value("space.json", lambda raw: Durations.from_dict(raw["time"]) if raw.get("time") else None)

    def mark(self, *, done: bool) -> None:
        """Say that the search is done, or that it goes on."""
        if done:
            self.put("done", b"")
        else:
            self._delete(["done"])

    def is_done(self) -> bool:
        """Tell whether the search is done."""
        return self.read("done") is not None

    def checkpoint_key(self, trial_id: str) -> str:
        """Return the store's key of a trial's checkpoint."""
        return self.key(_checkpoint(trial_id))

    def write_checkpoint(self, trial_id: str, data: bytes) -> None:
        """Write a trial's checkpoint in place of its last one."""
        self.put(_checkpoint(trial_id), data)

    def read_checkpoint(self, trial_id: str) -> bytes | None:
        """Return a trial's checkpoint, or None where there is none."""
        return self.read(_checkpoint(trial_id))

    def delete_checkpoint(self, trial_id: str) -> None:
        """Delete a trial's checkpoint if there is one."""
        self.delete_checkpoints([trial_id])

    def delete_checkpoints(self, trial_ids: Iterable[str]) -> None:
        """Delete the checkpoints of several trials, of those that have one."""
        self._delete(map(_checkpoint, trial_ids))

    def note_warm_start(self, architectures: Sequence[Architecture], said: str) -> None:
        """Note what is measured first, of what another search has found, and what is said of that."""
        self.write_json(WARM_START, {"said": said, "architectures": [a.to_dict() for a in architectures]})

    def warm_start(self) -> tuple[tuple[Architecture, ...], str] | None:
        """Return what `note_warm_start` was given; None where nothing was looked up."""

        def read(raw: Any) -> tuple[tuple[Architecture, ...], str]:
            return tuple(map(Architecture.from_dict, raw["architectures"])), str(raw["said"])

        return self.read_value(WARM_START, read, hint="Without it, the search goes on without a warm start.")

    def write_workers(self, workers: int) -> None:
        """Say how many workers there are in all pods, from which follows how far each proposal looks back."""
        self.write_json("pace.json", {"workers": workers})

    def workers(self) -> int | None:
        """Return how many workers there are in all pods; None where nobody has said it."""
        return self.read_value("pace.json", lambda raw: int(raw["workers"]))


def _facts(raw: dict[str, Any]) -> tuple[str, DataFacts | None]:
    """Return the identity of a search and what is known of its images, of `space.json`."""
    if not isinstance(raw["id"], str):
        raise TypeError("the id is no text")
    return raw["id"], DataFacts.from_dict(raw["data"]) if raw.get("data") else None


def _decisions(raw: dict[str, Any]) -> dict[str, list[Any]] | None:
    """Return the decisions of `space.json`; raises `TypeError` where they are none."""
    if "decisions" not in raw:
        return None
    found = {d["name"]: list(d["choices"]) for d in raw["decisions"]}
    if not all(isinstance(name, str) for name in found):
        raise TypeError("the name of a decision is no text")
    return found


def _origin(raw: dict[str, Any]) -> tuple[str, float | None]:
    """Return what the search was begun with, of `space.json`."""
    began_at = raw.get("began_at")
    return str(raw.get("table_digest", "")), None if began_at is None else float(began_at)


def _progress(trial_id: str) -> str:
    return f"progress/{trial_id}.json"


def _checkpoint(trial_id: str) -> str:
    return f"checkpoints/{trial_id}.pt"
