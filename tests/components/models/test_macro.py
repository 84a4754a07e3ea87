"""Networks of cells that read any earlier outputs, against the stack of cells, and networks written by hand."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.evaluation.export import export
from archsmith.models import build
from archsmith.models.cell import Cell, Node
from archsmith.models.cost import FULL, cost_of
from archsmith.models.macro import Macro, Transition, needed
from archsmith.spaces.cells.cell import CellConfig
from archsmith.spaces.cells.genotype import CellGenotype
from archsmith.spaces.macro.branch_of_cells import BranchOfCellsConfig
from archsmith.spaces.macro.hierarchical import HierarchicalConfig
from archsmith.spaces.macro.wiring import Layer, Wiring
from archsmith.spaces.space import Space
from archsmith.values import Fidelity

Check = Callable[[nn.Module, tuple[int, int, int]], None]

SHAPES = [(1, 8, 8), (3, 32, 32), (1, 28, 28)]
SMALL: dict[str, dict[str, Any]] = {
    "searched connections": {"name": "branch-of-cells", "blocks": 2, "inputs": "free", "output": "unused"},
    "residual": {"name": "branch-of-cells", "macro": "residual", "blocks": 2, "output": "unused"},
    "dense": {"name": "branch-of-cells", "macro": "dense", "blocks": 2, "growth": 4, "inputs": "free"},
    "dense with transitions": {"name": "branch-of-cells", "macro": "dense", "cells": 1, "growth": 3, "reduction": "transition"},
    "chain": {"name": "branch-of-cells", "macro": "chain", "cells": 1, "operations": "nasnet", "stem_stride": 2},
    "hierarchical": {"name": "hierarchical", "layers": {"min": 1, "max": 6}, "branches": 3, "inputs": "free"},
    "cells that drop nodes": {"name": "hierarchical", "cells": 3, "operations": "nasnet", "branches": 8},
}


def make(settings: Mapping[str, Any]) -> Space:
    """Return a small space of either kind."""
    rest = {"channels": 4, "nodes": 2, **settings}
    config = {"branch-of-cells": BranchOfCellsConfig, "hierarchical": HierarchicalConfig}[rest.pop("name")]
    return config.model_validate(rest).build()


def assert_the_same(network: nn.Module, other: nn.Module, shape: tuple[int, int, int] = (3, 12, 12)) -> None:
    """Check that two networks with the same weights, in the order of their layers, are the same function, trained or not."""
    theirs = other.state_dict()
    network.load_state_dict(dict(zip(network.state_dict(), theirs.values(), strict=True)))
    x = torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
    for training in (True, False):
        torch.testing.assert_close(network.train(training)(x), other.train(training)(x))


def test_a_chain_of_cells_is_the_network_of_the_cell_space() -> None:
    chain = BranchOfCellsConfig(macro="chain", nodes=2, blocks=3, cells=2, channels=4).build()
    stack = CellConfig(cells=8, reduce_at=(2, 5), nodes=2, channels=4, stem_multiplier=2).build()
    rng = np.random.default_rng(0)
    for _ in range(3):
        text = stack.to_text(stack.sample(rng))
        ours = build(chain, chain.from_text(text), (3, 12, 12), 5, fidelity=FULL)
        assert_the_same(ours, build(stack, stack.from_text(text), (3, 12, 12), 5, fidelity=FULL))


def test_a_hierarchical_network_of_one_cell_after_the_other_is_the_network_of_the_cell_space() -> None:
    space = HierarchicalConfig.model_validate({"layers": {"min": 3, "max": 3}, "cells": 1, "branches": 1, "channels": 4}).build()
    stack = CellConfig(cells=3, reduce_at=(), channels=4).build()
    architecture = stack.sample(np.random.default_rng(0))
    cell = stack.to_text(architecture).replace("normal", "cell1").replace(", reduce=[], reduce_concat=[]", "")
    chosen = "layers=3 op_1=cell1 op_2=cell1 join_2=none op_3=cell1 join_3=none join_output=none"
    ours = build(space, space.from_text(f"{cell} {chosen}"), (3, 12, 12), 5, fidelity=FULL)
    assert_the_same(ours, build(stack, architecture, (3, 12, 12), 5, fidelity=FULL))


CELL = CellGenotype((("conv_3x3", 0), ("skip_connect", 1), ("max_pool_3x3", 2), ("conv_1x1", 1)), (2, 3))


class HandwrittenBlocks(nn.Module):
    """Stem, two blocks of two cells each with a halving between them, and the classifier."""

    def __init__(self, cells: list[Cell], between: Transition, stem: int, channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem))
        self.cells = nn.ModuleList([*cells[:2], between, *cells[2:]])
        self.classifier = nn.Linear(channels, 5)

    def forward(self, x: Tensor) -> Tensor:
        a, b, between, c, d = self.cells
        before = x = self.stem(x)
        for first, second in ((a, b), (c, d)):
            once = self.join(first(before, x), x)
            before, x = once, self.join(second(x, once), once)
            if first is a:
                before, x = x, between(x)
        return self.classifier(x.mean((2, 3)))  # type: ignore[no-any-return]

    def join(self, new: Tensor, old: Tensor) -> Tensor:
        raise NotImplementedError


class HandwrittenResidual(HandwrittenBlocks):
    """Each cell adds to what it was given."""

    def __init__(self) -> None:
        first = [Cell(CELL, ((8, 1), (8, 1)), 4, stride=1) for _ in range(2)]
        # The first cell after the halving takes what the halving has read, which is twice as large.
        second = [Cell(CELL, ((c, s), (16, 1)), 8, stride=1) for c, s in ((8, 2), (16, 1))]
        super().__init__([*first, *second], Transition(8, 16), 8, 16)

    def join(self, new: Tensor, old: Tensor) -> Tensor:
        return new + old


class HandwrittenDense(HandwrittenBlocks):
    """Each cell appends to what it was given."""

    def __init__(self) -> None:
        first = [Cell(CELL, ((4, 1), (c, 1)), 3, stride=1) for c in (4, 10)]
        second = [Cell(CELL, ((c, s), (d, 1)), 3, stride=1) for c, s, d in ((16, 2, 8), (8, 1, 14))]
        super().__init__([*first, *second], Transition(16, 8), 4, 20)

    def join(self, new: Tensor, old: Tensor) -> Tensor:
        return torch.cat([new, old], 1)


@pytest.mark.parametrize(("macro", "handwritten"), [("residual", HandwrittenResidual), ("dense", HandwrittenDense)])
def test_cells_take_the_place_of_layers_in_residual_and_dense_networks(
    macro: str, handwritten: type[HandwrittenResidual | HandwrittenDense]
) -> None:
    settings = {"macro": macro, "blocks": 2, "cells": 2, "channels": 4, "reduction": "transition", "nodes": 2}
    growth = {"growth": 3} if macro == "dense" else {}
    operations = ["conv_3x3", "skip_connect", "max_pool_3x3", "conv_1x1"]
    space = BranchOfCellsConfig.model_validate({**settings, **growth, "operations": operations}).build()
    text = (
        "Genotype(normal=[('conv_3x3', 0), ('skip_connect', 1), ('conv_1x1', 1), ('max_pool_3x3', 2)], normal_concat=range(2, 4))"
    )
    network = build(space, space.from_text(text), (3, 12, 12), 5, fidelity=FULL)[1:]  # without the normalisation
    other = handwritten()
    # Ours has the two operations of a node in the order of their inputs.
    for cell in other.cells:
        if isinstance(cell, Cell):
            cell.genotype = CellGenotype((*CELL.pairs[:2], CELL.pairs[3], CELL.pairs[2]), CELL.concat)
            cell["node_3"] = Node({"a": cell["node_3"]["b"], "b": cell["node_3"]["a"]})
    assert_the_same(network, other)


def test_a_transition_is_a_pointwise_convolution_and_the_mean_of_each_window() -> None:
    transition = Transition(3, 5).eval()
    x = torch.randn(2, 3, 5, 4)
    y = F.conv2d(F.relu(x), transition[1].weight) / (1 + transition[2].eps) ** 0.5
    windows = [[y[:, :, r : r + 2, c : c + 2].mean((2, 3)) for c in (0, 2)] for r in (0, 2, 4)]
    torch.testing.assert_close(transition(x), torch.stack([torch.stack(row, -1) for row in windows], -2))


def test_only_what_the_classifier_depends_on_is_built() -> None:
    takes_before = CellGenotype((("conv_3x3", 0), ("skip_connect", 0)), (2,))
    layers = (Layer(1, "a", 0, (), "none", 4), Layer(2, "a", 1, (0,), "concat", 4), Layer(3, "a", 2, (1,), "concat", 4))
    wiring = Wiring(layers, (), "none")
    # 3 takes what 2 reads: the output of 1, and the stem; 1 takes what the stem is. Nobody takes what 3 reads.
    assert needed(wiring, {"a": takes_before}) == ({0, 2}, {0, 1, 3})
    macro = Macro(wiring, {"a": takes_before}, 4)
    assert {name: list(part) for name, part in macro.items()} == {
        "layer_1": ["a"], "layer_2": ["join"], "layer_3": ["a"], "output": ["layer_3"],
    }  # fmt: skip


@pytest.mark.parametrize("settings", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("shape", [*SHAPES, (2, 1, 1), (3, 5, 7)], ids=str)
def test_every_sample_takes_images_of_any_size_and_learns(
    settings: dict[str, Any], shape: tuple[int, int, int], assert_learns: Check
) -> None:
    space, rng = make(settings), np.random.default_rng(0)
    for fidelity in (FULL, FULL, Fidelity(1, width=0.5, depth=0.4)):
        assert_learns(build(space, space.sample(rng), shape, 4, fidelity=fidelity), shape)


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_hierarchical_network_is_exported() -> None:
    shape = (1, 28, 28)
    # A halving of 7 pixels, whose last window juts out; one of everything that there is beside cells.
    space = make({"name": "hierarchical", "layers": {"min": 5, "max": 5}, "cells": 1, "nodes": 1, "branches": 1})
    text = (
        "Genotype(cell1=[('skip_connect', 0), ('max_pool_3x3', 1)], cell1_concat=[2]) layers=5 op_1=downsample "
        "op_2=downsample join_2=none op_3=downsample join_3=none op_4=cell1 join_4=sum skip_4_0=True skip_4_1=False "
        "skip_4_2=True op_5=identity join_5=none join_output=concat skip_output_0=True skip_output_1=False "
        "skip_output_2=False skip_output_3=False skip_output_4=True"
    )
    network = build(space, space.from_text(text), shape, 4, fidelity=FULL)
    images = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    assert max(export(network, images, {}).agreement.values()) < 1e-4


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_dense_network_of_cells_is_exported() -> None:
    space = BranchOfCellsConfig(macro="dense", blocks=2, cells=1, nodes=1, channels=4).build()
    network = build(space, space.sample(np.random.default_rng(4)), (1, 8, 8), 4, fidelity=FULL)
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert max(export(network, images, {}).agreement.values()) < 1e-4


@pytest.mark.parametrize("settings", SMALL.values(), ids=SMALL)
def test_a_canonical_architecture_costs_the_same(settings: dict[str, Any]) -> None:
    space, rng = make(settings), np.random.default_rng(2)
    for _ in range(2):
        architecture = space.sample(rng)
        one, other = (cost_of(space, a, (3, 16, 16), 4) for a in (architecture, space.canonical(architecture)))
        assert one == other


def test_a_canonical_hierarchy_is_the_same_network() -> None:
    # A cell of one node is its own canonical form, so that equal networks have their weights in the same order.
    space = make({"name": "hierarchical", "nodes": 1, "operations": ["conv_3x3", "max_pool_3x3"], "cells": 3})
    rng, changed = np.random.default_rng(0), 0
    for _ in range(20):
        architecture = space.sample(rng)
        canonical = space.canonical(architecture)
        changed += canonical != architecture
        one, other = (build(space, a, (3, 12, 12), 4, fidelity=FULL) for a in (architecture, canonical))
        assert_the_same(other, one)
    assert changed > 5


def test_parameters_and_multiply_adds_are_those_of_the_closed_form() -> None:
    space = HierarchicalConfig.model_validate({"layers": {"min": 3, "max": 3}, "cells": 1, "channels": 8, "nodes": 1}).build()
    cell = "Genotype(cell1=[('skip_connect', 0), ('dil_conv_3x3', 1)], cell1_concat=[2])"
    # A cell on the stem; a halving of it; and a cell on the halving with, summed to it, the stem.
    network = "op_2=downsample input_2=1 join_2=none op_3=cell1 input_3=2 join_3=sum skip_3_0=True skip_3_1=False"
    architecture = space.from_text(f"{cell} layers=3 op_1=cell1 {network} join_output=none")
    counted = cost_of(space, architecture, (3, 8, 8), 10)
    stem, first = 27 * 24, 2 * 24 * 8 + 9 * 8 + 8 * 8  # two preprocessings; depthwise and pointwise
    halving = 8 * 16  # before the pooling, to twice the channels of a node
    projected = 24 * 16  # the stem, after it is pooled
    reduced, own, inside = 8 * 16, 16 * 16, 9 * 16 + 16 * 16  # what the halving has read, the sum, the convolution
    norms = 2 * (24 + 3 * 8 + 16 + 16 + 3 * 16)
    assert counted.n_params == stem + first + halving + projected + reduced + own + inside + norms + 16 * 10 + 10
    assert counted.flops == 64 * (stem + first + halving) + 16 * (projected + reduced + own + inside) + 16 * 10


def test_the_width_scales_the_channels_and_the_depth_the_cells() -> None:
    space = BranchOfCellsConfig(macro="residual", cells=4, nodes=2, channels=16).build()
    network = build(space, space.sample(np.random.default_rng(0)), (3, 32, 32), 10, fidelity=Fidelity(1, width=0.25, depth=0.5))
    (macro,) = (m for m in network if isinstance(m, Macro))
    assert [(layer.op, layer.filters) for layer in macro.wiring.layers] == [
        ("normal", 4), ("normal", 4), ("reduce", 8), ("normal", 8), ("normal", 8), ("reduce", 16), ("normal", 16),
    ]  # fmt: skip
    assert macro.shape.channels == 2 * 16


def test_a_shallower_network_keeps_every_halving() -> None:
    space, rng = HierarchicalConfig(nodes=1, channels=4).build(), np.random.default_rng(1)
    for _ in range(20):
        architecture = space.sample(rng)
        full, shallow = (
            build(space, architecture, (1, 8, 8), 4, fidelity=Fidelity(1, depth=depth))[2].wiring.layers for depth in (1.0, 0.5)
        )
        halvings = [layer.number for layer in full if layer.stride > 1]
        assert [layer.number for layer in shallow if layer.stride > 1] == halvings
        some = 0 if len(halvings) == len(full) else 1
        assert len(shallow) == len(halvings) + max(some, round(len(full) / 2) - len(halvings))
