"""The mixed network of NAS-Bench-201: each edge of the cell is a point, which all cells share.

Reference: Dong, Yang 2020 (arXiv:2001.00326), section 2.1. `none` is one of the operations, and may be derived.

Deviation: a cell whose output nothing reaches is not derived, however probable `none` is; its network can't learn.
"""

from collections.abc import Mapping, Sequence
from functools import partial, reduce

import numpy as np
import torch
from torch import Tensor, nn

from archsmith.models.mixed.derivation import Chosen, Slot, logs, slot
from archsmith.models.mixed.network import MixedStack, Mixes, Mixing, Point
from archsmith.models.mixed.partial import mixed_edge
from archsmith.models.mixed.plan import Plan
from archsmith.models.nas_bench_201 import OPERATIONS, framed
from archsmith.models.operations import zero
from archsmith.spaces.nas_bench_201 import EDGES, NasBench201Space, pruned
from archsmith.spaces.nas_bench_201 import OPERATIONS as NAMES
from archsmith.values import Architecture


class MixedNasBench201(MixedStack):
    """The mixed network; its points have the names of the decisions."""

    space: NasBench201Space

    def __init__(self, space: NasBench201Space, plan: Plan) -> None:
        points = [Point(f"op_{i}_{j}", NAMES, frozenset({"skip_connect"})) for i, j in EDGES]
        parts = framed(space, plan.input_shape, plan.n_classes, plan.fidelity, partial(MixedCell, k=plan.partial))
        super().__init__(space, points, {"normalize": plan.normalize, **parts})

    def is_connected(self, architecture: Architecture) -> bool:
        """Tell whether the cell's input reaches its output."""
        return any(operation != "none" for operation in pruned(self.space.cell(architecture)))

    def options(self, architecture: Architecture) -> Mapping[str, tuple[str, ...]]:
        """Return the operations."""
        return {name: (str(op),) for name, op in self.space.assignment(architecture).items()}

    def slots(self, probabilities: Mapping[str, np.ndarray]) -> Sequence[Slot]:
        """Return a slot an edge."""
        return [slot([{p.name: op} for op in p.options], logs(probabilities[p.name])) for p in self.points]

    def read(self, chosen: Chosen) -> Architecture:
        """Return the architecture of these operations."""
        return self.space.architecture(chosen)


class MixedCell(nn.ModuleDict, Mixing):
    """A cell with all operations on each edge: (B, C, H, W) -> (B, C, H, W).

    Args:
        channels: Of input, output and all nodes.
        k: One in so many channels goes through the operations.
    """

    def __init__(self, channels: int, *, k: int) -> None:
        operations = {name: OPERATIONS.get(name, zero) for name in NAMES}
        super().__init__({f"edge_{i}_{j}": mixed_edge(f"op_{i}_{j}", operations, channels, 1, k) for i, j in EDGES})

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """Apply the cell."""
        nodes = [x]
        for j in (1, 2, 3):
            nodes.append(reduce(torch.add, [self[f"edge_{i}_{j}"](nodes[i], mixes) for i in range(j)]))
        return nodes[-1]
