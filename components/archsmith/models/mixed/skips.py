"""Connections that may be: each output that a reader may add to its main input is a point of its own.

The decisions of the spaces say first whether a reader joins anything, then what; both come out of the points here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from torch import Tensor, nn

from archsmith.models.branch import Shape, fitting
from archsmith.models.mixed.derivation import Chosen, Slot, logs, slot
from archsmith.models.mixed.network import Mixes, Mixing, Mixture, Point
from archsmith.models.mixed.under_search import unscaled
from archsmith.models.operations import Zero
from archsmith.spaces.macro.wiring_graph import node_id
from archsmith.values import Choice

OPTIONS = ABSENT, PRESENT = "absent", "present"


def skip(reader: str, j: int) -> str:
    """Return the name of the point that says whether a reader adds the output of layer `j`, which is that of the decision."""
    return f"skip_{reader}_{j}"


def skip_points(candidates: Mapping[str, Sequence[int]]) -> Iterator[Point]:
    """Yield the points; `candidates` says what each reader may add to its main input."""
    yield from (Point(skip(reader, j), OPTIONS) for reader, outputs in candidates.items() for j in outputs)


def skip_slot(name: str, probabilities: Mapping[str, np.ndarray], has_meaning: Callable[[Chosen], bool] = lambda _: True) -> Slot:
    """Return the slot of a point."""
    return slot([{name: False}, {name: True}], logs(probabilities[name]), has_meaning)


def read_join(reader: str, outputs: Sequence[int], chosen: Chosen) -> dict[str, Choice]:
    """Return the decisions of a reader on what it joins.

    Args:
        reader: Number of a layer, or `output`.
        outputs: What it may add to its main input.
        chosen: Whether it does, by the names of the points.
    """
    added = {skip(reader, j): chosen[skip(reader, j)] for j in outputs}
    if not any(added.values()):
        return {f"join_{reader}": "none"} if added else {}
    # With one output alone, the decision to join is the decision to read it.
    return {f"join_{reader}": "sum"} | (added if len(added) > 1 else {})


def options(reader: str, outputs: Sequence[int], skips: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """Return the options of a reader that adds `skips` of all `outputs` that it may."""
    return {skip(reader, j): (PRESENT if j in skips else ABSENT,) for j in outputs}


def skip_mixture(point: str, shape: Shape, to: Shape) -> Mixture:
    """Return an output that is there or is not, brought to another shape, whose sides are no larger."""
    there = unscaled(fitting(shape, to.channels, to.shrunk))
    return Mixture(point, {ABSENT: Zero(to.channels, to.shrunk // shape.shrunk), PRESENT: there})


class MixedJoin(nn.ModuleDict, Mixing):
    """The main input of a reader, and what may be added to it, brought to the channels and sides of that one.

    Args:
        reader: Number of a layer, or `output`.
        main: Shape of the main input, which has the smallest sides of all.
        shapes: Of what may be added, by the number of the layer.
    """

    def __init__(self, reader: str, main: Shape, shapes: Mapping[int, Shape]) -> None:
        super().__init__()
        self.shape = main
        for j, shape in shapes.items():
            self[node_id(j)] = skip_mixture(skip(reader, j), shape, main)

    def forward(self, xs: Sequence[Tensor], mixes: Mixes) -> Tensor:
        """Return the sum, (B, C, H, W), of the main input, which comes first, and of the others, (B, C_j, H_j, W_j)."""
        main, *others = xs
        for mixture, x in zip(self.values(), others, strict=True):
            main = main + mixture(x, mixes)
        return main
