"""Freeze-thaw, as a strategy."""

import math
from dataclasses import replace

import numpy as np
import pytest

from archsmith.spec import Objective
from archsmith.strategies.rungs.freeze_thaw import FreezeThaw, FreezeThawConfig
from archsmith.strategies.rungs.standing import Standing
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import (
    ACCURACY,
    LadderConformance,
    Make,
    Measure,
    measured_by,
    one_max,
    search,
    small_problem,
    small_space,
    without_waiting,
)  # fmt: skip
from archsmith.values import Fidelity, FromScratch, GoesOn, History, Proposal, Stop, Trial

CHEAP = FreezeThawConfig(draws=32)
LOSS = (Objective(metric="loss", goal="minimize"),)
RNG = np.random.default_rng


class TestFreezeThaw(LadderConformance):
    ladder = tuple(map(Fidelity, (1, 2, 3, 4)))

    @pytest.fixture
    def make(self) -> Make:
        return CHEAP.build

    @pytest.mark.parametrize(("trainings", "trials"), [(5, math.inf), (100, 20)])
    @pytest.mark.parametrize("at_once", [1, 7])
    def test_the_last_of_a_budget_lets_one_reach_its_end_also_where_many_are_at_work(
        self, make: Make, problem: Problem, measure: Measure, at_once: int, trainings: int, trials: float
    ) -> None:
        full = problem.fidelity
        strategy = make(replace(problem, budget=trainings, trials=trials))
        *_, whole = without_waiting(strategy, measure, at_once=at_once, proposals=trials, cost=trainings * full.cost)
        assert any(t.proposal.fidelity == full for t in whole)


def made(*, budget: int = 42, objectives: tuple[Objective, ...] = ACCURACY) -> FreezeThaw:
    return CHEAP.build(replace(small_problem(), budget=budget, objectives=objectives))


def frozen_at(epochs: int, *accuracies: float) -> History:
    """Return architectures that have come so far."""
    architectures = list(small_space().enumerate())
    return History.of(
        [
            Trial(Proposal(a, Fidelity(epochs), number=k), "complete", {"accuracy": v})
            for k, (a, v) in enumerate(zip(architectures, accuracies, strict=False))
        ]
    )


@pytest.mark.parametrize(
    ("step", "epochs", "expected"),
    [(None, 27, range(3, 28, 3)), (None, 4, range(1, 5)), (None, 2, (1, 2)), (None, 20, range(2, 21, 2)), (4, 10, (4, 8, 10))],
)
def test_a_training_is_frozen_after_each_step_about_nine_times(step: int | None, epochs: int, expected: range) -> None:
    full = Fidelity(epochs, data=0.5)
    assert FreezeThawConfig(step=step).ladder(full) == tuple(replace(full, epochs=e) for e in expected)


def test_a_step_that_is_the_whole_training_is_refused() -> None:
    for config, epochs in ((FreezeThawConfig(), 1), (FreezeThawConfig(step=9), 9)):
        with pytest.raises(ValueError, match=f"`step` is {epochs}, but must be less than `estimation.epochs`, which is {epochs}"):
            config.ladder(Fidelity(epochs))


def test_the_least_loss_is_searched_as_the_highest_accuracy() -> None:
    history = search(made(), measured_by(lambda a: one_max(small_space(), a)), rounds=range(30), size=1)
    losses = History.of([replace(t, metrics={"loss": 1 - t.metrics["accuracy"]}) for t in history])
    assert made(objectives=LOSS).ask(losses, 3, RNG(0)) == made().ask(history, 3, RNG(0))


def test_what_stands_out_of_the_basket_goes_on_and_what_has_diverged_does_not() -> None:
    history = frozen_at(1, *np.linspace(0.10, 0.11, 12), 0.9)
    assert made().ask(history, 1, RNG(0))[0].origin == GoesOn(history.trials[-1].id, 1)
    diverged = frozen_at(1, *np.linspace(0.10, 0.11, 12), -1e9)
    running = made().ask(diverged, 20, RNG(0))
    assert diverged.trials[-1].proposal.architecture not in {p.architecture for p in running[:10]}


