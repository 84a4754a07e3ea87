"""What a search begins with that another one has found: looked up once, by the first step, and noted for all others."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from archsmith.errors import CorruptObjectError, NotFoundError, PluginError, SpecError
from archsmith.opening import open_search
from archsmith.search import Search
from archsmith.selection import keeps_limits, ranked, select, spread
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture, History

MOST = 5
"""Architectures that a search begins with at most: it is to find others."""

SHARE = 0.1
"""Share of a search's trials that they are at most; one is always taken."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the search to begin with."""

    architectures: tuple[Architecture, ...]
    """Its best ones that lie in this search's space, the best first; none where nothing can be taken over."""
    said: str
    """What was found, a sentence for people."""


def note_warm_start(folder: SearchFolder, search: Search, store: str) -> Known | None:
    """Look up what the search begins with, and note it in its folder, once; None where it names no other search.

    All pods read the note, and whoever goes on with the search does: what the other search has found since changes nothing.
    """
    if search.spec.warm_start is None:
        return None
    if (noted := folder.warm_start()) is not None:
        return Known(*noted)
    found = known_of(search, store) if folder.first_open() == 0 and not len(folder.history()) else Known((), "Its note is gone.")
    folder.note_warm_start(found.architectures, found.said)
    return found


def known_of(search: Search, store: str) -> Known:
    """Return the best of the search that this one is to begin with; what can't be taken over is said, and ignored."""
    name = search.spec.warm_start or ""
    try:
        folder, other = open_search(store, name)
        history = folder.history()
    except NotFoundError:
        return _nothing(name, "no search of that name has begun in the store")
    except (CorruptObjectError, SpecError, PluginError) as error:
        return _nothing(name, f"it can't be read ({' '.join(str(error).split())})")
    found = tuple(dict.fromkeys(_translated(_best(search, history), other, search)))
    if not found:
        why = "none of its trials is complete and keeps the limits of this search"
        lies = "none of its architectures lies in the space of this search"
        return _nothing(name, lies if any(_best(search, history)) else why)
    few = found[: _how_many(search)]
    best = f"{len(few)} best architectures" if len(few) > 1 else "best architecture"
    return Known(few, f"It begins with the {best} of the search {name!r}, of {len(history.completed)} complete trials.")


def _nothing(name: str, why: str) -> Known:
    return Known((), f"spec.warm_start is {name!r}, but {why}: this search begins without it.")


def _best(search: Search, history: History) -> Iterator[Architecture]:
    """Yield the architectures of complete trials that count for this search: along their front, then all others by rank."""
    objectives, fidelity = search.spec.objectives, search.estimation.fidelity
    allowed = {t.id: t for t in ranked(history.alone, objectives) if keeps_limits(t, objectives)}
    front = [i for i in select(history, objectives, fidelity).front if i in allowed]
    for id_ in dict.fromkeys([*spread(front, MOST), *allowed]):
        yield allowed[id_].proposal.architecture


def _translated(found: Iterator[Architecture], other: Search, search: Search) -> Iterator[Architecture]:
    """Yield those that lie in this search's space too, by what they are called there: it may have grown since."""
    for architecture in found if other.space.name == search.space.name else ():
        try:
            here = search.space.from_text(other.space.to_text(architecture))
        except ValueError:  # another decision, or another choice
            continue
        yield search.space.canonical(here)


def _how_many(search: Search) -> int:
    trials = search.most_trials
    worth = trials if math.isfinite(trials) else search.most_cost / search.estimation.fidelity.cost
    return min(MOST, max(1, math.floor(SHARE * worth)))
