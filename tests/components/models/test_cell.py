"""Networks of stacked cells, against published figures, closed forms, and cells written by hand."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.evaluation.export import export
from archsmith.models import build
from archsmith.models.blocks import GlobalPool
from archsmith.models.cell import Cell, CellStack, stem, thinned
from archsmith.models.cost import FULL, cost_of
from archsmith.models.operations import OPERATIONS
from archsmith.spaces.cells.cell import CellConfig, CellSpace, Kind
from archsmith.spaces.cells.cell_decisions import Operation
from archsmith.spaces.cells.genotype import CellGenotype, Genotype
from archsmith.values import Fidelity

Check = Callable[[nn.Module, tuple[int, int, int]], None]

DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
SHAPES = [(1, 8, 8), (3, 32, 32), (1, 28, 28)]
SMALL: dict[str, dict[str, Any]] = {
    "darts": {"cells": 4, "channels": 4, "nodes": 2},
    "nasnet": {"cells": 4, "channels": 4, "nodes": 3, "operations": "nasnet", "stem_stride": 2},
    "one cell for both": {"cells": 3, "channels": 4, "nodes": 2, "separate_reduction": False, "inputs": "free"},
    "reductions in a row": {"cells": 5, "channels": 4, "nodes": 2, "reduce_at": [0, 1, 4], "inputs": "free", "output": "unused"},
}


def space(**settings: Any) -> CellSpace:
    return CellConfig.model_validate(settings).build()


def kinds(text: str) -> tuple[Kind, ...]:
    return tuple("normal" if letter == "N" else "reduction" for letter in text)


def placed(text: str) -> dict[int, Kind]:
    return dict(enumerate(kinds(text), start=1))


def test_the_network_that_darts_published_has_its_parameters_and_multiply_adds() -> None:
    darts = space(cells=20, channels=36)
    counted = cost_of(darts, darts.from_text(DARTS_V2), (3, 32, 32), 10)
    assert round(counted.n_params, -5) == 3_300_000  # table 1 of the paper: 3.3 M, without the auxiliary head
    assert counted.n_params == 3_349_342  # what its code logs: "param size = 3.349342MB"


def test_a_stack_has_the_parameters_and_multiply_adds_of_the_closed_form() -> None:
    cells = space(cells=2, channels=8, nodes=1, reduce_at=[1], stem_multiplier=2)
    architecture = cells.from_text(
        "Genotype(normal=[('dil_conv_3x3', 0), ('skip_connect', 1)], normal_concat=[2], "
        "reduce=[('max_pool_3x3', 0), ('skip_connect', 1)], reduce_concat=[2])"
    )
    stem_, first = 3 * 16 * 9, 2 * 16 * 8 + 8 * 9 + 8 * 8  # two preprocessings; depthwise and pointwise
    second, reduce_ = 16 * 16 + 8 * 16, 16 * 16  # from the stem's 16 and the cell's 8 to 16; factorized reduction
    norms = 2 * (16 + 3 * 8 + 3 * 16)
    counted = cost_of(cells, architecture, (3, 8, 8), 10)
    assert counted.n_params == stem_ + first + second + reduce_ + norms + 16 * 10 + 10
    assert counted.flops == 64 * (stem_ + first + second) + 16 * reduce_ + 16 * 10


def conv_by_hand(layer: nn.Module, x: Tensor, stride: int = 1) -> Tensor:
    """ReLU, convolution, normalisation in evaluation mode, with the layer's own weights."""
    convolution, norm = (next(m for m in layer.modules() if isinstance(m, kind)) for kind in (nn.Conv2d, nn.BatchNorm2d))
    x = F.conv2d(F.relu(x), convolution.weight, stride=stride, padding=convolution.weight.shape[-1] // 2)
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)


def test_a_cell_computes_what_its_genotype_says() -> None:
    genotype = CellGenotype((("conv_3x3", 0), ("skip_connect", 1), ("max_pool_3x3", 2), ("conv_1x1", 1)), (2, 3))
    cell = Cell(genotype, ((6, 1), (5, 1)), 4, stride=1).eval()
    before, previous = torch.randn(2, 6, 8, 8), torch.randn(2, 5, 8, 8)
    s0, s1 = conv_by_hand(cell["in_0"], before), conv_by_hand(cell["in_1"], previous)
    s2 = conv_by_hand(cell["node_2"]["a"], s0) + s1
    s3 = F.max_pool2d(s2, 3, 1, 1) + conv_by_hand(cell["node_3"]["b"], s1)
    torch.testing.assert_close(cell(before, previous), torch.cat([s2, s3], 1))


