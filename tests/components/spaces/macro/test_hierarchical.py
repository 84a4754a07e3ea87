"""The hierarchical space."""

import math
import time
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from archsmith.search import parse
from archsmith.spaces.macro.hierarchical import HierarchicalConfig, HierarchicalSpace
from archsmith.testing.searches import TINY
from archsmith.testing.spaces import SpaceConformance

CONV = "[('conv_3x3', 0), ('conv_3x3', 1)]"
SKIP = "[('skip_connect', 0), ('conv_3x3', 1)]"
FIRST = "[('skip_connect', 0), ('skip_connect', 1)]"
"""Cells of one node; the last one is what all decisions at their first choice give."""
SMALL: dict[str, Any] = {"nodes": 1, "operations": ["skip_connect", "conv_3x3"]}


def make(**settings: Any) -> HierarchicalSpace:
    return HierarchicalConfig.model_validate(settings).build()


def between(low: int, high: int) -> dict[str, int]:
    return {"min": low, "max": high}


def written(*cells: str) -> str:
    return f"Genotype({', '.join(f'cell{k}={cell}, cell{k}_concat=[2]' for k, cell in enumerate(cells, start=1))})"


class TestTinyHierarchical(SpaceConformance):
    @pytest.fixture
    def space(self) -> HierarchicalSpace:
        return make(**SMALL, cells=2, layers=between(1, 2))


class TestDefaultHierarchical(SpaceConformance):
    @pytest.fixture
    def space(self) -> HierarchicalSpace:
        return make()


class TestFourNasnetCellsWithTraining(SpaceConformance):
    @pytest.fixture
    def space(self) -> HierarchicalSpace:
        training = {"learning_rate": [0.025, 0.1]}
        return make(cells=4, operations="nasnet", nodes=2, layers=between(2, 10), branches=10, training=training)


@pytest.mark.parametrize("branches", [1, 2, 5])
@pytest.mark.parametrize(("low", "high"), [(1, 1), (3, 3), (1, 7), (12, 12)])
def test_the_size_is_that_of_the_closed_form(low: int, high: int, branches: int) -> None:
    def joins(main: int) -> int:
        # Alone, or in two ways with any of the outputs before the main input; with the stem, where there is no other.
        return 1 if main == 0 else 3 if main == 1 else 1 + 2 * 2**main

    def networks(n: int) -> int:
        inputs = [sum(joins(main) for main in range(i - 1, max(-1, i - 1 - branches), -1)) for i in range(1, n + 1)]
        return 5**n * math.prod(inputs) * joins(n)  # three cells, identity and downsampling

    a_cell = 7**2 * 3 * 7**2
    space = make(cells=3, nodes=2, layers=between(low, high), branches=branches)
    assert space.size() == a_cell**3 * sum(networks(n) for n in range(low, high + 1))


def test_twenty_layers_of_eight_cells_are_counted_at_once() -> None:
    started = time.process_time()
    assert make(layers=between(1, 20), cells=8, branches=20, nodes=8).size() > 10**200
    assert time.process_time() - started < 2


def test_the_notation_has_every_cell_in_the_form_of_darts_and_then_the_network() -> None:
    space = make(**SMALL, layers=between(3, 3))
    text = (
        f"{written(CONV, SKIP)} layers=3 op_1=cell1 op_2=downsample input_2=1 join_2=concat "
        "op_3=cell2 input_3=1 join_3=none join_output=none"
    )
    assert space.to_text(space.from_text(text)) == text


