"""The space of the paths through a fabric."""

import numpy as np
import pytest
from pydantic import ValidationError

from archsmith.spaces.fabric import FabricConfig, FabricSpace, Link, Trellis
from archsmith.testing.spaces import SpaceConformance


def space_of(**settings: object) -> FabricSpace:
    return FabricConfig.model_validate(settings).build()


class TestSmallFabric(SpaceConformance):
    @pytest.fixture
    def space(self) -> FabricSpace:
        return space_of(layers=4, scales=3)


class TestDefaultFabric(SpaceConformance):
    @pytest.fixture
    def space(self) -> FabricSpace:
        return FabricConfig().build()


class TestFabricOfTwoScalesWithTheTraining(SpaceConformance):
    @pytest.fixture
    def space(self) -> FabricSpace:
        return space_of(layers=3, scales=2, training={"learning_rate": [0.01, 0.1]})


@pytest.mark.parametrize(("layers", "scales"), [(2, 2), (5, 3), (8, 6), (30, 12)])
def test_there_are_as_many_architectures_as_walks_from_scale_to_neighbouring_scale(layers, scales):
    ones = np.ones((scales, scales), dtype=object)
    neighbours = np.tril(np.triu(ones, -1), 1)
    walks = np.ones(scales, dtype=object)
    for _ in range(layers - 1):
        walks = neighbours @ walks
    assert space_of(layers=layers, scales=scales).size() == walks.sum()


def test_every_path_is_one_architecture_and_is_written_as_its_scales():
    space = space_of(layers=4, scales=3)
    paths = {(a, b, c, d) for a, b, c, d in np.ndindex(3, 3, 3, 3) if max(abs(a - b), abs(b - c), abs(c - d)) <= 1}
    assert [space.path(a) for a in space.enumerate()] == sorted(paths)
    assert {space.architecture(space.choices_of(path)) for path in paths} == set(space.enumerate())
    assert space.to_text(space.architecture(space.choices_of((0, 1, 1, 2)))) == "0-1-1-2"


def test_a_path_goes_down_within_the_first_and_the_last_layer():
    links = Trellis(4, 4).along((2, 1, 1, 2))
    assert [link.name for link in links] == [
        "within_1_scale_0_to_1", "within_1_scale_1_to_2",
        "layer_2_scale_2_to_1", "layer_3_scale_1_to_1", "layer_4_scale_1_to_2",
        "within_4_scale_2_to_3",
    ]  # fmt: skip
    assert [link.coarser for link in links] == [1, 1, -1, 0, 1, 1]


@pytest.mark.parametrize(("layers", "scales"), [(2, 2), (4, 3), (3, 5)])
def test_the_links_of_all_paths_are_those_that_lead_to_the_nodes_of_the_trellis(layers, scales):
    trellis, space = Trellis(layers, scales), space_of(layers=layers, scales=scales)
    used = {link for architecture in space.enumerate() for link in trellis.along(space.path(architecture))}
    leading = [link for node in trellis.nodes for link in trellis.links_to(node)]
    assert used == set(leading)
    assert len({link.name for link in leading}) == len(leading)


def test_the_nodes_of_the_first_and_the_last_layer_are_also_reached_from_the_finer_scale_beside_them():
    trellis = Trellis(3, 3)
    assert trellis.links_to((1, 0)) == ()
    assert trellis.links_to((1, 2)) == (Link((1, 1), (1, 2)),)
    assert trellis.links_to((2, 2)) == (Link((1, 1), (2, 2)), Link((1, 2), (2, 2)))
    assert trellis.links_to((3, 1)) == tuple(Link(node, (3, 1)) for node in ((2, 0), (2, 1), (2, 2), (3, 0)))


def test_features_end_with_the_nodes_that_the_path_visits():
    space = space_of(layers=3, scales=3)
    visits = space.features(space.from_text("1-0-1"))[-9:].reshape(3, 3)
    assert visits.tolist() == [[1, 1, 0], [1, 0, 0], [0, 1, 1]]


def test_the_graph_names_channels_and_resampling_of_each_convolution():
    space = space_of(layers=3, scales=3, channels=8, doubling=True)
    assert [node.label for node in space.graph(space.from_text("1-0-0")).nodes] == [
        "image", "conv 3x3, 8", "conv 3x3, 16, /2", "up-conv 3x3, 8, x2", "conv 3x3, 8", "conv 3x3, 16, /2", "conv 3x3, 32, /2",
        "global average pool", "classifier",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0-1", "The path has 2 scales, but must have one for each of 4 layers"),
        ("0-1-2-3", "The path has the scale 3, but its scales must be from 0 to 2"),
        ("0-0-2-2", "The path goes from scale 0 to 2 at layer 3, but must go on by one scale at most"),
        ("0-x-1-1", "The path is '0-x-1-1', but must be the scale of each layer, as in 2-2-2-2"),
        ("0-1-1-1 rate=1", "Unknown decision 'rate'"),
    ],
)
def test_what_is_no_path_is_refused_with_the_rule(text, message):
    with pytest.raises(ValueError, match=message):
        space_of(layers=4, scales=3).from_text(text)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": 1}, "greater than or equal to 2"),
        ({"scales": 1}, "greater than or equal to 2"),
        ({"channels": 64, "scales": 12, "doubling": True}, "`channels` is 64, which `doubling` makes 131072 at the last of 12"),
    ],
)
def test_wrong_settings_are_refused_with_the_rule(settings, message):
    with pytest.raises(ValidationError, match=message):
        FabricConfig.model_validate(settings)
