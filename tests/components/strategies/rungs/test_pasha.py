"""PASHA."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from archsmith.strategies.rungs.asha import ASHAConfig
from archsmith.strategies.rungs.pasha import PASHAConfig
from archsmith.strategies.rungs.progressive import differences_by_chance
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import LadderConformance, Make, Measure, measured_by, small_problem, without_waiting
from archsmith.values import Architecture, EpochRecord, Fidelity, GoesOn, History, Proposal, Trial, seed_from

LONG = Fidelity(epochs=16)
"""With eta 2, rungs of 1, 2, 4, 8 and 16 epochs."""


def chance(key: object) -> np.random.Generator:
    return np.random.default_rng(seed_from(str(key)))


def quality(architecture: Architecture) -> float:
    return float(chance(architecture.id).random())


def of_a_pair(architecture: Architecture, turned: bool) -> float:
    """Return one of four levels, and a bit more for the upper or the lower ones of it: the noise is that bit."""
    level, upper = divmod(int(8 * quality(architecture)), 2)
    return level / 4 + (upper != turned) / 64


def with_curve(value: Callable[[Architecture, int], float]) -> Measure:
    """Return a measure by which a trial has a value an epoch."""

    def measure(proposal: Proposal) -> Trial:
        values = [value(proposal.architecture, k) for k in range(1, proposal.fidelity.epochs + 1)]
        curve = [EpochRecord(k, k, 0.0, 0.0, v, 0.0) for k, v in enumerate(values, start=1)]
        return Trial(proposal, "complete", {"accuracy": values[-1]}, tuple(curve))

    return measure


def by_chance(proposal: Proposal) -> Trial:
    """Measure what has nothing to do with what it was on the rung below, so that the next one opens."""
    value = chance((proposal.architecture.id, proposal.fidelity.epochs)).random()
    return Trial(proposal, "complete", {"accuracy": float(value)})


class TestPASHA(LadderConformance):
    @pytest.fixture
    def make(self) -> Make:
        return PASHAConfig(eta=2).build

    @pytest.fixture
    def measure(self, problem: Problem) -> Measure:
        del problem
        return by_chance


def searched(config: PASHAConfig | ASHAConfig, measure: Measure, *, at_once: int = 3, seed: int = 0) -> History:
    problem = replace(small_problem(), fidelity=LONG)
    return without_waiting(config.build(problem), measure, at_once=at_once, proposals=60, seed=seed)[-1]


def furthest(history: History) -> int:
    return max(t.proposal.fidelity.epochs for t in history)


def test_where_the_order_is_the_same_on_all_rungs_no_third_one_opens():
    assert furthest(searched(PASHAConfig(eta=2), measured_by(quality))) == 2
    assert furthest(searched(ASHAConfig(eta=2), measured_by(quality))) == 16


def test_where_each_rung_turns_the_order_round_and_no_curve_does_it_is_asha():
    def measure(proposal: Proposal) -> Trial:
        epochs = proposal.fidelity.epochs
        turned = (-1) ** epochs.bit_length()
        return with_curve(lambda architecture, _: turned * quality(architecture))(proposal)

    assert searched(PASHAConfig(eta=2), measure) == (asha := searched(ASHAConfig(eta=2), measure))
    assert furthest(asha) == 16


@pytest.mark.parametrize(("turned", "opens"), [({2, 4}, False), ({1, 2, 3, 4}, True)])
def test_an_order_that_changes_and_changes_back_opens_no_rung_and_one_that_changes_once_does(turned: set[int], opens: bool):
    measure = with_curve(lambda architecture, epoch: of_a_pair(architecture, epoch in turned))
    config = PASHAConfig.model_validate({"eta": 2, "lowest": {"epochs": 4}})
    assert furthest(searched(config, measure)) == (16 if opens else 8)


def test_differences_are_those_of_pairs_whose_order_has_changed_and_changed_back() -> None:
    curves = np.random.default_rng(0).integers(0, 6, (20, 7)).astype(float)
    curves[3, 2] = math.nan
    for n in range(1, 20):
        expected = []
        for other in curves[:n]:
            d = curves[n] - other
            d = d if d[-1] > 0 else -d
            if any(d[i] > 0 > d[j] and d[-1] > 0 for i, j in combinations(range(6), 2)):
                expected.append(d[-1])
        assert differences_by_chance(curves[n], curves[:n]) == tuple(expected)


def brute_force(history: History, eta: int) -> int:
    """Return the highest open rung by Algorithm 1, with what was measured in the order of its numbers."""
    top, noise, rungs = 1, 0.0, [dict[Architecture, Trial]() for _ in range(5)]
    for trial in history:
        rung = trial.proposal.fidelity.epochs.bit_length() - 1
        rungs[rung][trial.proposal.architecture] = trial
        if rung != top or top == 4:
            continue
        reached = list(rungs[top])
        swaps = []
        for a, b in combinations(reached, 2):
            d = [x.val_accuracy - y.val_accuracy for x, y in zip(rungs[top][a].curve, rungs[top][b].curve, strict=True)]
            if any(d[j] * d[-1] < 0 < d[i] * d[-1] for i, j in combinations(range(len(d)), 2)):
                swaps.append(abs(d[-1]))
        noise = np.percentile(swaps, 90) if swaps else noise
        orders = [sorted(reached, key=lambda a: -rungs[k][a].metrics["accuracy"]) for k in (top, top - 1)]
        before = {a: rungs[top - 1][a].metrics["accuracy"] for a in reached}
        groups = [{a for a in reached if abs(before[a] - before[b]) <= noise} for b in orders[1]]
        top += not all(a in group for a, group in zip(orders[0], groups, strict=True))
    return top


@pytest.mark.parametrize("seed", range(6))
def test_a_rung_opens_when_the_two_below_disagree_by_brute_force(seed: int) -> None:
    def value(architecture: Architecture, epoch: int) -> float:
        return quality(architecture) + 0.15 * float(chance((architecture.id, epoch, seed)).random())

    measure, opened = with_curve(value), set()
    problem = replace(small_problem(), fidelity=LONG)
    *asked, _ = without_waiting(PASHAConfig(eta=2).build(problem), measure, at_once=1, proposals=50, seed=seed)
    for history in asked:
        opened.add(top := brute_force(history, 2))
        assert furthest(history) <= 2**top if len(history) else True
        risen = PASHAConfig(eta=2).build(problem).ask(history, 1, np.random.default_rng(0))[0]
        # What is among the best half of the rung below the highest open one, and has not gone on, goes on to it.
        below = [t for t in history if t.proposal.fidelity.epochs == 2 ** (top - 1)]
        gone_on = {p.origin.trial for p in history.proposals if isinstance(p.origin, GoesOn)}
        best = sorted(below, key=lambda t: (-t.metrics["accuracy"], t.proposal.number))[: len(below) // 2]
        assert (risen.fidelity.epochs == 2**top) == any(t.id not in gone_on for t in best)
    assert len(opened) > 1


def test_what_opened_a_rung_may_have_a_higher_number_than_what_is_still_running() -> None:
    problem = replace(small_problem(), fidelity=LONG)
    *_, whole = without_waiting(PASHAConfig(eta=2).build(problem), by_chance, at_once=1, proposals=40)
    late = next(t for t in whole if t.proposal.fidelity.epochs == 2)
    for n in range(late.proposal.number + 1, 40):
        history = History(tuple(t for t in whole.trials[:n] if t is not late), (late.proposal,))
        for proposal in PASHAConfig(eta=2).build(problem).ask(history, 3, np.random.default_rng(n)):
            assert (proposal.architecture, proposal.fidelity) not in {(p.architecture, p.fidelity) for p in history.proposals}


def test_without_curves_the_rungs_tell_of_the_noise() -> None:
    # Two values of each level change places on each rung; the third is the first on which some have been there and back.
    def measure(proposal: Proposal) -> Trial:
        return Trial(proposal, "complete", {"accuracy": of_a_pair(proposal.architecture, proposal.fidelity.epochs in (2, 8))})

    assert furthest(searched(PASHAConfig(eta=2), measure)) == 4
