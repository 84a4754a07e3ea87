"""Which architectures a step trains."""

from collections import Counter

import numpy as np
import pytest

from archsmith.evaluation.sharing.paths import Chooser, Dropout, Fair, Sandwich, Uniform
from archsmith.spaces import SPACES
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.space import Space
from archsmith.spec.supernets import Sampled
from archsmith.values import Architecture

EVEN = SPACES["nas-bench-201"]().build()
"""Six decisions with five choices each, all of them always active."""
UNEVEN = ChainConfig.model_validate(
    {"layers": {"min": 1, "max": 3}, "filters": [4, 8], "kernels": [3], "strides": [1, 2, 3]}
).build()


def counts(space: Space, architectures: list[Architecture]) -> list[Counter[object]]:
    return [Counter(a.choices[k] for a in architectures if a.choices[k] is not None) for k in range(len(space.decisions))]


def test_a_uniform_step_is_one_path_in_which_each_choice_is_as_likely() -> None:
    chooser = Uniform(EVEN, Sampled(1), np.random.default_rng(0))
    drawn = [chooser.draw(0.0) for _ in range(2000)]
    assert {len(step) for step in drawn} == {1}
    for counted in counts(EVEN, [step[0] for step in drawn]):
        # 400 expected of each of five; 20 is about one standard deviation
        assert all(abs(n - 400) < 80 for n in counted.values())


def test_each_choice_comes_once_in_a_fair_step() -> None:
    chooser = Fair(EVEN, Sampled(1, "fair"), np.random.default_rng(0))
    for _ in range(20):
        step = list(chooser.draw(0.0))
        assert len(step) == 5
        assert all(set(counted.values()) == {1} and len(counted) == 5 for counted in counts(EVEN, step))
    assert not chooser.averaged


def test_fair_steps_are_not_always_the_same() -> None:
    chooser = Fair(EVEN, Sampled(1, "fair"), np.random.default_rng(0))
    assert len({tuple(chooser.draw(0.0)) for _ in range(10)}) == 10


def test_choices_of_decisions_that_differ_in_number_or_are_not_always_active_come_equally_often_too() -> None:
    chooser = Fair(UNEVEN, Sampled(1, "fair"), np.random.default_rng(0))
    trained: list[Architecture] = []
    for _ in range(30):
        trained += chooser.draw(0.0)
        for decision, counted in zip(UNEVEN.decisions, counts(UNEVEN, trained), strict=True):
            times = [counted[choice] for choice in decision.choices]
            assert max(times) - min(times) <= 1
    assert all(UNEVEN.architecture(UNEVEN.assignment(a)) == a for a in trained)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_options_are_dropped_more_and_more(share: float) -> None:
    # An option is dropped with d = share · 0.5^(1/5); the mean of how many stay includes the one that is kept by force.
    chooser = Dropout(EVEN, Sampled(1, "dropout", path_dropout=0.5), np.random.default_rng(0))
    steps = [chooser.draw(share) for _ in range(400)]
    trained = [len({a.choices[0] for a in step}) for step in steps]
    d = share * 0.5 ** (1 / 5)
    expected = 5 * (1 - d) + d**5
    error = max(np.std(trained) / 20, 1e-9)
    assert abs(np.mean(trained) - expected) <= 3 * error


def test_the_options_of_a_step_are_in_as_few_paths_as_can_have_them() -> None:
    chooser = Dropout(EVEN, Sampled(1, "dropout", path_dropout=0.5), np.random.default_rng(1))
    for _ in range(50):
        step = chooser.draw(0.8)
        assert len(step) == max(len({a.choices[k] for a in step}) for k in range(6))


def test_a_sandwich_has_the_largest_and_the_smallest_network_and_two_others() -> None:
    rng = np.random.default_rng(0)
    places = {d.name: k for k, d in enumerate(UNEVEN.decisions)}
    extremes = {places[name]: (4, 8) for name in places if name.startswith("filters")} | {places["layers"]: (1, 3)}
    inner: Chooser = Uniform(UNEVEN, Sampled(1), rng)
    large, small, *others = Sandwich(inner, UNEVEN, extremes, rng).draw(0.0)
    assert len(others) == 2
    assert UNEVEN.assignment(large)["layers"] == 3
    assert UNEVEN.assignment(small)["layers"] == 1
    assert {v for k, v in UNEVEN.assignment(large).items() if k.startswith("filters")} <= {8}
    assert {v for k, v in UNEVEN.assignment(small).items() if k.startswith("filters")} <= {4}
    assert UNEVEN.assignment(small).get("op_1") == UNEVEN.assignment(others[0]).get("op_1")