def chain(*ops: str) -> str:
    """The decisions of layers one after the other."""
    reads = ["", *(f" input_{i}={i - 1} join_{i}=none" for i in range(2, len(ops) + 1))]
    layers = " ".join(f"op_{i}={op}{read}" for i, (op, read) in enumerate(zip(ops, reads, strict=True), start=1))
    return f"layers={len(ops)} {layers} join_output=none"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # numbered in the order in which they come
        ((CONV, SKIP, "cell2", "cell1"), (SKIP, CONV, "cell1", "cell2")),
        # a cell that stands nowhere is of no matter
        ((CONV, SKIP, "cell1", "identity"), (CONV, FIRST, "cell1", "identity")),
        ((SKIP, CONV, "cell2", "cell2"), (CONV, FIRST, "cell1", "cell1")),
        ((SKIP, CONV, "identity", "downsample"), (FIRST, FIRST, "identity", "downsample")),
        # two cells that are the same inside
        ((SKIP, SKIP, "cell2", "cell1"), (SKIP, FIRST, "cell1", "cell1")),
    ],
)
def test_the_names_of_cells_and_idle_cells_make_no_difference(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    space = make(**SMALL, layers=between(2, 2))
    first, second = (space.from_text(f"{written(*a[:2])} {chain(*a[2:])}") for a in (one, other))
    assert first != second
    assert space.canonical(first) == space.canonical(second) == second


def test_different_cells_at_the_same_places_stay_different() -> None:
    space = make(**SMALL, layers=between(2, 2))
    networks = [(CONV, SKIP, "cell1", "cell2"), (CONV, SKIP, "cell1", "cell1"), (CONV, SKIP, "cell2", "cell1")]
    assert len({space.canonical(space.from_text(f"{written(*a[:2])} {chain(*a[2:])}")) for a in networks}) == 3


def test_joins_that_join_nothing_make_no_difference() -> None:
    space = make(**SMALL, layers=between(2, 2))
    text = f"{written(CONV, SKIP)} layers=2 op_1=cell1 op_2=cell2 input_2=1 join_2=none join_output="
    none, nothing = space.from_text(f"{text}none"), space.from_text(f"{text}concat skip_output_0=False skip_output_1=False")
    assert none != nothing
    assert space.canonical(none) == space.canonical(nothing) == none


def test_each_halving_doubles_the_channels_of_what_comes_after_it_until_the_last_doubling() -> None:
    space = make(**SMALL, channels=8, doublings=2, layers=between(7, 7))
    halvings = ("downsample", "cell1", "downsample", "identity", "downsample", "cell2", "cell1")
    wiring = space.wiring(space.from_text(f"{written(CONV, SKIP)} {chain(*halvings)}"))
    assert [layer.filters for layer in wiring.layers] == [16, 16, 32, None, 32, 32, 32]
    assert [layer.stride for layer in wiring.layers] == [2, 1, 2, 1, 2, 1, 1]


def test_what_joins_a_smaller_output_has_the_channels_of_that() -> None:
    space = make(**SMALL, channels=8, layers=between(3, 3))
    text = "layers=3 op_1=downsample op_2=cell1 input_2=0 op_3=cell1 input_3=2 join_3=sum skip_3_0=False skip_3_1=True"
    wiring = space.wiring(space.from_text(f"{written(CONV, SKIP)} {text} join_output=none"))
    assert [layer.filters for layer in wiring.layers] == [16, 8, 16]


def test_the_graph_shows_the_network_and_only_those_cells_that_are_in_it() -> None:
    space = make(**SMALL, layers=between(3, 3))
    graph = space.graph(space.from_text(f"{written(CONV, SKIP)} {chain('cell2', 'downsample', 'identity')}"))
    assert [n.label for n in graph.nodes] == [
        "image", "stem conv 3x3, 48", "1: cell 2, 16", "2: downsample, 32, /2", "3: identity", "global average pool",
        "classifier",
    ]  # fmt: skip
    assert [inset.title for inset in graph.insets] == ["cell 2"]


def test_the_features_hold_the_paths_of_every_cell() -> None:
    space = make(**SMALL, cells=3)
    n_choices = sum(len(d.choices) for d in space.decisions)
    assert space.features(space.sample(np.random.default_rng(0))).shape == (n_choices + 3 * 2 * (2 + 2**2),)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": between(0, 2)}, "`layers` is from 0 to 2, but must lie within 1 to 20"),
        ({"layers": between(1, 21)}, "`layers` is from 1 to 21, but must lie within 1 to 20"),
        ({"cells": 0}, "greater than or equal to 1"),
        ({"joins": []}, "the list is empty"),
        ({"branches": 0}, "greater than or equal to 1"),
        ({"operations": ["conv"]}, "Input should be 'skip_connect'"),
    ],
)
def test_wrong_settings_are_refused_with_the_rule(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        HierarchicalConfig.model_validate(settings)


def test_a_search_file_names_the_space_and_its_settings() -> None:
    lines = TINY.splitlines()
    start = next(k for k, line in enumerate(lines) if line.strip().startswith("space:"))
    lines[start] = (
        "  space: {name: hierarchical, cells: 3, nodes: 1, layers: {min: 1, max: 1}, operations: [skip_connect, conv_3x3]}"
    )
    assert parse("\n".join(lines)).space.size() == (2**2) ** 3 * 5 * 3
