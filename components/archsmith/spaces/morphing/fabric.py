"""Steps in a fabric: a convolution more that leaves the scale as it is, and is the identity at first.

The layers of a path are as many as the trellis has, beside those within the first and the last one. So a path becomes longer
where its way down moves into one of these: from scales 0, 1, ... to 1, 1, ..., or from ..., 1, 2 to ..., 1, 1 at its end.
"""

from collections.abc import Iterator, Sequence

from archsmith.spaces.fabric import FabricSpace
from archsmith.spaces.morphing.steps import Morphism, Operation
from archsmith.values import Architecture


def grown(space: FabricSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield the exact steps."""
    path = space.path(architecture)
    if path[1] == path[0] + 1:
        yield _along(space, architecture, (path[1], *path[1:]), "deepen")
    if path[-1] == path[-2] + 1:
        yield _along(space, architecture, (*path[:-1], path[-2]), "deepen")


def shrunk(space: FabricSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield the paths from which these steps lead here."""
    path = space.path(architecture)
    if path[1] == path[0] > 0:
        yield _along(space, architecture, (path[0] - 1, *path[1:]), "shrink")
    if path[-1] == path[-2] < space.trellis.scales - 1:
        yield _along(space, architecture, (*path[:-1], path[-1] + 1), "shrink")


def _along(space: FabricSpace, architecture: Architecture, path: Sequence[int], operation: Operation) -> Morphism:
    """Return the step to another path, with the settings of the training as they are."""
    before = space.path(architecture)
    settings = {k: v for k, v in space.assignment(architecture).items() if k not in space.choices_of(before)}
    after = space.architecture({**space.choices_of(path), **settings})
    what = f"{'-'.join(map(str, before))} → {'-'.join(map(str, path))}"
    return Morphism(operation, after, what)
