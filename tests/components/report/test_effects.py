"""The effect of decisions, against closed forms and scipy."""

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


def test_eta_squared_is_that_computed_by_hand() -> None:
    found = effects(_Space(), _trials((("pool", None), 0.5), (("pool", None), 0.7), (("skip", None), 0.8), (("skip", None), 0.8)))
    # Means 0.6, 0.8 and 0.7 in all: between 4 x 0.01 = 0.04; in all 0.04 + 0.0 + 0.01 + 0.01 = 0.06.
    assert _named(found, "op").share == pytest.approx(0.04 / 0.06)


def test_eta_squared_agrees_with_the_f_statistic_of_scipy() -> None:
    rng = np.random.default_rng(3)
    groups = [rng.normal(m, 0.05, n) for m, n in ((0.5, 8), (0.6, 5), (0.55, 11))]
    rows = [
        ((op, 3 if op == "conv" else None), float(v)) for op, g in zip(("conv", "pool", "skip"), groups, strict=True) for v in g
    ]
    f = stats.f_oneway(*groups).statistic
    between, within = 2, 24 - 3
    assert _named(effects(_Space(), _trials(*rows)), "op").share == pytest.approx(f * between / (f * between + within))


def test_means_and_standard_errors_agree_with_scipy() -> None:
    values = [0.5, 0.7, 0.9]
    rows = [*((("conv", 3), v) for v in values), (("pool", None), 0.4)]
    conv, pool = _named(effects(_Space(), _trials(*rows)), "op").choices
    assert (conv.n, conv.mean, conv.error) == (3, pytest.approx(0.7), pytest.approx(stats.sem(values)))
    assert (pool.n, pool.mean) == (1, 0.4)
    assert math.isnan(pool.error)


def test_a_decision_that_is_rarely_active_is_judged_against_the_variance_of_all_trials() -> None:
    rows = [(("conv", 3), 0.80), (("conv", 5), 0.82), (("pool", None), 0.2), (("pool", None), 0.6)]
    # Of the kernel's two trials it explains all, but they differ by 0.02 only: 2 x 0.01^2 between.
    total = 4 * float(np.var([0.80, 0.82, 0.2, 0.6]))
    assert _named(effects(_Space(), _trials(*rows)), "kernel").share == pytest.approx(0.0002 / total)


def test_the_largest_effect_comes_first() -> None:
    rows = [(("conv", 3), 0.8), (("conv", 5), 0.81), (("pool", None), 0.2), (("pool", None), 0.21)]
    assert [e.decision for e in effects(_Space(), _trials(*rows))] == ["op", "kernel"]


def test_trials_without_a_finite_accuracy_do_not_count() -> None:
    rows = [(("conv", 3), 0.8), (("pool", None), 0.6), (("pool", None), math.nan), (("skip", None), math.inf)]
    assert [c.n for c in _named(effects(_Space(), _trials(*rows)), "op").choices] == [1, 1]


@pytest.mark.parametrize("accuracy", [0.1, 0.3, 0.7])
def test_equal_accuracies_have_no_variance_to_explain(accuracy: float) -> None:
    rows = [*((("conv", 3), accuracy) for _ in range(3)), *((("pool", None), accuracy) for _ in range(7))]
    assert [e.share for e in effects(_Space(), _trials(*rows))] == [0.0]


def test_no_trials_have_no_effects(trial: Callable[..., Trial]) -> None:
    assert effects(_Space(), []) == ()
