"""The chain-structured space."""

import subprocess
import sys
import time

import numpy as np
import pytest
from pydantic import ValidationError

from archsmith.spaces import SPACES
from archsmith.spaces.chain import ChainConfig, ChainSpace
from archsmith.testing.spaces import SpaceConformance


def small() -> ChainSpace:
    settings = {"layers": {"min": 1, "max": 2}, "filters": [8, 16], "kernels": [3], "pools": [2], "units": [32]}
    return ChainConfig.model_validate(settings).build()


class TestSmallChain(SpaceConformance):
    @pytest.fixture
    def space(self) -> ChainSpace:
        return small()


class TestDefaultChain(SpaceConformance):
    @pytest.fixture
    def space(self) -> ChainSpace:
        return ChainConfig().build()


class TestChainWithoutPoolingOrDenseUnits(SpaceConformance):
    @pytest.fixture
    def space(self) -> ChainSpace:
        settings = {"layers": {"min": 2, "max": 2}, "operations": ["conv"], "dense_layers": {"min": 0, "max": 0}}
        return ChainConfig.model_validate(settings).build()


def test_a_chain_of_up_to_twenty_layers_is_counted_exactly_and_at_once():
    started = time.process_time()
    size = ChainConfig.model_validate({"layers": {"min": 1, "max": 20}}).build().size()
    assert time.process_time() - started < 1
    # A layer is one of 2 convolutions with 4 x 2, or of 2 poolings with 2, and has 2 strides; 3 dense layers or none.
    a_layer = (2 * 4 * 2 + 2 * 2) * 2
    assert size == sum(a_layer**n for n in range(1, 21)) * (1 + 3)
    assert size > 10**30


def test_the_decisions_have_the_names_that_networks_are_built_from():
    config = ChainConfig.model_validate({"layers": {"min": 1, "max": 1}, "dense_layers": {"min": 0, "max": 2}})
    names = ["layers", "op_1", "filters_1", "kernel_1", "pool_1", "stride_1", "dense", "units_1", "units_2"]
    assert [d.name for d in config.build().decisions] == names


def test_a_layer_has_only_what_its_operation_has():
    space = small()
    conv = {"layers": 1, "op_1": "sepconv", "filters_1": 8, "kernel_1": 3, "stride_1": 2, "dense": 0}
    pool = {"layers": 1, "op_1": "avgpool", "pool_1": 2, "stride_1": 1, "dense": 1, "units_1": 32}
    for assignment in (conv, pool):
        assert space.assignment(space.architecture(assignment)) == assignment
    with pytest.raises(ValueError, match="`kernel_1` is 3, but is active only if `op_1` is conv or sepconv"):
        space.architecture({**pool, "kernel_1": 3})


def test_the_graph_shows_each_layer_with_its_hyperparameters():
    space = small()
    architecture = space.architecture(
        {
            "layers": 2,
            "op_1": "conv",
            "filters_1": 16,
            "kernel_1": 3,
            "stride_1": 2,
            "op_2": "maxpool",
            "pool_2": 2,
            "stride_2": 1,
            "dense": 1,
            "units_1": 32,
        }
    )
    graph = space.graph(architecture)
    assert [(n.kind, n.label) for n in graph.nodes] == [
        ("input", "image"),
        ("conv", "conv 3x3, 16, /2"),
        ("maxpool", "maxpool 2x2"),
        ("global-pool", "global average pool"),
        ("dense", "dense 32"),
        ("output", "classifier"),
    ]
    assert len(graph.edges) == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": {"min": 0, "max": 2}}, "`layers` is from 0 to 2, but must lie within 1 to 50"),
        ({"dense_layers": {"min": 0, "max": 11}}, "`dense_layers` is up to 11"),
        ({"operations": ["conf"]}, "Input should be 'conv', 'sepconv', 'maxpool' or 'avgpool'"),
        ({"kernels": [2]}, "must be odd"),
        ({"filters": [0]}, "greater than or equal to 1"),
        ({"pools": [1]}, "greater than or equal to 2"),
        ({"strides": []}, "the list is empty"),
        ({"fliters": [8]}, "Extra inputs"),
    ],
)
def test_wrong_settings_are_refused_with_the_rule(settings, message):
    with pytest.raises(ValidationError, match=message):
        ChainConfig.model_validate(settings)


@pytest.mark.parametrize("name", sorted(set(SPACES) - {"yaml"}))  # which is nothing without settings
def test_every_space_has_settings_with_a_description_and_is_built_from_defaults(name):
    config = SPACES[name]()
    schema = config.model_json_schema()
    assert schema["description"]
    assert all("description" in p or "$ref" in p for p in schema["properties"].values())
    space = config.build()
    assert space.name == space.sample(np.random.default_rng(0)).space == name


@pytest.mark.parametrize("module", ["archsmith.spaces", "archsmith.strategies"])
def test_neither_spaces_nor_strategies_import_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
