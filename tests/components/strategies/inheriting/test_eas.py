"""EAS as a strategy: what it refuses, begins with, and proposes."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.morphing import morphisms
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spaces.settings import Range
from archsmith.spaces.training import TrainingChoices
from archsmith.spec import Objective
from archsmith.strategies import STRATEGIES
from archsmith.strategies.inheriting.eas import EASConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import ACCURACY, FULL, InheritanceConformance, Make, measured_by, one_max, search
from archsmith.values import Fidelity, FromScratch, History, Inherits

SPACE = ChainConfig().build()
PROBLEM = Problem(SPACE, ACCURACY, FULL, budget=100)
INITIAL = "layers=2 op_1=conv filters_1=16 kernel_1=5 stride_1=2 op_2=conv filters_2=32 kernel_2=3 stride_2=1 dense=0"


def size_of(architecture):
    """Return a closed form of how large a network is: the sum of its filters and units."""
    return float(sum(c for n, c in SPACE.assignment(architecture).items() if n.startswith(("filters_", "units_"))))


measure = measured_by(lambda architecture: size_of(architecture) / 800)


class TestEAS(InheritanceConformance):
    @pytest.fixture
    def make(self) -> Make:
        return EASConfig().build


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
class TestEASWithShortStages(InheritanceConformance):
    most_kept = 5  # the start network, the best of the stage, and what two steps of three trials lead to

    @pytest.fixture
    def make(self) -> Make:
        return EASConfig(batch=3, start=1, stage=3, steps=2, entropy=0.0, units=4).build


def test_it_is_a_strategy_whose_trials_inherit():
    assert STRATEGIES["eas"] is EASConfig
    assert EASConfig().inherits


def test_each_step_is_a_morphism_of_its_parent_or_several_that_widen():
    history = search(EASConfig().build(PROBLEM), measure, rounds=range(50), size=1)
    trials, several = {t.id: t for t in history}, 0
    for trial in (t for t in history if isinstance(t.proposal.origin, Inherits)):
        parent, child = trials[trial.proposal.origin.trial].proposal.architecture, trial.proposal.architecture
        if child in {m.architecture for m in morphisms(SPACE, parent)}:
            continue
        several += 1
        levels = [m.architecture for m in morphisms(SPACE, parent) if m.operation == "widen"]
        assert all(any(c == level.choices[k] for level in levels) for k, c in enumerate(child.choices) if c != parent.choices[k])
    assert several > 5


def test_the_initial_network_comes_first_and_is_started_from():
    strategy = EASConfig(initial=INITIAL).build(PROBLEM)
    trials = search(strategy, measure, rounds=range(4), size=1).trials
    assert SPACE.to_text(trials[0].proposal.architecture) == INITIAL
    assert trials[0].proposal.reason == "the initial network"
    assert trials[1].proposal.origin == Inherits(trials[0].id)


def test_who_waits_for_the_first_networks_gets_more_of_them():
    strategy, rng = EASConfig(initial=INITIAL, start=2).build(PROBLEM), np.random.default_rng(0)
    asked = strategy.ask(History(), 6, rng)
    assert [p.origin for p in asked] == [FromScratch()] * 6
    assert {SPACE.assignment(p.architecture)["layers"] for p in asked} == {2}


def test_where_all_is_grown_other_small_networks_are_begun_with():
    small = {"layers": Range(min=1, max=2), "operations": ("conv",), "filters": (8,), "kernels": (3,), "units": (8,)}
    space = ChainConfig(**small, strides=(1, 2), dense_layers=Range(min=0, max=2)).build()
    strategy = EASConfig(start=1, stage=3).build(replace(PROBLEM, space=space))
    trials = search(strategy, measured_by(lambda a: one_max(space, a)), rounds=range(12), size=1).trials
    first = [t for t in trials if t.proposal.reason == "random small network, to start from"]
    assert {space.assignment(t.proposal.architecture)["stride_1"] for t in first} == {1, 2}
    assert len(first) == 2


def test_what_is_beyond_a_limit_is_not_grown_into():
    small = replace(PROBLEM, feasible=lambda a: size_of(a) <= 80)
    trials = search(EASConfig().build(small), measure, rounds=range(40), size=1).trials
    assert max(size_of(t.proposal.architecture) for t in trials) <= 80
    assert sum(isinstance(t.proposal.origin, Inherits) for t in trials) > 20


def test_a_network_that_decides_on_its_training_hands_that_down():
    space = ChainConfig(training=TrainingChoices(learning_rate=(0.01, 0.1), augment=("none", "flip"))).build()
    strategy = EASConfig().build(replace(PROBLEM, space=space))
    trials = search(strategy, measured_by(lambda a: one_max(space, a)), rounds=range(30), size=1).trials
    choices = {t.id: t.proposal.architecture.choices[-2:] for t in trials}
    assert all(choices[t.id] == choices[t.proposal.origin.trial] for t in trials[5:])
    assert len(set(choices.values())) > 1


@pytest.mark.parametrize(
    ("changed", "settings", "message"),
    [
        ({"space": NasBench201Config().build()}, {}, "The space is 'nas-bench-201', but `eas` reads networks as one layer after"),
        ({"fidelity": Fidelity(epochs=4, depth=0.5)}, {}, "at 0.5 of the depth, but `eas` inserts layers"),
        ({"objectives": (Objective(metric="n_params", limit=9),)}, {}, "No objective has a `goal`, but eas needs one"),
        ({"objectives": (Objective(metric="flops", goal="minimize"),)}, {}, "to minimize 'flops', but `eas` has a reward only"),
        ({}, {"initial": "layers=9"}, "`initial` is no network of the space: .*9"),
    ],
)
def test_what_does_not_fit_is_refused(changed, settings, message):
    with pytest.raises(ValueError, match=message):
        EASConfig(**settings).build(replace(PROBLEM, **changed))


@pytest.mark.parametrize("settings", [{"start": 0}, {"steps": 0}, {"stage": 0}, {"deeper": 1.1}, {"units": 0}, {"batch": 0}])
def test_settings_out_of_their_range_are_refused(settings):
    with pytest.raises(ValidationError, match=next(iter(settings))):
        EASConfig(**settings)


def test_a_learning_rate_that_is_far_too_high_gives_a_poor_policy_but_no_numbers_that_are_none():
    history = search(EASConfig(learning_rate=1e3).build(PROBLEM), measure, rounds=range(10), size=4)
    assert len(history) == 40
