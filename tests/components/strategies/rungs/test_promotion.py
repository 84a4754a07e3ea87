"""What goes on, and what is kept for it, against brute force: with ties, NaN, failed and stopped trials."""

import heapq
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spec import Objective
from archsmith.strategies.rungs.asha import ASHAConfig
from archsmith.strategies.rungs.bohb import BOHBConfig
from archsmith.strategies.rungs.climbing import Climbing
from archsmith.strategies.rungs.hyperband import HyperbandConfig
from archsmith.strategies.rungs.pasha import PASHAConfig
from archsmith.strategies.rungs.plans import all_brackets
from archsmith.strategies.rungs.settings import BracketsConfig
from archsmith.strategies.rungs.successive_halving import SuccessiveHalvingConfig
from archsmith.strategies.strategy import Problem, kept
from archsmith.testing.strategies import ACCURACY, FULL, small_problem, small_space, without_waiting
from archsmith.values import Fidelity, FromScratch, GoesOn, History, Proposal, Stop, Trial, seed_from

EPOCHS = {1: 0, 2: 1, 4: 2}
"""The rungs of the small problem, with eta 2."""


def hostile(proposal: Proposal, seed: int = 0) -> Trial:
    """Measure one of four values, NaN or nothing; fail, or stop early: by chance, but the same for the same proposal."""
    chance = np.random.default_rng(seed_from(f"{proposal.id} {seed}"))
    kind = chance.choice(["value", "nan", "nothing", "failed", "stopped"], p=[0.7, 0.05, 0.05, 0.1, 0.1])
    value = {"accuracy": float(chance.choice([0.1, 0.2, 0.3, 0.4]))}
    match kind:
        case "failed":
            return Trial(proposal, "failed", error="OutOfMemoryError: too large")
        case "stopped":
            return Trial(proposal, "stopped", value, stop=Stop(1, "median", 0.1, 0.0))
        case "nan":
            value = {"accuracy": math.nan}
        case "nothing":
            value = {}
    return Trial(proposal, "complete", value)


def measure(proposal: Proposal) -> Trial:
    """Measure a value that an architecture has by chance, the same on all rungs."""
    value = np.random.default_rng(seed_from(proposal.architecture.id)).random()
    return Trial(proposal, "complete", {"accuracy": float(value)})


def accuracy(trial: Trial) -> float:
    return trial.metrics.get("accuracy", math.nan) if trial.status == "complete" else math.nan


def best(trials: list[Trial], n: int) -> set[str]:
    """Return the ids of the best `n`, by trying each: those that fewer than n others are before."""
    may = [t for t in trials if math.isfinite(accuracy(t))]

    def is_before(a: Trial, b: Trial) -> bool:
        same = accuracy(a) == accuracy(b)
        return accuracy(a) > accuracy(b) or (same and a.proposal.number < b.proposal.number)

    return {t.id for t in may if sum(is_before(other, t) for other in may) < n}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("at_once", [1, 3, 8])
def test_the_best_of_each_rung_of_a_bracket_go_on_and_no_others(at_once: int, seed: int) -> None:
    *_, whole = without_waiting(
        HyperbandConfig(eta=2).build(small_problem()), lambda p: hostile(p, seed), at_once=at_once, proposals=45, seed=seed
    )
    new = [t for t in whole if t.proposal.origin == FromScratch()]
    plans = [plan for _ in range(9) for plan in all_brackets(3, 2)]
    for plan in plans:
        rung, new = new[: plan.sizes[0]], new[plan.sizes[0] :]
        assert {EPOCHS[t.proposal.fidelity.epochs] for t in rung} <= {plan.first}
        if len(rung) < plan.sizes[0]:
            break
        for size in plan.sizes[1:]:
            above = [t for t in whole if isinstance(o := t.proposal.origin, GoesOn) and o.trial in {t.id for t in rung}]
            gone_on = {t.proposal.origin.trial for t in above if isinstance(t.proposal.origin, GoesOn)}
            assert gone_on == best(rung, size) or (gone_on < best(rung, size) and len(whole) == 45)
            rung = above
    assert len(new) < len(whole)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("at_once", [1, 5])
