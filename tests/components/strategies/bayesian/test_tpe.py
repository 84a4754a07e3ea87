"""Optuna's TPE, against Optuna asked in its own way."""

import logging
import subprocess
import sys
from dataclasses import replace

import numpy as np
import optuna
import pytest
from scipy import stats

from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.bayesian.tpe import TPEConfig
from archsmith.strategies.plain.random import RandomSearch
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import ACCURACY, FULL, Make, StrategyConformance, measured_by, one_max, search
from archsmith.values import Architecture, History, Proposal, Trial

DEPTHS, WIDTHS = tuple(range(1, 13)), tuple(range(10, 22))
SPACE = PlainSpace(
    "plain",
    [
        Decision("operation", ("conv", "pool", "skip")),
        Decision("filters", (8, 16, 32, 64), {"operation": ("conv",)}),
        Decision("kernel", (3, 5, 7), {"operation": ("conv", "pool")}),
        Decision("depth", DEPTHS),
        Decision("width", WIDTHS),
        Decision("bias", (True, False)),
        Decision("rate", (0.1, 1.0, 0.01, 10.0), ordered=True),
    ],
)
PROBLEM = Problem(SPACE, ACCURACY, FULL, budget=60)
MEASURE = measured_by(lambda a: one_max(SPACE, a))


