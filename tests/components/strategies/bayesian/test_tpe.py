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


def suggest(trial, jointly):
    """Suggest an architecture of `SPACE` as one writes it for Optuna by hand; None where it has no choice for what is there.

    What is not there is a choice of its own where all decisions are modelled jointly, and left out else.
    """
    operation, absent = trial.suggest_categorical("operation", ("conv", "pool", "skip")), (None,) * jointly
    conv, kernels = operation == "conv", operation != "skip"
    filters = trial.suggest_categorical("filters", (*absent, 8, 16, 32, 64)) if conv else None
    kernel = trial.suggest_categorical("kernel", (*absent, 3, 5, 7)) if kernels else None
    depth, width = trial.suggest_categorical("depth", DEPTHS), trial.suggest_categorical("width", WIDTHS)
    bias, rate = trial.suggest_categorical("bias", (True, False)), (0.01, 0.1, 1.0, 10.0)[trial.suggest_int("rate", 0, 3)]
    missing = (conv and filters is None) or (kernels and kernel is None)
    return None if missing else Architecture("plain", (operation, filters, kernel, depth, width, bias, rate))


def described(architecture, jointly):
    """Return the parameters of an architecture of `SPACE`, and what they are drawn from, as one writes them by hand."""
    absent, categorical = (None,) * jointly, optuna.distributions.CategoricalDistribution
    drawn_from = {
        "operation": categorical(("conv", "pool", "skip")),
        "filters": categorical((*absent, 8, 16, 32, 64)),
        "kernel": categorical((*absent, 3, 5, 7)),
        "depth": categorical(DEPTHS),
        "width": categorical(WIDTHS),
        "bias": categorical((True, False)),
        "rate": optuna.distributions.IntDistribution(0, 3),
    }
    params = dict(zip(drawn_from, architecture.choices, strict=True))
    params["rate"] = (0.01, 0.1, 1.0, 10.0).index(params["rate"])
    there = [name for name in params if jointly or params[name] is not None]
    return {"params": {name: params[name] for name in there}, "distributions": {name: drawn_from[name] for name in there}}


def by_hand(metrics, goals, excess):
    """Return an Optuna study that measured random architectures with these metrics, and the same as a history."""
    study, trials = optuna.create_study(directions=list(goals.values())), []
    for k, measured in enumerate(metrics):
        proposal = Proposal(SPACE.sample(np.random.default_rng([k, 3])), FULL, number=k)
        known = described(proposal.architecture, jointly=len(goals) == 1)
        constraints = {name: of(measured[name]) for name, of in excess.items()}
        study.add_trial(optuna.trial.create_trial(values=[measured[goal] for goal in goals], constraints=constraints, **known))
        trials.append(Trial(proposal, "complete", measured))
    return study, History(tuple(trials))


def both(problem, study, history, n, seed):
    """Return what we propose and what Optuna suggests with a sampler of the same seed; None where that isn't new or whole."""
    ours = [p.architecture for p in TPEConfig().build(problem).ask(history, n, np.random.default_rng(seed))]
    study.sampler = optuna.samplers.TPESampler(seed=int(np.random.default_rng(seed).integers(2**32)))
    asked, optunas = [], []
    for _ in range(n):
        asked.append(study.ask())
        optunas.append(suggest(asked[-1], jointly=len(study.directions) == 1))
    for trial in asked:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    new = None not in optunas and len({*optunas} - {t.proposal.architecture for t in history}) == n
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
    study, history = by_hand(metrics, goals, excess)
    pairs = [both(replace(PROBLEM, objectives=objectives), study, history, n, seed) for seed in range(10)]
    new = [(ours, optunas) for ours, optunas in pairs if optunas is not None]
    assert new
    assert all(ours == optunas for ours, optunas in new)


def test_what_is_drawn_at_random_is_said_to_be():
    history = search(TPEConfig(startup=4).build(PROBLEM), MEASURE, rounds=range(8), size=1)
    assert [t.proposal.reason for t in history] == ["random start"] * 4 + ["the likeliest to be good, by TPE"] * 4


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
        known = described(proposal.architecture, jointly=True)
        study.add_trial(optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING, **known))
    compared = [both(problem, study, running, 1, seed) for seed in range(12)]
    told = [(ours, optunas) for ours, optunas in compared if optunas and optunas[0] not in {p.architecture for p in at_work}]
    assert len(told) > 4
    assert all(ours == optunas for ours, optunas in told)
    alone = [TPEConfig().build(problem).ask(history, 1, np.random.default_rng(seed))[0].architecture for seed in range(12)]
    assert alone != [ours[0] for ours, _ in compared], "it keeps away from what is running"


def test_what_fails_is_hardly_proposed_though_what_is_next_to_it_is_best():
    def measure(proposal):
        number = proposal.architecture.choices[3]
        return (
            Trial(proposal, "failed", error="OutOfMemoryError")
            if number > 8
            else Trial(proposal, "complete", {"accuracy": number / 12})
        )

    history = search(TPEConfig().build(PROBLEM), measure, rounds=range(50), size=1)
    late = [t.proposal.architecture.choices[3] for t in history.trials[25:]]
    assert np.mean([number > 8 for number in late]) < 0.5 * 4 / 12
    assert np.mean([5 < number <= 8 for number in late]) > 2 * 3 / 12
