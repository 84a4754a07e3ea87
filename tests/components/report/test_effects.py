"""The effect of decisions, against closed forms and scipy."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from archsmith.report.effects import Effect, effects
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Graph
from archsmith.values import Architecture, Choice, Fidelity, Proposal, Trial


class _Space(DecisionSpace):
    """Two decisions, the second of which is there for some choices of the first."""

    def __init__(self) -> None:
        super().__init__("two", (Decision("op", ("conv", "pool", "skip")), Decision("kernel", (3, 5), {"op": ("conv",)})))

    def graph(self, architecture: Architecture) -> Graph:
        return Graph((), ())


def _trials(*rows: tuple[tuple[Choice | None, ...], float]) -> list[Trial]:
    proposals = [Proposal(Architecture("two", choices), Fidelity(1), number=i) for i, (choices, _) in enumerate(rows)]
    return [Trial(p, "complete", {"accuracy": accuracy}) for p, (_, accuracy) in zip(proposals, rows, strict=True)]


def _named(found: tuple[Effect, ...], name: str) -> Effect:
    return next(e for e in found if e.decision == name)


class _Grid(DecisionSpace):
    """Three decisions that are always active."""

    def __init__(self) -> None:
        super().__init__("two", tuple(Decision(name, (0, 1, 2)) for name in ("width", "depth", "colour")))

    def graph(self, architecture: Architecture) -> Graph:
        return Graph((), ())


class _Wide(DecisionSpace):
    """One decision of many choices."""

    def __init__(self) -> None:
        super().__init__("two", (Decision("filters", tuple(range(20))),))

    def graph(self, architecture: Architecture) -> Graph:
        return Graph((), ())


@pytest.mark.parametrize("seed", range(5))
def test_in_an_additive_landscape_each_decision_explains_its_share_of_the_variance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, depth = rng.normal(0, 0.03, 3), rng.normal(0, 0.01, 3)
    noise = rng.normal(0, 0.005, 270)
    rows = [
        ((w, d, c), 0.8 + width[w] + depth[d] + noise[k])
        for k, (w, d, c, _) in enumerate(itertools.product(range(3), range(3), range(3), range(10)))
    ]
    whole = np.var(width) + np.var(depth) + 0.005**2
    found = effects(_Grid(), _trials(*rows))
    assert _named(found, "width").share == pytest.approx(np.var(width) / whole, abs=0.05)
    assert _named(found, "depth").share == pytest.approx(np.var(depth) / whole, abs=0.05)
    assert _named(found, "colour").share < 0.02
    assert _named(found, "width").sure
    assert not _named(found, "colour").sure


def test_epsilon_squared_is_that_computed_by_hand() -> None:
    pools, skips = [0.5, 0.7, 0.5, 0.7, 0.6], [0.8, 0.8, 0.8, 0.9, 0.7]
    found = effects(_Space(), _trials(*((("pool", None), a) for a in pools), *((("skip", None), a) for a in skips)))
    # Means 0.6, 0.8 and 0.7 in all: between 10 x 0.01 = 0.1; within 0.04 + 0.02 = 0.06, of 8 degrees of freedom.
    assert _named(found, "op").share == pytest.approx((0.1 - 0.06 / 8) / 0.16)


def test_the_probability_of_chance_is_that_of_scipy_corrected_for_two_decisions() -> None:
    rng = np.random.default_rng(3)
    groups = [rng.normal(m, 0.05, n) for m, n in ((0.5, 8), (0.54, 5), (0.52, 11))]
    kernels = [3, 5, 3, 5, 3, 5, 3, 5]
    rows = [(("conv", k), float(v)) for k, v in zip(kernels, groups[0], strict=True)]
    rows += [((op, None), float(v)) for op, g in zip(("pool", "skip"), groups[1:], strict=True) for v in g]
    alone = {
        "op": float(stats.f_oneway(*groups).pvalue),
        "kernel": float(stats.f_oneway(groups[0][::2], groups[0][1::2]).pvalue),
    }
    first, second = sorted(alone, key=alone.__getitem__)
    found = effects(_Space(), _trials(*rows))
    assert _named(found, first).chance == pytest.approx(min(1.0, 2 * alone[first]))
    assert _named(found, second).chance == pytest.approx(max(min(1.0, 2 * alone[first]), alone[second]))


def test_of_few_trials_nothing_is_said() -> None:
    rows = [(("conv", 3), 0.9), (("conv", 5), 0.91), (("pool", None), 0.2), (("pool", None), 0.21)]
    assert effects(_Space(), _trials(*rows)) == ()
    assert effects(_Space(), _trials(*rows, *rows)) == ()
    assert effects(_Space(), _trials(*rows, *rows, *rows)) != ()


def test_noise_is_taken_for_an_effect_as_seldom_as_was_promised() -> None:
    rng = np.random.default_rng(0)
    sure = 0
    for _ in range(400):
        rows = [(tuple(map(int, rng.integers(0, 3, 3))), float(rng.normal(0.8, 0.02))) for _ in range(12)]
        found = effects(_Grid(), _trials(*rows))
        sure += any(e.sure for e in found)
        assert max((e.share for e in found), default=0.0) < 1
    assert sure < 400 * 0.05 + 3 * math.sqrt(400 * 0.05 * 0.95)


def test_where_no_two_trials_made_the_same_choice_nothing_can_be_told() -> None:
    (found,) = effects(_Wide(), _trials(*(((k,), 0.5 + k / 100) for k in range(12))))
    assert math.isnan(found.share)
    assert not found.sure


def test_means_and_standard_errors_agree_with_scipy() -> None:
    values = [0.5, 0.7, 0.9, 0.6, 0.8, 0.7, 0.7, 0.7, 0.7]
    rows = [*((("conv", 3), v) for v in values), (("pool", None), 0.4)]
    conv, pool = _named(effects(_Space(), _trials(*rows)), "op").choices
    assert (conv.n, conv.mean, conv.error) == (9, pytest.approx(0.7), pytest.approx(stats.sem(values)))
    assert (pool.n, pool.mean) == (1, 0.4)
    assert math.isnan(pool.error)


def test_a_decision_that_is_rarely_active_is_judged_against_the_variance_of_all_trials() -> None:
    kernels = [(("conv", 3), 0.80), (("conv", 5), 0.82)] * 2
    rows = [*kernels, *((("pool", None), v) for v in (0.2, 0.6) * 4)]
    # Of the kernel's trials it explains all, but they differ by 0.02 only: 4 x 0.01^2 between, and nothing within.
    total = 12 * float(np.var([v for _, v in rows]))
    assert _named(effects(_Space(), _trials(*rows)), "kernel").share == pytest.approx(0.0004 / total)


def test_effects_that_are_sure_come_first_and_of_them_the_largest() -> None:
    rows = [(("conv", 3), 0.8), (("conv", 5), 0.81), (("pool", None), 0.2), (("pool", None), 0.21)] * 3
    assert [e.decision for e in effects(_Space(), _trials(*rows))] == ["op", "kernel"]


def test_trials_without_a_finite_accuracy_do_not_count() -> None:
    known = [(("conv", 3), 0.8), (("pool", None), 0.6)] * 5
    rows = [*known, (("pool", None), math.nan), (("skip", None), math.inf)]
    assert [c.n for c in _named(effects(_Space(), _trials(*rows)), "op").choices] == [5, 5]


@pytest.mark.parametrize("accuracy", [0.1, 0.3, 0.7])
def test_equal_accuracies_have_no_variance_to_explain(accuracy: float) -> None:
    rows = [*((("conv", 3), accuracy) for _ in range(3)), *((("pool", None), accuracy) for _ in range(7))]
    assert [(e.share, e.sure) for e in effects(_Space(), _trials(*rows))] == [(0.0, False)]


def test_no_trials_have_no_effects(trial: Callable[..., Trial]) -> None:
    assert effects(_Space(), []) == ()
