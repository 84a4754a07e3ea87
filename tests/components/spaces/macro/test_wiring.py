import numpy as np
import pytest

from archsmith.spaces.macro.branch import BranchConfig, BranchSpace
from archsmith.spaces.macro.wiring import STEM, Wiring, keep, read_wiring


@pytest.fixture
def space() -> BranchSpace:
    return BranchConfig.model_validate({"layers": {"min": 1, "max": 8}, "branches": 3}).build()


def four_layers() -> Wiring:
    """A chain of four with skips to the last two and to the classifier."""
    space = BranchConfig.model_validate({"layers": {"min": 4, "max": 4}, "operations": ["se"], "branches": 1}).build()
    text = (
        "layers=4 op_1=se op_2=se join_2=none op_3=se join_3=sum skip_3_0=True skip_3_1=True "
        "op_4=se join_4=concat skip_4_0=True skip_4_1=False skip_4_2=False "
        "join_output=sum skip_output_0=False skip_output_1=False skip_output_2=True skip_output_3=False"
    )
    return read_wiring(space.assignment(space.from_text(text)))


def test_each_reader_reads_its_main_input_first_and_then_the_others_from_late_to_early() -> None:
    wiring = four_layers()
    assert [layer.inputs for layer in wiring.layers] == [(0,), (1,), (2, 1, 0), (3, 0)]
    assert wiring.inputs == (4, 2)


def test_the_classifier_reads_what_no_layer_reads() -> None:
    space = BranchConfig.model_validate({"layers": {"min": 3, "max": 3}, "operations": ["se"], "branches": 3}).build()
    text = "layers=3 op_1=se op_2=se input_2=0 op_3=se input_3=1 join_3=none join_output=none"
    wiring = read_wiring(space.assignment(space.from_text(text)))
    assert wiring.loose_ends == wiring.inputs == (3, 2)
    assert wiring.join == "concat"


def test_who_reads_a_layer_that_is_left_out_reads_its_main_input_instead() -> None:
    left = keep(four_layers(), [1, 3])
    assert {layer.number: layer.inputs for layer in left.layers} == {1: (0,), 3: (1, 0)}
    assert left.inputs == (3, 1)  # for 4, which read 3, and for 2, which read 1


def test_the_stem_stands_for_layers_that_have_nothing_else_before_them() -> None:
    left = keep(four_layers(), [4])
    assert [layer.inputs for layer in left.layers] == [(0,)]
    assert left.inputs == (4, 0)


def test_a_shallower_network_reads_nothing_that_it_lacks_and_leaves_nothing_unread(space: BranchSpace) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        wiring = read_wiring(space.assignment(space.sample(rng)))
        n = len(wiring.layers)
        kept = {1, *(rng.choice(n, size=rng.integers(1, n + 1), replace=False) + 1).tolist()}
        left = keep(wiring, kept)
        numbers = [layer.number for layer in left.layers]
        assert numbers == sorted(kept)
        read = set(left.inputs)
        for layer in left.layers:
            assert len(set(layer.inputs)) == len(layer.inputs)
            assert all(j == STEM or (j in kept and j < layer.number) for j in layer.inputs)
            read |= set(layer.inputs)
        assert read >= kept
        assert all(j == STEM or j in kept for j in read)


def test_without_a_layer_left_out_the_wiring_is_the_same(space: BranchSpace) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        wiring = read_wiring(space.assignment(space.sample(rng)))
        assert keep(wiring, range(1, len(wiring.layers) + 1)) == wiring
