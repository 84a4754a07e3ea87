"""Which spaces have a network with all options side by side: each decision that has none is named."""

from typing import Any

import pytest

from archsmith.spaces import SPACES
from archsmith.spaces.mixing import unmixable, unpriceable

ONE_SIZE: dict[str, Any] = {"operations": ["conv", "sepconv"], "filters": [8], "strides": [1], "units": [8]}

ONE_BRANCH: dict[str, Any] = {"joins": ["sum"], "branches": 1}
ONE_SIZE_BRANCH: dict[str, Any] = {**ONE_BRANCH, "filters": [8], "strides": [1], "stem": 8}

MIXABLE: list[tuple[str, dict[str, Any]]] = [
    ("nas-bench-201", {}),
    ("cell", {}),
    ("cell", {"operations": "nasnet", "output": "all"}),
    ("cell", {"output": "unused", "nodes": 1}),
    ("mobile", {}),
    ("branch-of-cells", {"joins": ["sum"]}),
    ("branch-of-cells", {"macro": "dense"}),
    ("hierarchical", ONE_BRANCH),
    ("branch", {**ONE_SIZE_BRANCH}),
    ("branch", {**ONE_SIZE_BRANCH, "stem": 4, "operations": ["conv", "dilconv"]}),
    ("branch", {**ONE_SIZE_BRANCH, "strides": [2], "operations": ["conv", "maxpool"], "layers": {"min": 3, "max": 3}}),
    ("chain", ONE_SIZE),
    ("chain", {**ONE_SIZE, "strides": [2], "layers": {"min": 3, "max": 3}}),
    ("chain", {**ONE_SIZE, "units": [5], "dense_layers": {"min": 1, "max": 3}}),
]

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("cell", {"operations": "nasnet"}, "`normal_input_3a`"),
    ("cell", {"output": "unused"}, "`normal_inputs_3`"),
    ("cell", {"training": {"learning_rate": [0.1, 1]}}, "`training.learning_rate`"),
    ("branch-of-cells", {}, "`join_2`"),
    ("branch-of-cells", {"joins": ["sum"], "output": "unused"}, "`normal_inputs_3`"),
    ("hierarchical", {}, "`join_2`"),
    ("hierarchical", {"joins": ["sum"]}, "`input_2`"),
    ("branch", {}, "`filters_1`"),
    ("branch", {**ONE_SIZE_BRANCH, "strides": [1, 2]}, "`stride_1`"),
    ("branch", {**ONE_SIZE_BRANCH, "strides": [2]}, "`op_1`"),
    ("branch", {**ONE_SIZE_BRANCH, "strides": [2], "operations": ["conv"]}, "`layers`"),
    ("branch", {**ONE_SIZE_BRANCH, "stem": 4}, "`op_1`"),
    ("branch", {**ONE_SIZE_BRANCH, "joins": ["concat"]}, "`join_2`"),
    ("branch", {**ONE_SIZE_BRANCH, "branches": 2}, "`input_2`"),
    ("chain", {}, "`filters_1`"),
    ("chain", {**ONE_SIZE, "operations": ["conv", "maxpool"]}, "`op_1`"),
    ("chain", {**ONE_SIZE, "operations": ["avgpool", "maxpool"]}, "`pool_1`"),
    ("chain", {**ONE_SIZE, "operations": ["avgpool", "maxpool"], "pools": [2]}, "`layers`"),
    ("chain", {**ONE_SIZE, "strides": [1, 2]}, "`stride_1`"),
    ("chain", {**ONE_SIZE, "strides": [2]}, "`layers`"),
    ("chain", {**ONE_SIZE, "units": [8, 16]}, "`units_1`"),
    ("chain", {**ONE_SIZE, "units": [16]}, "`dense`"),
    ("chain", {**ONE_SIZE, "operations": ["conv"], "kernels": [3], "layers": {"min": 2, "max": 2},
               "dense_layers": {"min": 0, "max": 0}}, "nothing is left to decide"),
]  # fmt: skip


def space(name: str, settings: dict[str, Any]) -> Any:
    return SPACES[name].model_validate(settings).build()


@pytest.mark.parametrize(("name", "settings"), MIXABLE)
def test_nothing_speaks_against_a_space_whose_options_give_one_size(name, settings):
    assert unmixable(space(name, settings)) is None


@pytest.mark.parametrize(("name", "settings", "decision"), REFUSED)
def test_the_decision_that_changes_a_size_is_named(name, settings, decision):
    reason = unmixable(space(name, settings))
    assert reason is not None
    assert reason.startswith(decision)


def test_what_makes_options_have_no_prices_of_their_own_is_named():
    named = {"hierarchical": "`op_1`", "branch": "`layers`", "fabric": "`scale_1`"}
    for name in SPACES:
        reason = unpriceable(space(name, {"decisions": [{"name": "a", "choices": [1, 2]}]} if name == "yaml" else {}))
        assert (reason or "").startswith(named.get(name, "")), name
        assert (reason is None) == (name not in named)
    assert unpriceable(space("branch", {"layers": {"min": 3, "max": 3}})) is None


def test_a_space_of_a_users_own_has_no_such_network():
    own = space("yaml", {"decisions": [{"name": "a", "choices": [1, 2]}]})
    assert unmixable(own) == "no network is known that holds all options of the space 'yaml' side by side"


@pytest.mark.parametrize(
    ("name", "settings"),
    [("mobile", {}), ("chain", ONE_SIZE), ("branch-of-cells", {"joins": ["sum"]}), ("hierarchical", ONE_BRANCH)],
)
def test_layers_that_are_decided_on_are_all_there(name, settings):
    reason = unmixable(space(name, settings), depth=0.5)
    assert reason is not None
    assert "estimation.depth" in reason
    assert unmixable(space("cell", {}), depth=0.5) is None


def test_channels_pass_by_the_edges_of_cells_only():
    assert unmixable(space("cell", {}), partial=4) is None
    assert unmixable(space("nas-bench-201", {}), partial=4) is None
    reason = unmixable(space("mobile", {}), partial=4)
    assert reason is not None
    assert reason == "`partial` lets channels pass by edges of cells, which the space 'mobile' has none of; leave it out"
