"""Proposing only what is new and feasible."""

import numpy as np
import pytest

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.decisions import Decision
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import ACCURACY, FULL, measured_by, small_problem
from archsmith.values import Architecture, History, Proposal


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def always(architecture, reason="stuck"):
    return lambda _: Proposal(architecture, FULL, reason=reason)


def test_a_draw_that_is_stuck_gives_way_to_random_ones(rng):
    problem = Problem(ChainConfig().build(), ACCURACY, FULL, budget=100)
    first = problem.space.sample(rng)
    asked = Novelty(problem).propose(History(), 3, always(first), rng)
    assert asked[0].architecture == first
    assert [p.reason for p in asked] == ["stuck", *["random, as nothing else was new"] * 2]


def test_the_last_architecture_of_a_space_is_found_where_random_draws_hardly_ever_hit_it(rng):
    # Down the ladder, the last architecture is drawn once in 2^20 times.
    ladder = [Decision("r0", (0, 1)), *(Decision(f"r{k}", (0, 1), {f"r{k - 1}": (1,)}) for k in range(1, 20))]
    problem = Problem(PlainSpace("ladder", ladder), ACCURACY, FULL, budget=21)
    *seen, last = problem.space.enumerate()
    history = History(tuple(measured_by(lambda _: 0.5)(Proposal(a, FULL, number=k)) for k, a in enumerate(seen)))
    assert [p.architecture for p in Novelty(problem).propose(history, 5, always(seen[0]), rng)] == [last]


def test_the_draw_is_told_how_many_were_proposed(rng):
    problem, told = small_problem(), list[int]()
    left = problem.space.enumerate()

    def draw(already):
        told.append(already)
        return Proposal(next(left), FULL)

    Novelty(problem).propose(History(), 4, draw, rng)
    assert told == [0, 1, 2, 3]


def test_each_architecture_is_asked_about_its_limits_at_most_once(rng):
    asked = []
    problem = small_problem()
    limited = Problem(problem.space, ACCURACY, FULL, 42, feasible=lambda a: asked.append(a) or a.choices[0] == 2)
    found = Novelty(limited).propose(History(), 42, lambda _: Proposal(problem.space.sample(rng), FULL), rng)
    assert len(found) == 36
    assert len(asked) == len(set(asked)) == 42


class Mirrored(PlainSpace):
    """A space in which the order of the two choices does not matter."""

    def canonical(self, architecture):
        return Architecture(self.name, tuple(sorted(architecture.choices)))


def test_of_architectures_that_are_the_same_network_only_one_is_proposed(rng):
    space = Mirrored("pairs", [Decision("a", (0, 1, 2)), Decision("b", (0, 1, 2))])
    problem = Problem(space, ACCURACY, FULL, budget=9)
    measured = Proposal(Architecture("pairs", (2, 0)), FULL)
    found = Novelty(problem).propose(
        History((measured_by(lambda _: 0.5)(measured),)), 9, lambda _: Proposal(space.sample(rng), FULL), rng
    )
    assert len(found) == 5
    assert {space.canonical(p.architecture).choices for p in found} == {(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)}


def test_where_few_architectures_can_be_measured_all_of_them_are_found_in_a_space_of_millions(rng):
    space = ChainConfig().build()
    listed = [space.sample(rng) for _ in range(30)]
    problem = Problem(space, ACCURACY, FULL, 100, feasible=set(listed[:-1]).__contains__, listed=listed)
    found = Novelty(problem).propose(History(), 40, lambda _: Proposal(space.sample(rng), FULL), rng)
    assert len(found) == 29
    assert {p.architecture for p in found} == set(listed[:-1])
    assert {p.reason for p in found} == {"random, of those that can be measured"}
    again = Novelty(problem).propose(History(), 40, lambda _: Proposal(space.sample(rng), FULL), rng)
    assert [p.architecture for p in again] != [p.architecture for p in found]
