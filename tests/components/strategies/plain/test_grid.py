"""Grid search, against the three-distance theorem and brute force."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from archsmith.spaces.decisions import Decision
from archsmith.strategies.plain.grid import GridConfig, golden_step
from archsmith.strategies.strategy import Problem
from archsmith.strategies.warm_start import WarmStart
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import ACCURACY, FULL, Make, StrategyConformance, measured_by, search
from archsmith.values import Fidelity, History, Proposal, Trial

SPACE = PlainSpace("digits", [Decision(f"d{k}", tuple(range(10))) for k in range(3)])
PROBLEM = Problem(SPACE, ACCURACY, FULL, budget=100)
MEASURE = measured_by(lambda _: 0.5)


class TestGrid(StrategyConformance):
    deterministic = True

    @pytest.fixture
    def make(self) -> Make:
        return GridConfig().build


def places(history):
    """Return the places in the enumeration of what was measured: a number whose digits are the choices."""
    return [int("".join(map(str, t.proposal.architecture.choices))) for t in history]


@pytest.mark.parametrize("n", [2, 10, 55, 100, 500])
def test_there_are_three_distances_and_the_widest_is_few_times_the_narrowest(n):
    found = sorted(places(search(GridConfig().build(PROBLEM), MEASURE, rounds=range(1), size=n)))
    gaps = np.diff([*found, found[0] + 1000])
    assert len(set(gaps.tolist())) <= 3
    # 2.62 times with the golden section itself; here the step is a whole number.
    assert gaps.max() <= 4 * gaps.min()


def test_every_choice_of_every_decision_comes_about_equally_often():
    space = PlainSpace("large", [Decision(f"d{k}", tuple(range(5))) for k in range(26)])
    asked = GridConfig().build(replace(PROBLEM, space=space)).ask(History(), 100, np.random.default_rng(0))
    for choices in zip(*(p.architecture.choices for p in asked), strict=True):
        counts = Counter(choices)
        assert len(counts) == 5
        assert max(counts.values()) <= 40


@pytest.mark.parametrize("size", [1, 2, 3, 42, 610, 15_625, 10**18, 5**60])
def test_the_step_goes_through_the_whole_space_and_is_near_its_golden_section(size):
    step = golden_step(size)
    assert math.gcd(step, size) == 1
    if size > 1000:
        assert step / size == pytest.approx((math.sqrt(5) - 1) / 2, abs=60 / size + 1e-12)
    if size <= 15_625:
        assert len({k * step % size for k in range(size)}) == size


@pytest.mark.parametrize("size", [1, 7])
def test_batches_of_any_size_give_the_same_grid(size):
    whole = search(GridConfig().build(PROBLEM), MEASURE, rounds=range(1), size=70)
    parts = search(GridConfig().build(PROBLEM), MEASURE, rounds=range(70 // size), size=size)
    assert places(parts) == places(whole)


def test_what_is_infeasible_is_passed_over_and_not_looked_at_again():
    looked_at = []

    def feasible(architecture):
        looked_at.append(architecture)
        return architecture.choices[0] == 7

    strategy = GridConfig().build(replace(PROBLEM, feasible=feasible))
    history = search(strategy, MEASURE, rounds=range(20), size=3)
    assert {t.proposal.architecture.choices[0] for t in history} == {7}
    assert len(history) == len(set(places(history))) == 60
    assert len(looked_at) == len(set(looked_at))


def test_the_grid_goes_on_where_a_stretch_of_it_is_infeasible():
    one_in_200 = {k * golden_step(1000) % 1000 for k in (149, 349, 549)}
    limited = replace(PROBLEM, feasible=lambda a: int("".join(map(str, a.choices))) in one_in_200)
    history = search(GridConfig().build(limited), MEASURE, rounds=range(3), size=1)
    assert set(places(history)) == one_in_200


def test_trials_at_another_fidelity_do_not_move_the_grid():
    first = GridConfig().build(PROBLEM).ask(History(), 3, np.random.default_rng(0))
    other = [Trial(Proposal(p.architecture, Fidelity(epochs=1), number=k), "complete") for k, p in enumerate(first)]
    again = GridConfig().build(PROBLEM).ask(History(tuple(other)), 3, np.random.default_rng(0))
    assert [p.architecture for p in again] == [p.architecture for p in first]


@pytest.mark.parametrize("lag", [3, 30, 100])
def test_the_grid_is_the_same_however_many_are_running(lag: int) -> None:
    strategy, history = GridConfig().build(PROBLEM), History()
    one_by_one = places(search(strategy, MEASURE, rounds=range(200), size=1))
    made: list[Proposal] = []
    for k in range(200):
        ended, running = made[: max(0, k - lag)], made[max(0, k - lag) :]
        if k % 7 == 3 and len(ended) > 5:
            ended, running = [*ended[:-3], ended[-1]], [*ended[-3:-1], *running]  # a long training holds nobody up
        history = History.of(list(map(MEASURE, ended)), running)
        (asked,) = strategy.ask(history, 1, np.random.default_rng(0))
        made.append(replace(asked, number=k))
    assert places(History(tuple(map(MEASURE, made)))) == one_by_one


@pytest.mark.parametrize(("first", "at_once"), [(1, 3), (3, 8)])
def test_what_is_measured_first_does_not_move_the_grid(first: int, at_once: int) -> None:
    space = PlainSpace("s", [Decision("a", tuple(range(1000)))])
    problem = Problem(space, ACCURACY, FULL, budget=60)
    strategy = WarmStart(problem, GridConfig().build(problem), [space.at(7 * k + 3) for k in range(first)])
    trials, running, reasons = [], [], []
    for number in range(60):
        (proposal,) = strategy.ask(History(tuple(trials), tuple(running)), 1, np.random.default_rng(number))
        reasons.append(proposal.reason)
        running.append(replace(proposal, number=number))
        if len(running) == at_once:
            done = running.pop(0)
            trials.append(Trial(done, "complete", {"accuracy": 0.5}))
    numbers = [int(reason.split()[1]) for reason in reasons if reason.startswith("number")]
    assert len(numbers) == 60 - first
    assert numbers == sorted(set(numbers))
    assert numbers[-1] < 60 + 2 * at_once
