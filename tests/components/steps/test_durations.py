"""How long a search will take: what is measured here is a formula of the networks' sizes, so that the rest can be worked out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsmith.look import look
from archsmith.search import Search, parse
from archsmith.steps.durations import expect
from archsmith.testing.searches import LOOKED_UP, TINY
from archsmith.values import Architecture, Fidelity, seed_from
from archsmith.values.data_facts import DataFacts
from archsmith.values.durations import Durations, Speed

FACTS = DataFacts((1, 8, 8), tuple("0123456789"), {"train": (115,) * 10, "validation": (28,) * 10, "test": (36,) * 10})
STRATEGY, BUDGET = "{name: evolution, population: 4, sample: 2}", "{trials: 6, rounds: 3}"
LONG = (TINY.replace("epochs: 2}", "epochs: 20}").replace(BUDGET, "{trials: 100}").replace("{epochs: 3}", "{epochs: 500}")
        .replace("{min: 1, max: 2}", "{min: 1, max: 6}")
    .replace(", {metric: n_params, limit: 20000}", ""))  # fmt: skip
"""A hundred trials of 20 epochs, and a training of 500 epochs; 17 steps an epoch."""
STEPS = 1150 // 64


@dataclass
class Formula:
    """A lab where a step takes a microsecond a thousand multiply-adds, and as much again as `step_s`."""

    search: Search
    at_once: int = 2
    step_s: float = 0.01
    fixed_s: float = 0.5
    full_is: float = 0.5
    """Times as long a step takes of a network that is trained alone."""
    known: Any = None
    """Seconds of what is no training."""
    of_references: Sequence[Speed | None] = ()
    """How fast those are trained that a winner is held to."""
    asked: list[tuple[int, bool]] = field(default_factory=list)
    held: list[tuple[float, float]] = field(default_factory=list)

    def flops(self, architecture: Architecture) -> float:
        return 1000 * (1 + seed_from(architecture.id) % 1000)  # to count a network takes milliseconds

    def speeds(self, probes: Sequence[tuple[Architecture, Fidelity]], *, full: bool) -> Sequence[Speed | None]:
        self.asked.append((len(probes), full))
        assert full == all(fidelity == Fidelity(1) for _, fidelity in probes) or not full
        return [
            Speed(self.step(a) * f.width**2 * (self.full_is if full else 1), 1e-5, STEPS, 280, fixed_s=self.fixed_s)
            for a, f in probes
        ]

    def step(self, architecture: Architecture) -> float:
        return self.step_s + 1e-9 * self.flops(architecture)

    def trials(self, architectures: Sequence[Architecture], fidelity: Fidelity) -> Sequence[float | None]:
        return [self.known for _ in architectures]

    def shared_epoch(self) -> float | None:
        return self.known

    def references(self, n_params: float, flops: float) -> Sequence[Speed | None]:
        self.held.append((n_params, flops))
        return self.of_references


def changed(*changes: tuple[str, str], of: str = LONG) -> Search:
    for old, new in changes:
        assert old in of
        of = of.replace(old, new)
    return parse(of)


def expected(search: Search, **settings: Any) -> Durations | None:
    return _expected(search, Formula(search, **settings))


def _expected(search: Search, lab: Formula) -> Durations | None:
    rng = np.random.default_rng(0)
    drawn = [search.space.sample(rng) for _ in range(30)]
    samples = [{"architecture": a.to_dict(), "n_params": 1, "flops": lab.flops(a)} for a in drawn]
    return expect(search, FACTS, samples, lab=lab)


def mean_step(search: Search, *, larger: bool = False) -> float:
    lab, rng = Formula(search), np.random.default_rng(0)
    steps = sorted(lab.step(search.space.sample(rng)) for _ in range(30))
    return float(np.mean(steps[15:] if larger else steps))


def test_the_winner_is_of_the_larger_half_and_so_are_the_trials_of_a_strategy_that_learns() -> None:
    search = changed((STRATEGY, "{name: random}"))
    blind = expected(search)
    assert blind is not None
    assert blind.timed[0].trial_s == pytest.approx(20 * (STEPS * mean_step(search) + 280e-5) + 0.5)
    search = changed()
    found = expected(search)
    assert found is not None
    assert found.retrain_s == blind.retrain_s
    (timed,) = found.timed
    assert timed.trial_s == pytest.approx(20 * (STEPS * mean_step(search, larger=True) + 280e-5) + 0.5)
    assert (timed.trials, found.at_once, found.rounds) == (100, 2, None)
    assert found.retrain_s == pytest.approx(500 * (STEPS * 0.5 * mean_step(search, larger=True) + 280e-5))


@pytest.mark.parametrize("budget", ["{trials: 24}", "{trainings: 24}", "{trainings: 23.5}"])
def test_as_many_trials_are_expected_as_the_budget_pays_for(budget: str) -> None:
    search = changed(("{trials: 100}", budget))
    found = expected(search)
    assert found is not None
    assert found.timed[0].trials == 24
    few = changed(
        ("{trials: 100}", budget.replace("24", "1e9").replace("23.5", "1e9").replace("trials: 1e9", "trials: 1000000000"))
    )
    some = expected(few)
    assert some is not None
    assert some.timed[0].trials == search.space.size()  # none is tried twice


def test_what_is_not_trained_is_expected_as_often_as_the_budget_pays_for() -> None:
    score, metric = ("{epochs: 20}", "{name: zero-cost, score: naswot}"), ("metric: accuracy", "metric: naswot")
    found = expected(changed(score, metric, ("{trials: 100}", "{trainings: 24}")), known=0.5)
    assert found is not None
    assert found.timed[0].trials == 24


def test_references_are_measured_at_the_size_of_the_larger_half_and_take_no_longer_than_they_may() -> None:
    search = changed(("baseline: none", "baseline: simple"))
    quick, slow = Speed(0.001, 1e-5, STEPS, 280), Speed(10.0, 1e-5, STEPS, 280)
    lab = Formula(search, of_references=(quick, slow))
    found = _expected(search, lab)
    assert found is not None
    rng = np.random.default_rng(0)
    flops = sorted(lab.flops(search.space.sample(rng)) for _ in range(30))[15:]
    assert lab.held == [(1, pytest.approx(np.mean(flops)))]
    assert found.retrain_s > 30
    assert found.references_s == pytest.approx(500 * (STEPS * 0.001 + 280e-5) + found.retrain_s)  # the slow one is ended
    nobody = _expected(search, Formula(search, of_references=(None, quick)))
    assert nobody is not None
    assert nobody.references_s == pytest.approx(found.references_s)  # one that can't be measured is taken for the winner's like
    limited = _expected(
        changed(("baseline: none", "baseline: simple"), ("{epochs: 500}", "{epochs: 500, minutes: 0.1}")),
        Formula(search, of_references=(slow,)),
    )
    assert limited is not None
    assert limited.references_s == pytest.approx(6)
    assert expected(changed()) == replace(found, references_s=0.0, overhead_s=found.overhead_s - 8)


def test_a_lower_fidelity_has_fewer_steps_and_smaller_networks() -> None:
    search = changed(("epochs: 20}", "epochs: 20, data: 0.25, width: 0.5}"))
    found = expected(search)
    assert found is not None
    steps = int(STEPS * 10 * 29 / 1150)  # a quarter of 115 images a class is 29
    assert found.timed[0].trial_s == pytest.approx(20 * (steps * mean_step(search, larger=True) / 4 + 280e-5) + 0.5)


def test_with_folds_each_epoch_is_one_of_all_of_them_on_all_images_but_a_part() -> None:
    search = changed(("epochs: 20}", "epochs: 20, folds: 5}"))
    found = expected(search)
    assert found is not None
    steps = int(STEPS * 1430 * 4 / 5 / 1150)  # 1,150 images and 280 to validate with; a fifth of all validates each time
    assert found.timed[0].trial_s == pytest.approx(20 * (5 * steps * mean_step(search, larger=True) + 1430e-5) + 0.5)


def test_rungs_are_as_the_strategy_makes_them_and_each_goes_on_from_the_one_below() -> None:
    search = changed((STRATEGY, "{name: successive-halving}"), ("{trials: 100}", "{trials: 13}"), ("epochs: 20}", "epochs: 9}"))
    found = expected(search)
    assert found is not None
    assert [(t.fidelity.epochs, t.trials) for t in found.timed] == [(1, 9), (3, 3), (9, 1)]
    epoch = STEPS * mean_step(search) + 280e-5
    assert [t.trial_s for t in found.timed] == pytest.approx([epoch + 0.5, 2 * epoch + 0.5, 6 * epoch + 0.5])


def test_no_more_trials_are_expected_than_the_space_has_architectures() -> None:
    search = changed(
        ("filters: [8, 16]", "filters: [8]"),
        ("max: 6", "max: 2"),
        ("strides: [1, 2]", "strides: [1]"),
        ("epochs: 20}", "epochs: 900}"),
    )
    found = expected(search)
    assert found is not None
    assert found.timed[0].trials == search.space.size() < 100


def test_minutes_limit_the_trials_and_the_training_in_full() -> None:
    found = expected(changed(("{trials: 100}", "{trials: 100, minutes: 2}"), ("{epochs: 500}", "{epochs: 500, minutes: 0.01}")))
    assert found is not None
    assert (found.limit_s, found.retrain_s) == (120, pytest.approx(0.6))
    assert found.is_cut_off


def test_each_of_several_trainings_in_full_takes_its_time() -> None:
    goals = ("goal: maximize}]", "goal: maximize}, {metric: n_params, goal: minimize}]")
    one, three = expected(changed(goals)), expected(changed(goals, ("{epochs: 500}", "{epochs: 500, front: 3}")))
    assert one is not None
    assert three is not None
    assert three.retrain_s == pytest.approx(3 * one.retrain_s)
    assert (one.references_s, three.overhead_s > one.overhead_s) == (0.0, True)


def test_with_shared_weights_there_are_looks_and_few_trials() -> None:
    search = changed((STRATEGY, "{name: single-path, top: 3}"))
    found = expected(search, known=30.0)
    assert found is not None
    assert search.supernet is not None
    assert found.shared_s == 30 * search.supernet.epochs
    assert [(t.kind, t.trials) for t in found.timed] == [("looks", 100), ("trials", 3)]
    assert found.timed[0].trial_s == pytest.approx(280e-5 + 0.5)
    assert expected(search, known=None) is None


def test_scores_are_tried_out() -> None:
    search = changed(
        ("estimation: {epochs: 20}", "estimation: {name: zero-cost, score: synflow}"), ("{metric: accuracy", "{metric: synflow")
    )
    found = expected(search, known=0.25)
    assert found is not None
    assert [(t.trials, t.trial_s) for t in found.timed] == [(100, 0.25)]


def test_what_can_make_it_shorter_is_said() -> None:
    search = changed(("training:", "stopping: {name: median}\n  training:"))
    found = expected(search)
    assert found is not None
    assert found.notes == ("How many trials are stopped early is not known yet: it will be shorter.",)
    assert found.lines == (found.words, *found.notes)


def test_nothing_is_measured_or_said_of_what_is_short_or_looked_up() -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("it is measured")

    search = parse(TINY)
    sample = [{"architecture": next(iter(search.space.enumerate())).to_dict(), "n_params": 1, "flops": 1000}]
    assert expect(search, FACTS, sample, lab=never) is None
    assert expect(parse(LOOKED_UP), FACTS, sample, lab=never) is None
    assert expect(parse(LONG), FACTS, [], lab=never) is None


@pytest.mark.cluster  # for its length; it needs none
def test_what_is_measured_by_workers_is_what_a_training_takes_here(tmp_path: Path) -> None:
    found = look(parse(LONG), str(tmp_path))
    (said,) = found.expected
    assert said.startswith("About ")
    assert "100 trials of about" in said
    assert not list(tmp_path.iterdir())