def test_the_end_of_the_budget_is_for_reaching_the_end() -> None:
    # 20 steps of the 24 that the budget has; the best one lacks three
    history = frozen_at(1, *np.linspace(0.5, 0.3, 20))
    asked = made(budget=6).ask(history, 1, RNG(0))[0]
    assert asked.architecture == history.trials[0].proposal.architecture
    assert asked.reason.startswith("most is expected of it, and the budget is near its end")
    begun = search(made(budget=6), measured_by(lambda a: one_max(small_space(), a)), rounds=range(24), size=1)
    assert any(t.proposal.fidelity == Fidelity(4) for t in begun)


def test_what_is_running_is_believed_to_show_what_is_expected_so_that_others_do_the_next_step() -> None:
    *asked, whole = without_waiting(made(), measured_by(lambda a: one_max(small_space(), a)), at_once=6, proposals=40)
    for history in asked:
        busy = [p.architecture for p in history.running]
        assert len(set(busy)) == len(busy)
    assert len(whole) == 40


def test_what_may_be_thawed_are_the_best_of_each_step_and_what_is_not_among_them_never_comes_back() -> None:
    rng, keep, ladder = RNG(3), 2, tuple(map(Fidelity, (1, 2, 3)))
    architectures = list(small_space().enumerate())
    trials: list[Trial] = []
    for k in range(60):
        last = {t.proposal.architecture: t for t in trials}
        a = architectures[rng.integers(15)]
        before = last.get(a)
        if before and (before.proposal.fidelity == ladder[-1] or before.status == "failed"):
            continue
        epochs = before.proposal.fidelity.epochs if before else 0
        proposal = Proposal(a, Fidelity(epochs + 1), GoesOn(before.id, epochs) if before else FromScratch(), number=k)
        fails = rng.random() < 0.1
        trials.append(
            Trial(proposal, "failed", error="OutOfMemoryError")
            if fails
            else Trial(proposal, "complete", {"accuracy": float(rng.integers(4)) / 4})
        )
    standing, gone = Standing(ladder, ACCURACY[0], ACCURACY, made()._codes), set[str]()
    for n, trial in enumerate(trials, 1):
        standing.add(trial)
        seen, last = trials[:n], {t.proposal.architecture: t for t in trials[:n]}
        expected = set[str]()
        for e in (1, 2):
            rung = [t for t in seen if t.proposal.fidelity.epochs == e and t.status == "complete"]
            best = sorted(rung, key=lambda t: (-t.metrics["accuracy"], t.proposal.number))[:keep]
            expected |= {t.id for t in best if last[t.proposal.architecture] is t}
        found = {t.trial.id for t in standing.frozen(keep)}
        assert found == expected
        assert not found & gone
        gone |= {t.id for t in seen} - found
    assert len(gone) > 10


def test_a_stopped_training_is_not_thawed_and_teaches_what_it_showed_before() -> None:
    first = frozen_at(1, *np.linspace(0.1, 0.2, 8))
    best = first.trials[-1]
    onwards = Proposal(best.proposal.architecture, Fidelity(2), GoesOn(best.id, 1), number=8)
    history = History((*first.trials, Trial(onwards, "stopped", {"accuracy": 0.2}, stop=Stop(2, "median", 0.2, 0.1))))
    assert best.id not in made().keeps(history)
    assert best.proposal.architecture not in {p.architecture for p in made().ask(history, 42, RNG(0))}


def test_where_nothing_is_within_the_limits_the_search_still_learns() -> None:
    limited = (*ACCURACY, Objective(metric="loss", limit=0.1))
    history = frozen_at(1, *np.linspace(0.10, 0.11, 12), 0.9)
    beyond = History.of([replace(t, metrics={**t.metrics, "loss": 1.0}) for t in history])
    assert made(objectives=limited).ask(beyond, 1, RNG(0)) == made().ask(history, 1, RNG(0))
    worst = replace(beyond.trials[-1], metrics={"accuracy": 0.9, "loss": 1.0})
    only_best_beyond = History.of([*history.trials[:-1], worst])
    assert made(objectives=limited).ask(only_best_beyond, 1, RNG(0))[0].architecture != worst.proposal.architecture
