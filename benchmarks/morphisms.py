"""Whether networks compute the same after a morphism: random pairs of every operation in every space that has it.

    python benchmarks/morphisms.py                  # 1,000 pairs an operation, about five minutes on a processor
    python benchmarks/morphisms.py --pairs 50

Prints a row an operation and space: the pairs, by how much the logits of a child are away from its parent's, as a share of the
largest one, in evaluation mode (on images that inheriting has not seen; the limit is 1e-5) and in training mode (on those that it
has; the limit is .05), and of how many the number of parameters is what the formula says. Parents have random weights, biases and
statistics. Ends with 1 where a limit is broken.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from archsmith.errors import UnbuildableError
from archsmith.models import build
from archsmith.models.initialise import initialise
from archsmith.models.morphisms import inherit
from archsmith.spaces import SPACES
from archsmith.spaces.chain import ChainSpace
from archsmith.spaces.fabric import FabricSpace
from archsmith.spaces.mobile import MobileSpace
from archsmith.spaces.morphing import Morphism, morphisms
from archsmith.spaces.nas_bench_201 import NasBench201Space, pruned
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Fidelity

SHAPE, CLASSES, BATCH, AT_ONCE = (3, 8, 8), 5, 16, 3
EVALUATION, TRAINING = 1e-5, 0.05
"""The limits."""
OPERATIONS = ("widen", "deepen", "kernel", "branch", "split")
STAGES = [{"channels": 8}, {"channels": 16, "stride": 2}]
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "chain": {
        "layers": {"min": 1, "max": 5}, "filters": [4, 6, 8, 12], "kernels": [1, 3, 5], "units": [6, 8, 12],
        "dense_layers": {"min": 0, "max": 2},
    },
    "branch": {"layers": {"min": 2, "max": 5}, "filters": [4, 6, 8], "kernels": [1, 3, 5], "stem": 4},
    "mobile": {
        "stem": 8, "head": 16, "stem_stride": 1, "stages": STAGES, "depth": {"min": 1, "max": 3}, "expansions": [1, 2, 3],
        "kernels": [3, 5], "squeeze_excitation": [False, True],
    },
    "nas-bench-201": {"channels": 4, "cells": 1},
    "cell": {"nodes": 2, "channels": 4, "cells": 2, "reduce_at": [1], "operations": "nasnet"},
    "branch-of-cells": {"nodes": 2, "channels": 4, "blocks": 2, "cells": 1},
    "hierarchical": {"nodes": 2, "channels": 4, "layers": {"min": 2, "max": 4}},
    "fabric": {"layers": 4, "scales": 3, "channels": 4, "doubling": True},
    "tree-cell": {"depth": 2, "branches": 2, "channels": 6, "cells": 1},
    "yaml": {
        "decisions": [
            {"name": "filters", "choices": [4, 6, 8]}, {"name": "kernel", "choices": [1, 3, 5]},
            {"name": "blocks", "choices": [1, 2, 3]}, {"name": "op", "choices": ["sep_conv_3x3", "sep_conv_5x5", "max_pool_3x3"]},
            {"name": "units", "choices": [4, 8]},
        ],
        "network": [
            {"op": "conv", "filters": "$filters", "kernel": "$kernel"},
            {"repeat": "$blocks", "blocks": [{"residual": [{"op": "conv", "filters": 4, "kernel": "$kernel"}, {"op": "$op"}]}]},
            {"op": "dense", "units": "$units"},
        ],
    },
}  # fmt: skip
"""Small networks of each space."""


@dataclass
class Row:
    """What was measured of an operation in a space."""

    evaluation: list[float] = field(default_factory=list)
    training: list[float] = field(default_factory=list)
    n_right: int = 0
    n_same: int = 0

    def add(self, apart: Mapping[bool, float], *, same: bool, right: bool) -> None:
        """Add a pair."""
        self.evaluation.append(apart[False])
        self.training.append(apart[True])
        self.n_same += same
        self.n_right += right

    @property
    def keeps(self) -> bool:
        """Whether all pairs are within the limits."""
        n = len(self.evaluation)
        return max(self.evaluation) <= EVALUATION and max(self.training) <= TRAINING and self.n_right == self.n_same == n


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1000, help="of each operation, over all spaces")
    parser.add_argument("--spaces", default=",".join(SETTINGS), help="which of them")
    given = parser.parse_args()
    torch.set_num_threads(1)
    spaces = {name: SPACES[name].model_validate(SETTINGS[name]).build() for name in given.spaces.split(",")}
    rows: dict[tuple[str, str], Row] = {}
    counts = dict.fromkeys(OPERATIONS, 0)
    print("| operation | space | pairs | evaluation, worst | training, worst | training, median | parameters |")
    print("|---|---|---|---|---|---|---|")
    for seed in range(20 * given.pairs):
        wanted = {operation for operation in OPERATIONS if counts[operation] < given.pairs}
        for name, space in spaces.items() if wanted else ():
            for step, apart, same, right in measured(space, seed, wanted):
                rows.setdefault((step.operation, name), Row()).add(apart, same=same, right=right)
                counts[step.operation] += 1
    for (operation, name), row in sorted(rows.items()):
        n, worst = len(row.evaluation), max(row.training)
        print(f"| {operation} | {name} | {n} | {max(row.evaluation):.1e} | {worst:.1e} | {np.median(row.training):.1e} "
              f"| {row.n_right} of {n} |")  # fmt: skip
    keeps = all(row.keeps for row in rows.values()) and all(
        counts[operation] >= given.pairs for operation in {o for o, _ in rows}
    )
    print(
        ", ".join(f"{operation}: {n} pairs" for operation, n in counts.items()), "--", "all exact" if keeps else "NOT all exact"
    )
    sys.exit(not keeps)


def measured(space: Space, seed: int, wanted: set[str]) -> Iterator[tuple[Morphism, dict[bool, float], bool, bool]]:
    """Yield some steps of each operation that is wanted from a random architecture, and what was measured of them."""
    rng = np.random.default_rng(seed)
    architecture = space.sample(rng)
    by_operation: dict[str, list[Morphism]] = {}
    for step in morphisms(space, architecture):
        by_operation.setdefault(step.operation, []).append(step)
    found = [of[k] for op, of in sorted(by_operation.items()) if op in wanted for k in rng.permutation(len(of))[:AT_ONCE]]
    try:
        parent = network_of(space, architecture, seed)
        children = [network_of(space, step.architecture, seed + 1) for step in found]
    except UnbuildableError:
        return
    lived(parent, seed)
    images = {mode: torch.rand(BATCH, *SHAPE, generator=torch.Generator().manual_seed(2 * seed + mode)) for mode in (True, False)}
    for step, child in zip(found, children, strict=True):
        result = inherit(parent, child, images=images[True], generator=torch.Generator().manual_seed(seed))
        apart = {mode: difference(parent, child, images[mode], training=mode) for mode in (False, True)}
        right = n_parameters(child) - n_parameters(parent) == expected(space, architecture, step.architecture, child, parent)
        if not (result.same and right and apart[False] <= EVALUATION and apart[True] <= TRAINING):
            print(
                f"{space.to_text(architecture)}: {step.operation}, {step.what}: {result.same=} {right=} {apart=}", file=sys.stderr
            )
        yield step, apart, result.same, right


def network_of(space: Space, architecture: Architecture, seed: int) -> nn.Module:
    """Return a network with random weights."""
    network = build(space, architecture, SHAPE, CLASSES, fidelity=Fidelity(1), mean=[0.4] * 3, std=[0.2] * 3)
    initialise(network, torch.Generator().manual_seed(seed))
    return network


@torch.no_grad()
def lived(network: nn.Module, seed: int) -> None:
    """Give normalisations weights, biases and statistics, and linear layers biases, that are not those of a fresh network."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.uniform_(0.5, 1.5, generator=generator)
            module.bias.normal_(0, 0.3, generator=generator)
        elif isinstance(module, nn.Linear):
            module.bias.normal_(0, 0.2, generator=generator)
    for _ in range(3):
        network.train()(torch.rand(BATCH, *SHAPE, generator=generator))