def test_a_reduction_cell_halves_its_inputs_and_not_its_nodes() -> None:
    genotype = CellGenotype((("conv_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("conv_3x3", 2)), (3,))
    cell = Cell(genotype, ((4, 1), (4, 1)), 4, stride=2).eval()
    x = torch.randn(2, 4, 7, 7)
    s0, s1 = conv_by_hand(cell["in_0"], x), conv_by_hand(cell["in_1"], x)
    s2 = conv_by_hand(cell["node_2"]["a"], s0, 2) + F.max_pool2d(s1, 3, 2, 1)
    torch.testing.assert_close(cell(x, x), s2 + conv_by_hand(cell["node_3"]["b"], s2))


def test_only_what_the_output_depends_on_is_built() -> None:
    skips = CellGenotype((("conv_3x3", 0), ("skip_connect", 0)), (2,))
    stack = CellStack(Genotype(skips, None), placed("NNNN"), 8, 4)  # 3 takes 1, 1 takes the stem
    assert [len(list(cell.parameters())) > 0 for cell in stack.values()] == [False, True, False, True]
    stack(torch.randn(2, 8, 8, 8)).sum().backward()
    assert all(p.grad is not None for p in stack.parameters())


@pytest.mark.parametrize("settings", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("shape", [*SHAPES, (2, 1, 1), (3, 5, 7)], ids=str)
def test_every_sample_takes_images_of_any_size_and_learns(
    settings: dict[str, Any], shape: tuple[int, int, int], assert_learns: Check
) -> None:
    cells, rng = space(**settings), np.random.default_rng(0)
    for _ in range(6):
        assert_learns(build(cells, cells.sample(rng), shape, 4, fidelity=FULL), shape)


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_reduction_cell_with_every_operation_is_exported_for_images_of_an_odd_and_an_even_side() -> None:
    operations = Operation.__args__
    cell = CellGenotype(tuple((op, k % 2) for k, op in enumerate(operations)), tuple(range(2, 2 + len(operations) // 2)))
    stack = CellStack(Genotype(cell, cell), placed("R"), 3, 4)
    samples = torch.rand(3, 3, 7, 8, generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(stack, GlobalPool())
    assert max(export(network, samples, {}).agreement.values()) < 1e-4


def test_isomorphic_architectures_cost_the_same() -> None:
    cells, rng = space(cells=2, channels=4, nodes=3, reduce_at=[1]), np.random.default_rng(2)
    for _ in range(4):
        architecture = cells.sample(rng)
        one, other = (cost_of(cells, a, (3, 16, 16), 4) for a in (architecture, cells.canonical(architecture)))
        assert one == other


def test_the_width_scales_the_channels_and_the_depth_the_cells() -> None:
    cells = space(cells=20, channels=36)
    network = build(cells, cells.from_text(DARTS_V2), (3, 32, 32), 10, fidelity=Fidelity(1, width=16 / 36, depth=0.4))
    (stack,) = (m for m in network if isinstance(m, CellStack))
    assert [cell.c_out for cell in stack.values() if isinstance(cell, Cell)] == [4 * c for c in (16, 16, 32, 32, 32, 64, 64, 64)]


def test_twenty_cells_at_a_depth_of_two_fifths_are_the_eight_that_darts_searches_with() -> None:
    left = thinned(CellConfig(cells=20).stack, 0.4)
    assert tuple(left.values()) == CellConfig(cells=8).stack == kinds("NNRNNRNN")
    assert list(left) == [1, 4, 7, 8, 11, 14, 15, 18]


@pytest.mark.parametrize(
    ("full", "depth", "left"),
    [
        ("NNRNNRNN", 1.0, "NNRNNRNN"),
        ("NNRNNRNN", 0.625, "NRNRN"),
        ("NNRNNRNN", 0.01, "NRR"),
        ("NNNN", 0.5, "NN"),
        ("RN", 0.5, "RN"),
        ("N", 0.1, "N"),
    ],
)
def test_a_shallower_stack_keeps_all_reductions_and_a_normal_cell_at_least(full: str, depth: float, left: str) -> None:
    assert tuple(thinned(kinds(full), depth).values()) == kinds(left)


@pytest.mark.parametrize("cells", range(3, 25))
def test_a_shallower_stack_has_its_share_of_cells_in_their_order(cells: int) -> None:
    full = CellConfig(cells=cells).stack
    for depth in np.linspace(0.05, 1, 20):
        left = thinned(full, float(depth))
        assert len(left) == max(3, round(cells * depth))
        runs = [len(list(run)) for kind, run in groupby(left.values()) if kind == "normal"]
        assert max(runs) - min(runs) <= 2
        assert list(left) == sorted(left)
        assert all(full[place - 1] == kind for place, kind in left.items())


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_a_stem_shrinks_the_image_by_its_stride(stride: int) -> None:
    assert stem(3, 12, stride)(torch.randn(2, 3, 33, 32)).shape == (2, 12, -(-33 // stride), 32 // stride)


def test_every_operation_of_a_cell_can_be_built() -> None:
    assert set(Operation.__args__) <= set(OPERATIONS)
