"""The suite that every stopper passes, and made-up curves to test one with."""

import copy
import pickle
from collections.abc import Sequence

import numpy as np
import pytest

from archsmith.evaluation.stopping.curves import Curves, Prediction
from archsmith.evaluation.stopping.stopper import Give, GoOn, Stopper, StopperConfig, Verdict
from archsmith.evaluation.stopping.watching import Stopping, prepared
from archsmith.spec import Objective
from archsmith.testing.strategies import small_space
from archsmith.values import Architecture, EpochRecord, Fidelity, History, Proposal, Stop, Trial

HORIZON = 6
N = 12


def saturating(ends: np.ndarray, rates: np.ndarray, horizon: int = HORIZON) -> np.ndarray:
    """Return curves that rise from 0.1 to their ends, each by its rate an epoch: (n, horizon)."""
    t = np.arange(1.0, horizon + 1)
    left = np.exp(-rates[:, None] * t) - np.exp(-rates[:, None] * horizon)
    curves: np.ndarray = ends[:, None] - (ends[:, None] - 0.1) * left
    return curves


def some_curves(n: int = N, seed: int = 0) -> Curves:
    """Return curves between 0.3 and 0.9 with a little noise; features tell the end, roughly, and something that is of no use."""
    rng = np.random.default_rng(seed)
    ends = rng.uniform(0.3, 0.9, n)
    values = saturating(ends, rng.uniform(0.3, 1.0, n)) + rng.normal(0, 0.004, (n, HORIZON))
    return Curves(values, np.stack([ends + rng.normal(0, 0.05, n), rng.uniform(0, 1, n)], axis=1))


def predicted(verdict: Verdict) -> Prediction | None:
    """Return what a verdict expects."""
    return verdict.prediction


def records(values: Sequence[float]) -> tuple[EpochRecord, ...]:
    """Return a curve whose validation accuracy has these values, and whose loss is 1 less that."""
    return tuple(EpochRecord(k, k, 1 - v, 1 - v, v, float(k)) for k, v in enumerate(values, start=1))


def trial_of(architecture: Architecture, values: Sequence[float], number: int) -> Trial:
    """Return a complete trial with such a curve."""
    proposal = Proposal(architecture, Fidelity(len(values)), number=number)
    return Trial(proposal, "complete", {"accuracy": values[-1], "loss": 1 - values[-1]}, records(values))