class TestTPE(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return TPEConfig(startup=4).build


def suggest(trial):
    """Suggest an architecture of `SPACE` as one writes it for Optuna by hand."""
    operation = trial.suggest_categorical("operation", ("conv", "pool", "skip"))
    filters = trial.suggest_categorical("filters", (8, 16, 32, 64)) if operation == "conv" else None
    kernel = trial.suggest_categorical("kernel", (3, 5, 7)) if operation != "skip" else None
    depth, width = trial.suggest_categorical("depth", DEPTHS), trial.suggest_categorical("width", WIDTHS)
    bias, rate = trial.suggest_categorical("bias", (True, False)), (0.01, 0.1, 1.0, 10.0)[trial.suggest_int("rate", 0, 3)]
    return Architecture("plain", (operation, filters, kernel, depth, width, bias, rate))


def by_hand(metrics, goals, excess):
    """Return an Optuna study that measured random architectures with these metrics, and the same as a history."""
    study = optuna.create_study(directions=list(goals.values()), sampler=optuna.samplers.RandomSampler(seed=0))
    trials = []
    for k, measured in enumerate(metrics):
        asked = study.ask()
        proposal = Proposal(suggest(asked), FULL, number=k)
        if measured is None:
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
            trials.append(Trial(proposal, "failed", error="OutOfMemoryError"))
            continue
        for name, of in excess.items():
            asked.set_constraint(name, of(measured[name]))
        study.tell(asked, [measured[goal] for goal in goals])
        trials.append(Trial(proposal, "complete", measured))
    return study, History(tuple(trials))


def both(problem, study, history, n, seed):
    """Return what we propose and what Optuna suggests with a sampler of the same seed; None where that isn't new."""
    ours = [p.architecture for p in TPEConfig().build(problem).ask(history, n, np.random.default_rng(seed))]
    study.sampler = optuna.samplers.TPESampler(seed=int(np.random.default_rng(seed).integers(2**32)))
    asked, optunas = [], []
    for _ in range(n):
        asked.append(study.ask())
        optunas.append(suggest(asked[-1]))
    for trial in asked:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    new = len({*optunas} - {t.proposal.architecture for t in history}) == n
    return ours, optunas if new else None


def numbers(n, *names):
    rng = np.random.default_rng(1)
    return [{name: float(rng.random()) for name in names} for _ in range(n)]


GOALS = {
    "one goal": (ACCURACY, {"accuracy": "maximize"}, {}),
    "a limit below": (
        (*ACCURACY, Objective(metric="latency_s", limit=0.6)),
        {"accuracy": "maximize"},
        {"latency_s": lambda value: value - 0.6},
    ),
    "a limit above": (
        (Objective(metric="loss", goal="minimize"), Objective(metric="accuracy", limit=0.4)),
        {"loss": "minimize"},
        {"accuracy": lambda value: 0.4 - value},
    ),
    "two goals": (
        (*ACCURACY, Objective(metric="n_params", goal="minimize")),
        {"accuracy": "maximize", "n_params": "minimize"},
        {},
    ),
}


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("case", GOALS)
def test_proposals_are_those_of_optuna_asked_by_hand(case, n):
    objectives, goals, excess = GOALS[case]
    metrics = numbers(40, "accuracy", "n_params", "latency_s", "loss")
    study, history = by_hand([None if k % 7 == 3 else m for k, m in enumerate(metrics)], goals, excess)
    pairs = [both(replace(PROBLEM, objectives=objectives), study, history, n, seed) for seed in range(10)]
    new = [(ours, optunas) for ours, optunas in pairs if optunas is not None]
    assert new
    assert all(ours == optunas for ours, optunas in new)


def test_asking_again_and_again_does_not_change_the_answer():
    strategy = TPEConfig().build(PROBLEM)
    history = search(strategy, MEASURE, rounds=range(4), size=4)
    first = strategy.ask(history, 4, np.random.default_rng(3))
    for seed in range(4):
        strategy.ask(history, 4, np.random.default_rng(seed))
    assert strategy.ask(history, 4, np.random.default_rng(3)) == first


def test_optuna_is_loaded_only_where_the_strategy_is_asked():
    script = "import sys, archsmith.strategies.bayesian.tpe as t; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("verbosity", [logging.INFO, logging.WARNING])
def test_optuna_logs_nothing_and_its_verbosity_stays_as_it_was(capfd, verbosity):
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(verbosity)
    try:
        search(TPEConfig().build(PROBLEM), MEASURE, rounds=range(4), size=4)
        assert optuna.logging.get_verbosity() == verbosity
    finally:
        optuna.logging.set_verbosity(before)
    assert capfd.readouterr() == ("", "")


def test_without_a_goal_there_is_no_tpe():
    with pytest.raises(ValueError, match="No objective has a `goal`, but tpe needs one"):
        TPEConfig().build(replace(PROBLEM, objectives=(Objective(metric="latency_s", limit=0.3),)))


def test_it_finds_better_architectures_than_random_search_with_the_same_budget():
    space = PlainSpace("ten", [Decision(f"d{k}", (1, 2, 3, 4)) for k in range(10)])
    problem, measure = Problem(space, ACCURACY, FULL, budget=40), measured_by(lambda a: one_max(space, a))

    def best(strategy, seed):
        return max(t.metrics["accuracy"] for t in search(strategy, measure, rounds=range(4), size=10, seed=seed))

    tpe = [best(TPEConfig().build(problem), seed) for seed in range(10)]
    random = [best(RandomSearch(problem), seed) for seed in range(10)]
    assert stats.mannwhitneyu(tpe, random, alternative="greater").pvalue < 0.01


def test_what_is_running_is_to_optuna_what_it_is_in_a_study_of_its_own():
    goals, directions, excess = GOALS["one goal"]
    problem = replace(PROBLEM, objectives=goals)
    study, history = by_hand(numbers(30, *directions), directions, excess)
    at_work = RandomSearch(problem).ask(history, 5, np.random.default_rng(3))
    running = History(history.trials, tuple(replace(p, number=30 + k) for k, p in enumerate(at_work)))
    for proposal in at_work:
        kept = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]
        params = {d.name: c for d, c in zip(SPACE.decisions, proposal.architecture.choices, strict=True) if c is not None}
        params["rate"] = (0.01, 0.1, 1.0, 10.0).index(params["rate"])
        known = {name: of for t in kept for name, of in t.distributions.items()}
        state = optuna.trial.TrialState.RUNNING
        study.add_trial(
            optuna.trial.create_trial(state=state, params=params, distributions={name: known[name] for name in params})
        )
    compared = [both(problem, study, running, 1, seed) for seed in range(12)]
    told = [(ours, optunas) for ours, optunas in compared if optunas and optunas[0] not in {p.architecture for p in at_work}]
    assert len(told) > 4
    assert all(ours == optunas for ours, optunas in told)
    alone = [TPEConfig().build(problem).ask(history, 1, np.random.default_rng(seed))[0].architecture for seed in range(12)]
    assert alone != [ours[0] for ours, _ in compared], "it keeps away from what is running"