@torch.no_grad()
def difference(parent: nn.Module, child: nn.Module, images: Tensor, *, training: bool) -> float:
    """Return by how much the logits of two networks differ at most, as a share of the largest."""
    want, got = parent.train(training)(images), child.train(training)(images)
    return float((got - want).abs().max() / want.abs().max())


def n_parameters(network: nn.Module) -> int:
    """Count parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def expected(space: Space, old: Architecture, new: Architecture, child: nn.Module, parent: nn.Module) -> int:
    """Return how many parameters a child has more: by a formula of the decisions, or else layer by layer.

    A k x k convolution from c to d channels has k^2 c d, a depthwise one k^2 c, a normalisation 2 c, a dense layer (c + 1) d.
    """
    formula = next((formula for kind, formula in FORMULAS.items() if isinstance(space, kind)), None)
    if formula is not None:
        return formula(space, new) - formula(space, old)
    return _by_layer(child) - _by_layer(parent)


def _by_layer(network: nn.Module) -> int:
    total = 0
    for m in network.modules():
        if isinstance(m, nn.Conv2d):
            total += m.kernel_size[0] * m.kernel_size[1] * m.in_channels * m.out_channels // m.groups
        elif isinstance(m, nn.Linear):
            total += (m.in_features + 1) * m.out_features
        elif isinstance(m, nn.BatchNorm2d):
            total += 2 * m.num_features
    return total


def _chain(space: ChainSpace, architecture: Architecture) -> int:
    chosen, total, c = space.assignment(architecture), 0, SHAPE[0]
    for i in range(1, int(chosen["layers"]) + 1):
        if f"filters_{i}" in chosen:
            k, d = int(chosen[f"kernel_{i}"]), int(chosen[f"filters_{i}"])
            total += k * k * c * d + 2 * d if chosen[f"op_{i}"] == "conv" else k * k * c + 2 * c + c * d + 2 * d
            c = d
    for j in range(1, int(chosen["dense"]) + 1):
        d = int(chosen[f"units_{j}"])
        total, c = total + (c + 1) * d, d
    return total + (c + 1) * CLASSES


def _mobile(space: MobileSpace, architecture: Architecture) -> int:
    c, total = space.config.stem, 0
    for block in (block for stage in space.blocks(architecture) for block in stage):
        inner, d = c * block.expansion, block.channels
        total += (c * inner + 2 * inner) * (block.expansion > 1) + block.kernel**2 * inner + 2 * inner + inner * d + 2 * d
        squeezed = max(inner // 4, min(inner, 4))
        total += ((inner + 1) * squeezed + (squeezed + 1) * inner) * block.squeeze_excitation
        c = d
    return total


def _nas_bench_201(space: NasBench201Space, architecture: Architecture) -> int:
    kernels = [int(op[-1]) for op in pruned(space.cell(architecture)) if op.startswith("nor_conv")]
    channels = [space.channels * 2**stage for stage in range(3)]
    return space.cells * sum(k * k * c * c + 2 * c for k in kernels for c in channels)


def _fabric(space: FabricSpace, architecture: Architecture) -> int:
    links = space.trellis.along(space.path(architecture))
    ends = [(space.channels(link.source[1]), space.channels(link.target[1])) for link in links]
    return sum(9 * c * d + 2 * d for c, d in ends)


FORMULAS: Mapping[type, Callable[[Any, Architecture], int]] = {
    ChainSpace: _chain,
    MobileSpace: _mobile,
    NasBench201Space: _nas_bench_201,
    FabricSpace: _fabric,
}
"""How many parameters depend on the architecture, by the decisions."""


if __name__ == "__main__":
    main()
