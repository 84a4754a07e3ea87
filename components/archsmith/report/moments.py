"""What shared weights would have led to at some moments of their training."""

from collections.abc import Sequence
from dataclasses import dataclass

from archsmith.spaces.graph import Graph
from archsmith.spaces.space import Space
from archsmith.values import Architecture, SupernetEpoch

MOMENTS = 5


@dataclass(frozen=True, slots=True)
class Moment:
    """What was derived at a moment, and at those after it until it was something else."""

    first: int
    """The epoch, from 1."""
    last: int
    """The last moment's epoch at which it was still the same."""
    architecture: Architecture
    """What was derived."""

    @property
    def words(self) -> str:
        """When that was."""
        return f"after epoch {self.first}" if self.first == self.last else f"after epochs {self.first} to {self.last}"


def moments(records: Sequence[SupernetEpoch], n: int = MOMENTS) -> list[Moment]:
    """Return what was derived at `n` moments, the first epoch and the last and those evenly between; equal neighbours once."""
    known = [(record.epoch, record.derived) for record in records if record.derived]
    found: list[Moment] = []
    for k in sorted({round(i * (len(known) - 1) / max(1, n - 1)) for i in range(n)} if known else ()):
        epoch, derived = known[k]
        if found and found[-1].architecture == derived:
            found[-1] = Moment(found[-1].first, epoch, derived)
        else:
            found.append(Moment(epoch, epoch, derived))
    return found


def searched(space: Space, architecture: Architecture) -> Graph:
    """Return what is searched of a network: its cells where it has some, for what they are stacked into stays the same."""
    graph = space.graph(architecture)
    return Graph((), (), graph.insets) if graph.insets else graph