def test_asha_lets_go_on_what_is_among_the_best_of_the_highest_rung(at_once: int, seed: int) -> None:
    *asked, whole = without_waiting(
        ASHAConfig(eta=2).build(small_problem()), lambda p: hostile(p, seed), at_once=at_once, proposals=60, seed=seed
    )
    n_going_on = 0
    for history, made in zip([h for h in asked if len(h.proposals) < 60], whole, strict=False):
        gone_on = {p.origin.trial for p in history.proposals if isinstance(p.origin, GoesOn)}
        rungs: dict[int, list[Trial]] = defaultdict(list)
        for trial in history:
            rungs[EPOCHS[trial.proposal.fidelity.epochs]].append(trial)
        due = next((d for k in (1, 0) if (d := best(rungs[k], len(rungs[k]) // 2) - gone_on)), set())
        origin = made.proposal.origin
        assert origin.trial in due if isinstance(origin, GoesOn) else not due
        n_going_on += isinstance(origin, GoesOn)
    assert n_going_on > 5


@pytest.mark.parametrize("config", [HyperbandConfig(eta=2), SuccessiveHalvingConfig(eta=2)])
def test_where_nothing_new_is_left_for_brackets_the_next_best_go_on_until_all_are_trained_in_full(
    config: HyperbandConfig | SuccessiveHalvingConfig,
) -> None:
    problem = small_problem()
    *asked, whole = without_waiting(config.build(problem), measure, at_once=1, proposals=1000)
    assert {t.proposal.architecture for t in whole if t.proposal.fidelity == FULL} == set(problem.space.enumerate())
    below = 0
    for history in asked[-30:-1]:
        gone_on = {p.origin.trial for p in history.proposals if isinstance(p.origin, GoesOn)}
        left = [t for t in history if t.proposal.fidelity != FULL and t.id not in gone_on]
        highest = max(t.proposal.fidelity.epochs for t in left)
        first = max((t for t in left if t.proposal.fidelity.epochs == highest), key=accuracy)
        assert whole.trials[len(history)].proposal.origin == GoesOn(first.id, highest)
        below += highest == 1
    assert below > 5
    few = replace(problem, budget=8)
    *fewer, some = without_waiting(config.build(few), measure, at_once=1, proposals=1000)
    assert len({t.proposal.architecture for t in some}) == 42
    whole = [t for t in some if t.proposal.fidelity == FULL]
    anew = [t for t in whole if t.proposal.reason.endswith("; anew, as its weights were not kept")]
    assert len(whole) == 42
    assert 12 < len(anew) < 36
    assert all(t.proposal.origin == FromScratch() for t in anew)
    strategy = config.build(few)
    for before, now in itertools.pairwise([*fewer, some]):  # what goes on had been kept all the time
        for proposal in now.proposals[len(before.proposals) :]:
            if isinstance(proposal.origin, GoesOn):
                since = [h for h in fewer[: len(before) + 1 : 7] if proposal.origin.trial in {t.id for t in h}]
                assert all(proposal.origin.trial in kept(strategy, h) for h in since)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("at_once", [1, 5])
@pytest.mark.parametrize("trainings", [6.0, 7.4, 9.75])
@pytest.mark.parametrize("config", [HyperbandConfig(eta=2), SuccessiveHalvingConfig(eta=2), BOHBConfig(eta=2)])
def test_a_bracket_is_begun_where_the_budget_pays_for_it_and_else_the_next_best_go_on(
    config: BracketsConfig, trainings: float, at_once: int, seed: int
) -> None:
    problem = replace(small_problem(), budget=math.ceil(trainings), trainings=trainings)
    *asked, whole = without_waiting(config.build(problem), lambda p: hostile(p, seed), at_once=at_once, seed=seed)
    assert sum(t.cost for t in whole) <= trainings * FULL.cost
    plans, begun = config.plans(3), [t.proposal for t in whole if t.proposal.origin == FromScratch()]
    sizes = np.cumsum([plans[k % len(plans)].sizes[0] for k in range(9)])
    assert len(begun) in sizes
    # What is left pays for no bracket more; or it did not yet when the last one of all had begun, as some fail.
    next_one = plans[(list(sizes).index(len(begun)) + 1) % len(plans)]
    left = trainings * FULL.cost - sum(t.cost for t in whole)
    assert left < next_one.cost(config.ladder_of(problem)) * FULL.cost
    # Nothing that was trained would get to the top by what is left.
    last = {t.proposal.architecture: t for t in whole}
    may = [t for t in last.values() if t.proposal.fidelity != FULL and math.isfinite(accuracy(t))]
    assert all(FULL.epochs - t.proposal.fidelity.epochs > left for t in may)
    # The weights of all that goes on had been kept from its end on.
    for trial in (t for t in whole if isinstance(t.proposal.origin, GoesOn)):
        since = [h for h in asked if trial.proposal.origin.trial in {t.id for t in h} and trial.proposal not in h.proposals]
        assert all(trial.proposal.origin.trial in kept(config.build(problem), h) for h in since[:: max(1, len(since) // 3)])


@pytest.mark.parametrize("trainings", [27.0, 30.0, 33.3])
@pytest.mark.parametrize("at_once", [1, 5])
def test_a_bracket_that_the_space_does_not_fill_owes_nothing_for_what_it_lacks(at_once: int, trainings: float) -> None:
    problem = replace(small_problem(), budget=math.ceil(trainings), trainings=trainings)
    strategy = SuccessiveHalvingConfig(eta=2, architectures=64).build(problem)
    *_, whole = without_waiting(strategy, measure, at_once=at_once, proposals=1000)
    assert len({t.proposal.architecture for t in whole}) == problem.space.size() == 42
    left = trainings * FULL.cost - sum(t.cost for t in whole)
    last = {t.proposal.architecture: t for t in whole}
    may = [t for t in last.values() if t.proposal.fidelity != FULL and math.isfinite(accuracy(t))]
    assert may
    assert all(FULL.epochs - t.proposal.fidelity.epochs > left >= 0 for t in may)


def test_of_a_rung_only_as_many_are_kept_for_the_end_as_what_a_bracket_costs_may_take_to_the_top() -> None:
    def kept_at_most(trainings: float) -> int:
        strategy = SuccessiveHalvingConfig(eta=2).build(replace(problem, trainings=trainings))
        *asked, _ = without_waiting(strategy, lambda p: hostile(p), at_once=1, proposals=70)
        return max(len(strategy.keeps(history)) for history in asked)

    problem = Problem(NasBench201Config().build(), ACCURACY, FULL, budget=20)
    assert kept_at_most(math.inf) == 2
    # A bracket is 2 trainings: that takes two from one epoch to the top (.75 each), and four from two epochs (.5).
    assert kept_at_most(40.0) == kept_at_most(20.0) == 2 + 2 + 4


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("trainings", [1.0, 1.5, 2.0, 4.0, 8.0])
@pytest.mark.parametrize("at_once", [1, 2, 4, 16])
def test_asha_trains_one_in_full_and_spends_no_more_than_there_is_however_many_are_at_work(
    at_once: int, trainings: float, seed: int
) -> None:
    full = Fidelity(27)
    space = NasBench201Config().build()
    problem = Problem(space, ACCURACY, full, budget=math.ceil(trainings), trainings=trainings)
    *_, whole = without_waiting(ASHAConfig().build(problem), measure, at_once=at_once, proposals=300, seed=seed)
    assert any(t.proposal.fidelity == full for t in whole)
    assert sum(t.cost for t in whole) <= trainings * full.cost


def test_where_few_of_the_space_keep_the_limits_the_budget_is_spent_on_training_them_in_full() -> None:
    problem = replace(small_problem(), budget=30, trainings=30.0, feasible=lambda a: seed_from(a.id) % 2 == 0)
    *_, whole = without_waiting(
        SuccessiveHalvingConfig(eta=2, architectures=64).build(problem), measure, at_once=2, proposals=1000
    )
    begun = {t.proposal.architecture for t in whole}
    assert begun == {a for a in problem.space.enumerate() if problem.feasible(a)}
    assert 10 < len(begun) < 30
    assert {t.proposal.architecture for t in whole if t.proposal.fidelity == FULL} == begun


def test_a_budget_that_is_raised_again_and_again_is_spent_each_time() -> None:
    history = History(())
    for trainings in (5.5, 8.0, 10.5, 13.0, 15.5, 18.0):
        problem = Problem(NasBench201Config().build(), ACCURACY, Fidelity(27), math.ceil(trainings), trainings=trainings)
        strategy = SuccessiveHalvingConfig().build(problem)
        *_, history = without_waiting(strategy, measure, at_once=1, history=history)
        left = trainings - sum(t.cost for t in history) / 27
        assert 0 <= left < 1


@pytest.mark.parametrize("config", [ASHAConfig(eta=2), PASHAConfig(eta=2)])
@pytest.mark.parametrize("trainings", [1.0, 2.0, 3.5])
def test_asha_begins_with_what_the_budget_takes_to_the_top_and_at_last_the_best_go_on(
    config: ASHAConfig | PASHAConfig, trainings: float
) -> None:
    def measure(proposal: Proposal) -> Trial:
        value = np.random.default_rng(seed_from(proposal.architecture.id)).random()
        return Trial(proposal, "complete", {"accuracy": float(value)})

    problem = replace(small_problem(), trainings=trainings)
    *asked, whole = without_waiting(config.build(problem), measure, at_once=1)
    top = max(t.proposal.fidelity.epochs for t in whole)
    assert top == FULL.epochs or isinstance(config, PASHAConfig)
    for history, made in zip(asked, whole, strict=False):
        spent = sum(t.cost for t in history)
        if made.proposal.origin == FromScratch():
            assert spent + (FULL.epochs if isinstance(config, ASHAConfig) else 2) <= trainings * FULL.cost
    left = trainings * FULL.cost - sum(t.cost for t in whole)
    last = {t.proposal.architecture: t for t in whole}.values()
    assert all(top - t.proposal.fidelity.epochs > left for t in last if t.proposal.fidelity.epochs < top)


def test_what_is_beyond_a_limit_goes_on_after_all_that_is_within() -> None:
    objectives = (*ACCURACY, Objective(metric="latency_s", limit=1.0))
    strategy = SuccessiveHalvingConfig(eta=2).build(Problem(small_space(), objectives, FULL, budget=10))

    def measure(proposal: Proposal) -> Trial:
        return Trial(proposal, "complete", {"accuracy": 0.9 - 0.1 * proposal.number, "latency_s": 2.0 - proposal.number % 2})

    *_, whole = without_waiting(strategy, measure, at_once=1, proposals=7)
    numbers = {t.id: t.proposal.number for t in whole}
    assert [numbers[o.trial] for t in whole if isinstance(o := t.proposal.origin, GoesOn)] == [1, 3, 5]


def test_a_stopped_trial_of_the_best_value_is_not_promoted_but_its_rung_is_complete() -> None:
    strategy = SuccessiveHalvingConfig(eta=2).build(small_problem())

    def measure(proposal: Proposal) -> Trial:
        if proposal.number == 2:
            return Trial(proposal, "stopped", {"accuracy": 0.99}, stop=Stop(1, "median", 0.5, 0.1))
        return Trial(proposal, "complete", {"accuracy": 0.1 * proposal.number})

    *_, whole = without_waiting(strategy, measure, at_once=1, proposals=6)
    assert [t.proposal.origin for t in whole][4:] == [GoesOn(whole.trials[3].id, 1), GoesOn(whole.trials[1].id, 1)]


@pytest.mark.parametrize("make", [HyperbandConfig(eta=2).build, ASHAConfig(eta=2).build])
def test_whoever_was_asked_before_answers_as_a_fresh_one(
    make: Callable[[Problem], Climbing],
) -> None:
    *asked, whole = without_waiting(make(small_problem()), hostile, at_once=4, proposals=25)
    used = make(small_problem())
    for history in (*asked, whole, *asked[::-1]):
        fresh = make(small_problem())
        expected = fresh.ask(history, 3, np.random.default_rng(0))
        assert used.ask(history, 3, np.random.default_rng(0)) == expected
        assert used.ask(history, 3, np.random.default_rng(0)) == expected
        assert used.keeps(history) == fresh.keeps(history)


def test_a_network_that_grows_begins_anew_and_says_so_and_nothing_is_kept_for_it() -> None:
    config = SuccessiveHalvingConfig.model_validate({"eta": 4, "lowest": {"width": 0.5}, "architectures": 3})
    strategy = config.build(small_problem())
    *asked, whole = without_waiting(strategy, hostile, at_once=2, proposals=12)
    risen = next(t.proposal for t in whole if t.proposal.fidelity == FULL)
    assert risen.origin == FromScratch()
    assert risen.reason.endswith("; anew, as weights do not fit a larger network")
    assert all(kept(strategy, history) == frozenset() for history in asked)


def test_more_data_alone_is_a_training_anew() -> None:
    strategy = SuccessiveHalvingConfig.model_validate({"lowest": {"data": 0.3}}).build(small_problem())
    *_, whole = without_waiting(strategy, hostile, at_once=1, proposals=4)
    assert whole.trials[3].proposal.origin == FromScratch()
    assert whole.trials[3].proposal.reason.endswith("so it goes on to 4 epochs; anew")


@pytest.mark.parametrize(("make", "seed"), [(SuccessiveHalvingConfig(eta=2).build, 1), (HyperbandConfig(eta=2).build, 0)])
def test_kept_is_what_goes_on_in_any_future_and_nothing_else(make: Callable[[Problem], Climbing], seed: int) -> None:
    strategy = make(replace(small_problem(), budget=8))  # not one for the whole space
    *asked, _ = without_waiting(strategy, lambda p: hostile(p, seed), at_once=2, proposals=7, seed=seed)
    for history in asked:
        begun = frozenset(t.id for t in history)
        assert strategy.keeps(history) == frozenset(_gone_on(strategy, history, begun, seed))


def _gone_on(strategy: Climbing, history: History, begun: frozenset[str], seed: int) -> Iterator[str]:
    """Yield each of `begun` from which a trial goes on in some future: each trial is worse or better than all, by turns."""
    # A trial has a say in what goes on only where one of `begun` is on its rung, or it fills that.
    brackets = 7 + 4 + 3
    if len(history.proposals) < brackets:
        for proposal in strategy.ask(history, 1, np.random.default_rng(0)):
            numbered = replace(proposal, number=len(history.proposals))
            if isinstance(numbered.origin, GoesOn) and numbered.origin.trial in begun:
                yield numbered.origin.trial
            following = History(history.trials, (*history.running, numbered))
            if len(following.running) < 2:
                yield from _gone_on(strategy, following, begun, seed)
                return
            history = following
    if not history.running or _settled(strategy, history, begun):
        return
    ends = heapq.nsmallest(1, history.running, key=lambda p: (p.cost, p.number))[0]
    left = tuple(p for p in history.running if p is not ends)
    for value in (-1.0, 2.0):
        ended = History((*history.trials, Trial(ends, "complete", {"accuracy": value})), left)
        yield from _gone_on(strategy, ended, begun, seed)


def _settled(strategy: Climbing, history: History, begun: frozenset[str]) -> bool:
    """Tell whether all of `begun` that could go on has: none of them is on a rung that is not complete."""
    gone_on = {p.origin.trial for p in history.proposals if isinstance(p.origin, GoesOn)}
    return all(t.id in gone_on or t.proposal.fidelity == FULL or not math.isfinite(accuracy(t)) for t in history if t.id in begun)


def test_a_history_of_a_single_trial_tells_whether_its_weights_are_kept() -> None:
    strategy = HyperbandConfig(eta=2).build(small_problem())
    architecture = small_space().at(3)

    def is_kept(epochs: int, value: float, origin: GoesOn | FromScratch = FromScratch()) -> bool:  # noqa: B008
        trial = Trial(Proposal(architecture, Fidelity(epochs), origin, number=17), "complete", {"accuracy": value})
        return strategy.keeps(History((trial,))) == {trial.id}

    assert is_kept(1, 0.1)
    assert is_kept(2, 0.1)
    assert is_kept(2, 0.1, GoesOn("0123456789ab", 1))
    assert not is_kept(4, 0.1)
    assert not is_kept(3, 0.1)
    assert not is_kept(1, math.nan)
