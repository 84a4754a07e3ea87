"""The suite that every search strategy passes, and the small search to test one with."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from archsmith.errors import InfeasibleError
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.settings import Range
from archsmith.spaces.space import Space
from archsmith.spec import Objective
from archsmith.steps.checkpoints import needed_for_more
from archsmith.steps.pace import Ask, Limit, Pace
from archsmith.strategies.strategy import Problem, Strategy, kept
from archsmith.values import Architecture, Fidelity, FromScratch, GoesOn, History, Inherits, Proposal, Stop, Trial

Measure = Callable[[Proposal], Trial]
"""Makes a trial of a proposal, in place of training."""

Make = Callable[[Problem], Strategy]

ACCURACY = (Objective(metric="accuracy", goal="maximize"),)
FULL = Fidelity(epochs=4)


def small_space() -> Space:
    """Return a chain space of 42 architectures."""
    one_or_two = Range(min=1, max=2)
    no_dense = Range(min=0, max=0)
    return ChainConfig(
        layers=one_or_two, operations=("conv", "maxpool"), filters=(8, 16), kernels=(3,), pools=(2,), dense_layers=no_dense
    ).build()


def small_problem() -> Problem:
    """Return the problem of finding the best of 42 architectures with a budget for all of them."""
    return Problem(small_space(), ACCURACY, FULL, budget=42)


def large_problem() -> Problem:
    """Return the problem of finding a good one of the chains by default, with a budget for next to none of them."""
    return Problem(ChainConfig().build(), ACCURACY, FULL, budget=100)


def one_max(space: Space, architecture: Architecture) -> float:
    """Return a closed-form accuracy in [0, 1]: the share of the decisions that are active and at their last choice."""
    pairs = list(zip(space.decisions, architecture.choices, strict=True))
    return sum(choice == decision.choices[-1] for decision, choice in pairs) / len(pairs)


def measured_by(score: Callable[[Architecture], float]) -> Measure:
    """Return a measure by which each trial is complete and has this accuracy."""
    return lambda proposal: Trial(proposal, "complete", {"accuracy": score(proposal.architecture)})


def failing_often(proposal: Proposal) -> Trial:
    """Fail every other trial, and measure NaN or nothing in most of the rest."""
    if proposal.number % 2:
        return Trial(proposal, "failed", error="DivergedError: the loss is not a finite number")
    values: tuple[dict[str, float], ...] = ({"accuracy": math.nan}, {}, {"accuracy": math.inf}, {"accuracy": 0.5})
    return Trial(proposal, "complete", values[proposal.number // 2 % 4])


def ending_variously(score: Callable[[Architecture], float]) -> Measure:
    """Return a measure by which of seven trials one fails, one is stopped, and one has no finite accuracy."""

    def measure(proposal: Proposal) -> Trial:
        accuracy = {"accuracy": score(proposal.architecture)}
        match proposal.number % 7:
            case 3:
                return Trial(proposal, "failed", error="OutOfMemoryError: it is too large.")
            case 4:
                return Trial(proposal, "stopped", accuracy, stop=Stop(1, "median", 0.1, 0.1))
            case 5:
                return Trial(proposal, "complete", {"accuracy": math.nan})
        return Trial(proposal, "complete", accuracy)

    return measure


def search(
    strategy: Strategy, measure: Measure, *, rounds: Sequence[int], size: int, seed: int = 0, history: History | None = None
) -> History:
    """Run rounds of a search, each with a generator of its own, as the steps do; going on from `history`."""
    history = history or History()
    for round_ in rounds:
        asked = strategy.ask(history, size, np.random.default_rng([seed, round_]))
        numbered = [replace(p, number=len(history) + k, round=round_) for k, p in enumerate(asked)]
        history = History((*history.trials, *map(measure, numbered)))
    return history


def without_waiting(
    strategy: Strategy, measure: Measure, *, at_once: int, proposals: float = math.inf, cost: float = math.inf, seed: int = 0,
    history: History | None = None,
) -> list[History]:  # fmt: skip
    """Run a search at its own pace; return the histories that the strategy was asked with, and at last that of all trials.

    It may go on from a `history` whose proposals say how many trials were known when each was made.
    """
    pace, asked = Pace(at_once, Limit(proposals, cost)), list[History]()

    def add(proposal: Proposal) -> None:
        pace.add(proposal)
        pace.measured(measure(proposal))

    for proposal in history.proposals if history else ():
        add(proposal)
    while isinstance(turn := pace.turn(), Ask):
        asked.append(turn.seen)
        found = strategy.ask(turn.seen, 1, np.random.default_rng([seed, turn.number]))
        if found:
            add(replace(found[0], number=turn.number, round=turn.number, seen=len(turn.seen)))
        elif not pace.nothing():
            break
    return [*asked, History.of([measure(p) for p in pace.proposals])]


def _proposals(history: History) -> list[Proposal]:
    return [trial.proposal for trial in history]


class StrategyConformance:
    """Every strategy passes it: subclass it and give the fixture `make`."""

    deterministic = False
    """Whether the strategy makes no use of its generator, so that every seed gives the same search."""
    ladder: tuple[Fidelity, ...] = (FULL,)
    """The fidelities of what `make` makes, for the problem of the fixture."""
    elsewhere = Fidelity(epochs=1)
    """A fidelity at which nothing begins."""

    @pytest.fixture
    def make(self) -> Make:
        raise NotImplementedError

    @pytest.fixture
    def problem(self) -> Problem:
        return small_problem()

    @pytest.fixture
    def large(self) -> Problem:
        return large_problem()

    @pytest.fixture
    def measure(self, problem: Problem) -> Measure:
        return measured_by(lambda architecture: one_max(problem.space, architecture))

    def test_the_same_seed_gives_the_same_search_and_another_seed_another(
        self, make: Make, problem: Problem, measure: Measure
    ) -> None:
        runs = [search(make(problem), measure, rounds=range(5), size=4, seed=seed) for seed in (0, 0, 1)]
        assert runs[0] == runs[1]
        assert (runs[0] == runs[2]) == self.deterministic

    def test_asking_is_pure(self, make: Make, problem: Problem, measure: Measure) -> None:
        strategy = make(problem)
        history = search(strategy, measure, rounds=range(4), size=4)
        before = history.trials
        first = strategy.ask(history, 4, np.random.default_rng(7))
        strategy.ask(History(), 3, np.random.default_rng(8))
        assert strategy.ask(history, 4, np.random.default_rng(7)) == first
        assert make(problem).ask(history, 4, np.random.default_rng(7)) == first
        assert history.trials == before

    def test_a_resumed_search_is_as_one_that_never_stopped(self, make: Make, problem: Problem, measure: Measure) -> None:
        whole = search(make(problem), measure, rounds=range(8), size=4)
        half = search(make(problem), measure, rounds=range(4), size=4)
        read = History.of([Trial.from_dict(json.loads(json.dumps(t.to_dict()))) for t in half])
        assert search(make(problem), measure, rounds=range(4, 8), size=4, history=read) == whole

    def test_the_order_in_which_trials_arrive_does_not_matter(self, make: Make, problem: Problem, measure: Measure) -> None:
        history = search(make(problem), measure, rounds=range(4), size=4)
        shuffled = [history.trials[k] for k in np.random.default_rng(0).permutation(len(history))]
        asked = [make(problem).ask(h, 4, np.random.default_rng(1)) for h in (history, History.of(shuffled))]
        assert asked[0] == asked[1]

    def test_proposals_lie_in_the_space_and_say_why_they_were_made(self, make: Make, problem: Problem, measure: Measure) -> None:
        history = search(make(problem), measure, rounds=range(10), size=4)
        assert len(history) == 40
        assert {p.architecture for p in _proposals(history)} <= set(problem.space.enumerate())
        assert all(p.reason for p in _proposals(history))
        parents = {p.origin.trial for p in _proposals(history) if isinstance(p.origin, GoesOn | Inherits)}
        assert parents <= {t.id for t in history}

    def test_what_is_running_is_known_and_not_proposed_again(self, make: Make, problem: Problem, measure: Measure) -> None:
        history = search(make(problem), measure, rounds=range(6), size=4)
        running = [replace(p, number=len(history) + k) for k, p in enumerate(_proposals(history)[8:16])]
        before = History(history.trials[:8], tuple(running))
        size = problem.space.size()
        asked = make(problem).ask(before, size, np.random.default_rng(2))
        assert not {p.architecture for p in asked} & {p.architecture for p in before.proposals}
        assert len({p.architecture for p in asked}) == len(asked) == size - 16
        assert make(problem).ask(before, size, np.random.default_rng(2)) == asked

    @pytest.mark.parametrize("size", [1, 4, 100])
    def test_a_small_space_is_gone_through_once_and_then_nothing_is_proposed(
        self, make: Make, problem: Problem, measure: Measure, size: int
    ) -> None:
        n = problem.space.size()
        history = search(make(problem), measure, rounds=range(-(-n // size) + 2), size=size)
        assert len(history) == n
        assert {p.architecture for p in _proposals(history)} == set(problem.space.enumerate())

    def test_what_was_measured_at_another_fidelity_is_new_at_this_one(
        self, make: Make, problem: Problem, measure: Measure
    ) -> None:
        everything = [Proposal(a, self.elsewhere, number=k) for k, a in enumerate(problem.space.enumerate())]
        history = History(tuple(map(measure, everything)))
        asked = make(problem).ask(history, 5, np.random.default_rng(0))
        assert len({p.architecture for p in asked}) == len(asked) == 5
        assert not {(p.architecture, p.fidelity) for p in asked} & history.measured
        assert {p.fidelity for p in asked} <= set(self.ladder)

    def test_failed_trials_and_trials_without_a_finite_metric_are_no_trouble(self, make: Make, problem: Problem) -> None:
        history = search(make(problem), failing_often, rounds=range(problem.space.size() // 4 + 2), size=4)
        assert {p.architecture for p in _proposals(history)} == set(problem.space.enumerate())

    def test_a_search_in_which_everything_fails_goes_on(self, make: Make, problem: Problem) -> None:
        size = problem.space.size()
        history = search(make(problem), lambda p: Trial(p, "failed", error="OutOfMemoryError"), rounds=range(size), size=4)
        assert len(history) == size

    def test_only_the_feasible_is_proposed_and_all_of_it(self, make: Make, problem: Problem, measure: Measure) -> None:
        feasible = frozenset(sorted(problem.space.enumerate(), key=lambda a: a.id)[:13])
        limited = replace(problem, feasible=feasible.__contains__)
        history = search(make(limited), measure, rounds=range(6), size=4)
        assert {p.architecture for p in _proposals(history)} == feasible
        assert len(history) == 13

    def test_a_problem_without_a_feasible_architecture_is_refused(self, make: Make, problem: Problem) -> None:
        strategy = make(replace(problem, feasible=lambda _: False))
        with pytest.raises(InfeasibleError, match=f"None of {problem.space.size()} architectures"):
            strategy.ask(History(), 4, np.random.default_rng(0))

    def test_nothing_is_proposed_where_nothing_is_asked_for(self, make: Make, problem: Problem) -> None:
        assert list(make(problem).ask(History(), 0, np.random.default_rng(0))) == []

    def test_a_batch_is_as_large_as_asked_for_and_has_no_duplicates(self, make: Make, large: Problem) -> None:
        asked = make(large).ask(History(), 50, np.random.default_rng(0))
        assert len({p.architecture for p in asked}) == len(asked) == 50


class LadderConformance(StrategyConformance):
    """Every strategy passes it whose trials climb from a low fidelity to that of the search."""

    ladder = (Fidelity(epochs=1), Fidelity(epochs=2), FULL)
    elsewhere = Fidelity(epochs=3)

    def test_what_is_running_is_known_and_not_proposed_again(self, make: Make, problem: Problem, measure: Measure) -> None:
        *asked, whole = without_waiting(make(problem), measure, at_once=16, proposals=60)
        assert max(len(history.running) for history in asked) == 15
        pairs = [(p.architecture, p.fidelity) for p in _proposals(whole)]
        assert len(set(pairs)) == len(pairs)

    @pytest.mark.parametrize("size", [1, 4, 100])
    def test_a_small_space_is_gone_through_once_and_then_nothing_is_proposed(
        self, make: Make, problem: Problem, measure: Measure, size: int
    ) -> None:
        history = search(make(problem), measure, rounds=range(-(-126 // size) + 8), size=size)
        begun = [p for p in _proposals(history) if p.fidelity == first_of(p.architecture, history).fidelity]
        assert {p.architecture for p in begun} == set(problem.space.enumerate())
        assert len(begun) == 42
        assert max(_proposals(history), key=lambda p: p.fidelity.epochs).fidelity == FULL
        assert list(make(problem).ask(history, size, np.random.default_rng(9))) == []

    def test_failed_trials_and_trials_without_a_finite_metric_are_no_trouble(self, make: Make, problem: Problem) -> None:
        history = search(make(problem), failing_often, rounds=range(20), size=4)
        assert {p.architecture for p in _proposals(history)} == set(problem.space.enumerate())
        may_go_on = {t.id for t in history.completed if math.isfinite(t.metrics.get("accuracy", math.nan))}
        assert {p.origin.trial for p in _proposals(history) if isinstance(p.origin, GoesOn)} <= may_go_on

    def test_only_the_feasible_is_proposed_and_all_of_it(self, make: Make, problem: Problem, measure: Measure) -> None:
        feasible = frozenset(sorted(problem.space.enumerate(), key=lambda a: a.id)[:13])
        limited = replace(problem, feasible=feasible.__contains__)
        history = search(make(limited), measure, rounds=range(12), size=4)
        assert {p.architecture for p in _proposals(history)} == feasible

    def test_each_trial_climbs_rung_by_rung_and_goes_on_from_the_one_below(
        self, make: Make, problem: Problem, measure: Measure
    ) -> None:
        history = search(make(problem), measure, rounds=range(60), size=1)
        last: dict[Architecture, Trial] = {}
        for trial in history:
            proposal, before = trial.proposal, last.get(trial.proposal.architecture)
            if before is None:
                assert proposal.origin == FromScratch()
            else:
                assert self.ladder.index(proposal.fidelity) == self.ladder.index(before.proposal.fidelity) + 1
                assert proposal.origin == GoesOn(before.id, before.proposal.fidelity.epochs)
            last[proposal.architecture] = trial
        assert {t.proposal.fidelity for t in history} == set(self.ladder)

    def test_without_waiting_the_same_seed_gives_the_same_search_also_where_it_was_stopped(
        self, make: Make, problem: Problem, measure: Measure
    ) -> None:
        *_, whole = without_waiting(make(problem), measure, at_once=5, proposals=50)
        begun = History(running=tuple(_proposals(whole)[:23]))
        *_, resumed = without_waiting(make(problem), measure, at_once=5, proposals=50, history=begun)
        assert resumed == whole

    def test_weights_are_kept_as_long_as_a_trial_may_go_on_from_them(
        self, make: Make, problem: Problem, measure: Measure
    ) -> None:
        strategy = make(problem)
        *asked, whole = without_waiting(strategy, measure, at_once=5, proposals=60)
        n_going_on = 0
        for trial in whole:
            if not isinstance(origin := trial.proposal.origin, GoesOn):
                continue
            parent = next(t for t in whole if t.id == origin.trial)
            n_going_on += 1
            assert origin.trial in kept(make(problem), History((parent,)))
            since = [h for h in asked if parent in h.trials and len(h.proposals) <= trial.proposal.number]
            assert since
            assert all(origin.trial in kept(strategy, h) for h in since)
        assert n_going_on

    def test_what_is_kept_is_a_pure_function_of_the_history(self, make: Make, problem: Problem, measure: Measure) -> None:
        strategy, other = make(problem), make(problem)
        for history in without_waiting(strategy, measure, at_once=3, proposals=30):
            assert (
                kept(strategy, history)
                == kept(other, history)
                <= {t.id for t in history} | {p.origin.trial for p in history.running if isinstance(p.origin, GoesOn)}
            )
        assert kept(strategy, History()) == frozenset()


class InheritanceConformance(StrategyConformance):
    """Every strategy passes it whose children begin with their parents' weights, in all of its searches."""

    most_kept = 20
    """Trials whose weights are kept at most, beside those that running proposals begin with."""

    @pytest.mark.parametrize("at_once", [1, 3, 8])
    def test_nothing_inherits_from_a_trial_that_was_let_go_before(self, make: Make, large: Problem, at_once: int) -> None:
        measure = ending_variously(lambda architecture: one_max(large.space, architecture))
        strategy = make(large)
        *asked, whole = without_waiting(strategy, measure, at_once=at_once, proposals=60)
        assert _heirs(whole)
        gone: set[str] = set()
        for seen in asked:
            made = [p for p in _proposals(whole) if p.number == len(seen.proposals)]
            assert not _parents(made) & gone
            gone |= {t.id for t in seen} - kept(strategy, History(seen.trials, (*seen.running, *made)))

    def test_in_rounds_nothing_inherits_from_a_trial_that_was_let_go_before(self, make: Make, large: Problem) -> None:
        measure = ending_variously(lambda architecture: one_max(large.space, architecture))
        whole = search(make(large), measure, rounds=range(12), size=5)
        gone: set[str] = set()
        for round_ in range(12):
            seen = tuple(t for t in whole if t.proposal.round < round_)
            made = [p for p in _proposals(whole) if p.round == round_]
            assert not _parents(made) & gone
            gone |= {t.id for t in seen} - kept(make(large), History(seen, tuple(made)))

    def test_a_search_that_goes_on_with_a_larger_budget_has_all_weights_that_it_needs(self, make: Make, large: Problem) -> None:
        measure = ending_variously(lambda architecture: one_max(large.space, architecture))
        *_, whole = without_waiting(make(large), measure, at_once=8, proposals=60)
        for n in range(20, 60, 5):
            ended = History(whole.trials[:n])
            gone = {t.id for t in ended} - needed_for_more(make(large), ended, 7)
            assert not _parents(_proposals(whole)[n:]) & gone

    def test_parents_were_trained_to_their_end_and_their_weights_are_kept_from_then_on(self, make: Make, large: Problem) -> None:
        measure = ending_variously(lambda architecture: one_max(large.space, architecture))
        *_, whole = without_waiting(make(large), measure, at_once=4, proposals=60)
        trials, heirs = {t.id: t for t in whole}, _heirs(whole)
        assert len(heirs) > 10
        for parent, child in heirs:
            assert trials[parent].proposal.number < child.number
            assert trials[parent].status == "complete"
            assert math.isfinite(trials[parent].metrics["accuracy"])
            assert parent in kept(make(large), History((trials[parent],)))

    def test_what_is_kept_are_a_few_good_trials_and_depends_on_the_history_alone(self, make: Make, large: Problem) -> None:
        measure = ending_variously(lambda architecture: one_max(large.space, architecture))
        strategy = make(large)
        for history in without_waiting(strategy, measure, at_once=3, proposals=60):
            good = {t.id for t in history.completed if math.isfinite(t.metrics["accuracy"])}
            wanted = kept(strategy, History(history.trials))
            assert wanted <= good
            assert len(wanted) <= self.most_kept
        assert wanted == kept(make(large), History(history.trials))
        assert kept(strategy, History()) == frozenset()

    def test_without_waiting_the_same_seed_gives_the_same_search_also_where_it_was_stopped(
        self, make: Make, large: Problem
    ) -> None:
        measure = ending_variously(lambda architecture: one_max(large.space, architecture))
        *_, whole = without_waiting(make(large), measure, at_once=5, proposals=40)
        begun = History(running=tuple(_proposals(whole)[:23]))
        *_, resumed = without_waiting(make(large), measure, at_once=5, proposals=40, history=begun)
        assert resumed == whole


def _parents(proposals: Sequence[Proposal]) -> set[str]:
    return {p.origin.trial for p in proposals if isinstance(p.origin, Inherits)}


def _heirs(history: History) -> list[tuple[str, Proposal]]:
    """Return each proposal that inherits, after its parent."""
    return [(p.origin.trial, p) for p in _proposals(history) if isinstance(p.origin, Inherits)]


def first_of(architecture: Architecture, history: History) -> Proposal:
    """Return the first proposal of an architecture."""
    return next(p for p in history.proposals if p.architecture == architecture)