class StopperConformance:
    """Every stopper passes it: subclass it and give the fixture `config`, with settings that make it quick."""

    @pytest.fixture
    def config(self) -> StopperConfig:
        raise NotImplementedError

    @pytest.fixture
    def stopper(self, config: StopperConfig) -> Stopper:
        return config.build()

    def test_what_is_hopeless_is_given_up_and_what_is_best_goes_on(self, stopper: Stopper) -> None:
        curves = some_curves()
        watch, best = stopper.fit(curves), float(curves.values[:, -1].max())
        worst, ahead = saturating(np.array([0.2, 0.95]), np.array([0.5, 0.5]))
        assert isinstance(watch.look(worst[:4], np.array([0.2, 0.5]), best), Give)
        for t in range(1, HORIZON):
            assert isinstance(watch.look(ahead[:t], np.array([0.95, 0.5]), best), GoOn), t

    def test_it_is_pure_and_remembers_no_look(self, stopper: Stopper, config: StopperConfig) -> None:
        curves, others = some_curves(), some_curves(seed=1)
        before = copy.deepcopy((curves.values, curves.features))
        watch = stopper.fit(curves)
        again = pickle.loads(pickle.dumps(config.build().fit(curves)))  # noqa: S301  a worker that is spawned gets it so
        for k, t in ((0, 2), (1, 5), (2, 3)):  # the second one has looked at nothing before
            told = [w.look(others.values[k, :t], others.features[k], 0.8) for w in (watch, watch, again)]
            draws = [p.draws.tolist() for v in told if (p := predicted(v)) is not None]
            assert len({type(v) for v in told}) == 1
            assert len(draws) == 3
            assert draws[0] == draws[1] == pytest.approx(draws[2])
        assert all(map(np.array_equal, before, (curves.values, curves.features)))

    def test_it_does_not_look_ahead(self, stopper: Stopper) -> None:
        watch = stopper.fit(some_curves())
        curve, features = some_curves(seed=2).values[0], some_curves(seed=2).features[0]
        other = np.r_[curve[:4], curve[4:] - 0.3]
        for t in range(1, 5):
            first, second = (predicted(watch.look(values[:t], features, 0.8)) for values in (curve, other))
            assert first is not None
            assert second is not None
            assert first.mean == second.mean

    def test_holes_in_curves_do_no_harm(self, stopper: Stopper) -> None:
        curves = some_curves()
        values = curves.values.copy()
        values[0, :] = np.nan  # failed before its first epoch
        values[1, 3:] = np.nan  # stopped
        values[2, 2], values[3, 0], values[4, 4] = np.nan, np.inf, -np.inf
        watch = stopper.fit(Curves(values, curves.features))
        curve = curves.values[5].copy()
        curve[1] = np.nan
        for t in (1, 3, 5):
            told = predicted(watch.look(curve[:t], curves.features[5], 0.8))
            assert told is not None
            assert np.isfinite([told.mean, told.deviation]).all()
        assert isinstance(watch.look(np.array([np.nan, np.nan]), curves.features[5], 0.8), GoOn)
        assert isinstance(watch.look(np.array([0.1, np.nan]), curves.features[5], 0.8), GoOn)

    def test_where_little_is_known_everything_goes_on(self, stopper: Stopper) -> None:
        features = np.array([0.5, 0.5])
        nothing = stopper.fit(Curves(np.empty((0, HORIZON)), np.empty((0, 2))))
        assert isinstance(nothing.look(np.array([0.01]), features, -np.inf), GoOn)
        for horizon in (1, 2):
            short = stopper.fit(Curves(some_curves().values[:, -horizon:], some_curves().features))
            assert isinstance(short.look(np.array([0.99]), features, 0.9), GoOn)
        alike = stopper.fit(Curves(np.full((N, HORIZON), 0.5), np.zeros((N, 2))))
        told = predicted(alike.look(np.full(3, 0.5), np.zeros(2), 0.5))
        assert told is None or np.isfinite([told.mean, told.deviation]).all()
        after = stopper.fit(some_curves())
        assert isinstance(after.look(some_curves().values[0], features, 0.0), GoOn)  # it is at its end

    def test_no_unit_and_no_origin_matters(self, stopper: Stopper) -> None:
        curves, others = some_curves(), some_curves(seed=3)
        percent = Curves(100 * curves.values - 1000, curves.features)
        watches = stopper.fit(curves), stopper.fit(percent)
        for k in range(5):
            values, features, t = others.values[k], others.features[k], 1 + k
            first, second = (
                w.look(v[:t], features, b)
                for w, v, b in zip(watches, (values, 100 * values - 1000), (0.6, -940.0), strict=True)
            )  # fmt: skip
            a, b = predicted(first), predicted(second)
            assert a is not None
            assert b is not None
            assert b.mean == pytest.approx(100 * a.mean - 1000, abs=0.05)
            assert isinstance(first, Give) == isinstance(second, Give)

    def test_both_goals_and_the_spared_ones_in_a_search(self, config: StopperConfig) -> None:
        space = small_space()
        known = list(space.enumerate())
        curves = some_curves(n=16)
        seen = History(tuple(trial_of(a, v.tolist(), k) for k, (a, v) in enumerate(zip(known, curves.values, strict=False))))
        hopeless = records(saturating(np.array([0.15]), np.array([0.5]))[0].tolist())
        stops: dict[str, list[Stop | None]] = {}
        for metric, goal in (("accuracy", "maximize"), ("loss", "minimize")):
            objective = Objective.model_validate({"metric": metric, "goal": goal})
            half = config.model_copy(update={"spared": 0.5})
            stopping, stopper = Stopping("it", half, space, (objective,)), config.build()
            stops[metric] = []
            for architecture in known[16:26]:
                proposal = Proposal(architecture, Fidelity(HORIZON))
                looking = prepared(stopping, stopper, seen, proposal)
                assert (looking is None) == (architecture.id[0] in "01234567")  # half of all ids
                told = [looking(proposal, hopeless[:t]) for t in range(1, HORIZON + 1)] if looking else []
                stops[metric].append(next((stop for stop in told if stop), None))
        assert [s is None for s in stops["accuracy"]] == [s is None for s in stops["loss"]]
        assert any(stops["accuracy"])
        assert {a.id[0] in "01234567" for a in known[16:26]} == {True, False}
        for a, b in zip(stops["accuracy"], stops["loss"], strict=True):
            if a and b:
                assert (a.epoch, a.rule) == (b.epoch, "it")
                assert a.predicted == pytest.approx(1 - b.predicted, abs=0.01)
