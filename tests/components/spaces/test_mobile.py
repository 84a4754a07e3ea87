"""The mobile space."""

import pytest
from pydantic import ValidationError

from archsmith.spaces.mobile import MobileConfig, MobileSpace
from archsmith.testing.spaces import SpaceConformance

TWO_STAGES = {"stages": [{"channels": 8}, {"channels": 16, "stride": 2}], "depth": {"min": 1, "max": 2}}


def space_of(**settings: object) -> MobileSpace:
    return MobileConfig.model_validate(settings).build()


class TestSmallMobile(SpaceConformance):
    @pytest.fixture
    def space(self) -> MobileSpace:
        return space_of(**TWO_STAGES, kernels=[3, 5])


class TestDefaultMobile(SpaceConformance):
    @pytest.fixture
    def space(self) -> MobileSpace:
        return MobileConfig().build()


class TestMobileWithSqueezeExcitationAndTheTraining(SpaceConformance):
    @pytest.fixture
    def space(self) -> MobileSpace:
        return space_of(squeeze_excitation=[False, True], training={"learning_rate": [0.01, 0.1]})


def test_the_size_is_that_of_the_closed_form():
    a_block = 3 * 2
    assert MobileConfig().build().size() == sum(a_block**n for n in range(1, 5)) ** 5 * a_block > 5 * 10**16
    with_gates = space_of(squeeze_excitation=[False, True], depth={"min": 2, "max": 3})
    assert with_gates.size() == 2 * ((6 * 2) ** 2 + (6 * 2) ** 3) ** 5 * (6 * 2)


def test_what_has_one_choice_only_is_no_decision():
    space = space_of(
        stages=[{"channels": 8, "kernels": [5]}, {"channels": 8, "depth": {"min": 2, "max": 2}}], depth={"min": 1, "max": 2}
    )
    assert [d.name for d in space.decisions] == [
        "depth_1", "expansion_1_1", "expansion_1_2", "kernel_2_1", "expansion_2_1", "kernel_2_2", "expansion_2_2",
    ]  # fmt: skip


def test_blocks_beyond_the_depth_of_their_stage_are_not_there():
    space = space_of(**TWO_STAGES)
    assignment = {"depth_1": 1, "kernel_1_1": 7, "expansion_1_1": 6}
    assignment |= {"depth_2": 2, "kernel_2_1": 3, "expansion_2_1": 3, "kernel_2_2": 5, "expansion_2_2": 6}
    stages = space.blocks(space.architecture(assignment))
    assert [[(b.name, b.channels, b.stride, b.kernel, b.expansion) for b in stage] for stage in stages] == [
        [("1_1", 8, 1, 7, 6)],
        [("2_1", 16, 2, 3, 3), ("2_2", 16, 1, 5, 6)],
    ]
    with pytest.raises(ValueError, match="`kernel_1_2` is 3, but is active only if `depth_1` is 2"):
        space.architecture({**assignment, "kernel_1_2": 3})


def test_the_graph_names_expansion_kernel_channels_stride_and_gate_of_each_block():
    space = space_of(stages=[{"channels": 24, "stride": 2}], depth={"min": 2, "max": 2}, squeeze_excitation=[False, True])
    architecture = space.architecture({
        "kernel_1_1": 5, "expansion_1_1": 6, "se_1_1": False, "kernel_1_2": 3, "expansion_1_2": 3, "se_1_2": True,
    })  # fmt: skip
    assert [node.label for node in space.graph(architecture).nodes] == [
        "image", "conv 3x3, 32, /2", "MBConv6 5x5, 24, /2", "MBConv3 3x3, 24, SE", "conv 1x1, 1280",
        "global average pool", "classifier",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stages": []}, "at least 1 item"),
        ({"stages": [{"channels": 8, "stride": 3}]}, "less than or equal to 2"),
        (
            {"stages": [{"channels": 8, "depth": {"min": 0, "max": 2}}]},
            r"`stages\[0\]\.depth` is from 0 to 2, but must lie within 1 to 20",
        ),
        ({"stages": [{"chanels": 8}]}, "Extra inputs"),
        ({"depth": {"min": 1, "max": 21}}, "`depth` is from 1 to 21, but must lie within 1 to 20"),
        ({"kernels": [4]}, "must be odd"),
        ({"expansions": [0]}, "greater than or equal to 1"),
        ({"squeeze_excitation": []}, "the list is empty"),
    ],
)
def test_wrong_settings_are_refused_with_the_rule(settings, message):
    with pytest.raises(ValidationError, match=message):
        MobileConfig.model_validate(settings)


def test_a_space_with_nothing_to_decide_is_refused():
    fixed = {"stages": [{"channels": 8}], "depth": {"min": 1, "max": 1}, "kernels": [3], "expansions": [6]}
    with pytest.raises(ValueError, match="has no decisions"):
        space_of(**fixed)
