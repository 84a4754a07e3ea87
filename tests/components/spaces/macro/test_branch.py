"""The multi-branch space."""

import math
import time
from collections import defaultdict
from typing import Any

import pytest
from pydantic import ValidationError

from archsmith.spaces.graph import Graph
from archsmith.spaces.macro.branch import BranchConfig, BranchSpace
from archsmith.testing.spaces import SpaceConformance
from archsmith.values import Architecture


def make(**settings: Any) -> BranchSpace:
    return BranchConfig.model_validate(settings).build()


def tiny() -> BranchSpace:
    """Two operations, and everything there is of inputs and joins."""
    return make(layers={"min": 1, "max": 3}, operations=["identity", "se"])


def between(low: int, high: int) -> dict[str, int]:
    return {"min": low, "max": high}


class TestTinyBranch(SpaceConformance):
    @pytest.fixture
    def space(self) -> BranchSpace:
        return tiny()


class TestDefaultBranch(SpaceConformance):
    @pytest.fixture
    def space(self) -> BranchSpace:
        return BranchConfig().build()


class TestTenLayersWithInputsFromAnywhere(SpaceConformance):
    @pytest.fixture
    def space(self) -> BranchSpace:
        return make(layers=between(1, 10), branches=10)


class TestBranchOfOneOperationAndOneJoin(SpaceConformance):
    @pytest.fixture
    def space(self) -> BranchSpace:
        return make(layers=between(2, 3), operations=["conv"], filters=[8], kernels=[3], strides=[1], joins=["sum"], branches=1)


@pytest.mark.parametrize("branches", [1, 20])
def test_twenty_layers_are_counted_at_once(branches: int) -> None:
    started = time.process_time()
    assert make(layers=between(1, 20), branches=branches).size() > 10**100
    assert time.process_time() - started < 2


def test_the_default_space_has_some_ten_to_the_eighteenth_architectures() -> None:
    assert 10**18 < BranchConfig().build().size() < 10**19


@pytest.mark.parametrize("branches", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 12])
def test_the_size_is_that_of_the_closed_form(n: int, branches: int) -> None:
    def joins(main: int) -> int:
        # Alone, or in two ways with any of the outputs before the main input; with the stem, where there is no other.
        return 1 if main == 0 else 3 if main == 1 else 1 + 2 * 2**main

    a_layer = 3 * (3 * 2 * 2) + 2 * 2 + 2
    inputs = [sum(joins(main) for main in range(i - 1, max(-1, i - 1 - branches), -1)) for i in range(1, n + 1)]
    assert make(layers=between(n, n), branches=branches).size() == a_layer**n * math.prod(inputs) * joins(n)


def test_the_decisions_have_the_names_that_networks_are_built_from() -> None:
    names = [d.name for d in make(layers=between(1, 3)).decisions]
    assert names == [
        "layers",
        *("op_1", "filters_1", "kernel_1", "stride_1"),
        *("op_2", "filters_2", "kernel_2", "stride_2", "input_2", "join_2"),
        *("op_3", "filters_3", "kernel_3", "stride_3", "input_3", "join_3", "skip_3_0", "skip_3_1"),
        *("join_output", "skip_output_0", "skip_output_1", "skip_output_2"),
    ]


def test_a_layer_joins_only_outputs_before_its_main_input() -> None:
    space = make(layers=between(3, 3), operations=["identity"], branches=3)
    chosen = {"layers": 3, "op_1": "identity", "op_2": "identity", "op_3": "identity", "input_2": 1, "join_2": "none"}
    end = {"join_output": "none"}
    for main, joined in [
        (2, {"join_3": "sum", "skip_3_0": True, "skip_3_1": False}),
        (1, {"join_3": "concat"}),  # with the stem, which alone is before layer 1
        (0, {}),
    ]:
        assignment = {**chosen, "input_3": main, **joined, **end}
        assert space.assignment(space.architecture(assignment)) == assignment
    with pytest.raises(
        ValueError, match="`skip_3_1` is True, but is active only if `join_3` is sum or concat and `input_3` is 2"
    ):
        space.architecture({**chosen, "input_3": 1, "join_3": "sum", "skip_3_1": True, **end})


def picture(graph: Graph) -> tuple[object, ...]:
    return tuple((n.id, n.label) for n in graph.nodes), frozenset(graph.edges)


def test_architectures_have_the_same_canonical_one_if_and_only_if_they_have_the_same_picture() -> None:
    space = make(layers=between(1, 3), operations=["se"], branches=3)
    canonical, pictures = defaultdict(set), defaultdict(set)
    for architecture in space.enumerate():
        drawn = picture(space.graph(architecture))
        canonical[space.canonical(architecture)].add(drawn)
        pictures[drawn].add(space.canonical(architecture))
    assert all(len(drawn) == 1 for drawn in canonical.values())
    assert all(len(same) == 1 for same in pictures.values())
    assert len(pictures) < space.size()


def parallel() -> tuple[BranchSpace, Architecture]:
    """Two branches from the stem, summed, and a skip over the sum to the classifier."""
    space = make(layers=between(3, 3))
    text = (
        "layers=3 op_1=conv filters_1=32 kernel_1=3 stride_1=2 op_2=maxpool stride_2=2 input_2=0 "
        "op_3=se input_3=2 join_3=sum skip_3_0=False skip_3_1=True "
        "join_output=concat skip_output_0=True skip_output_1=False skip_output_2=False"
    )
    return space, space.from_text(text)


def test_the_graph_shows_layers_joins_and_skips() -> None:
    space, architecture = parallel()
    graph = space.graph(architecture)
    assert [(n.id, n.kind, n.label) for n in graph.nodes] == [
        ("input", "input", "image"),
        ("stem", "conv", "stem conv 3x3, 16"),
        ("layer_1", "conv", "1: conv 3x3, 32, /2"),
        ("layer_2", "maxpool", "2: maxpool 3x3, /2"),
        ("join_layer_3", "add", "sum"),
        ("layer_3", "se", "3: squeeze-excite"),
        ("join_global_pool", "concat", "concat"),
        ("global_pool", "global-pool", "global average pool"),
        ("output", "output", "classifier"),
    ]
    assert {(e.source, e.target) for e in graph.edges} == {
        ("input", "stem"),
        ("stem", "layer_1"),
        ("stem", "layer_2"),
        ("layer_1", "join_layer_3"),
        ("layer_2", "join_layer_3"),
        ("join_layer_3", "layer_3"),
        ("layer_3", "join_global_pool"),
        ("stem", "join_global_pool"),
        ("join_global_pool", "global_pool"),
        ("global_pool", "output"),
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": between(0, 2)}, "`layers` is from 0 to 2, but must lie within 1 to 20"),
        ({"layers": between(1, 21)}, "`layers` is from 1 to 21, but must lie within 1 to 20"),
        ({"operations": ["conf"]}, "Input should be 'conv', 'sepconv'"),
        ({"joins": []}, "the list is empty"),
        ({"strides": [3]}, "Input should be 1, 2 or 4"),
        ({"branches": 0}, "greater than or equal to 1"),
    ],
)
def test_wrong_settings_are_refused_with_the_rule(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BranchConfig.model_validate(settings)
