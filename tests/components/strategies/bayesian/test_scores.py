"""Scores beside the decisions, against distances by hand; and a search that has them, against one that has not."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from archsmith.spaces.decisions import Decision
from archsmith.strategies.bayesian.bayesian import SHORTLIST, BayesianConfig
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.bayesian.scores import FURTHEST, LEVELS, REFERENCE, Scale, ScoredCodes, Scores
from archsmith.strategies.bayesian.surrogates import Features, Networks
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import ACCURACY, FULL, Make, StrategyConformance, measured_by, search, small_problem

SPACE = PlainSpace("ten", [Decision(f"d{k}", (1, 2, 3, 4)) for k in range(10)])
CODES = Codes(SPACE)
WEIGHTS = np.random.default_rng(0).normal(size=(10, 4))


def worth(architecture):
    """Return a sum over the decisions, in about [0, 1]."""
    return 0.5 + sum(WEIGHTS[k, choice - 1] for k, choice in enumerate(architecture.choices)) / 30


def told(architecture):
    """Return a score that tells much on a scale of its own, one that tells nothing, and one that is mostly missing."""
    number = int(architecture.id, 16)
    return {"synflow": math.exp(40 * worth(architecture)), "jacov": number % 1009, "snip": math.nan if number % 4 else 1.0}


def scores(names=("synflow", "jacov", "snip"), score=told, n=REFERENCE):
    rng = np.random.default_rng(0)
    return Scores.made(CODES, score, names, [SPACE.sample(rng) for _ in range(n)])


def drawn(n, seed=1):
    return CODES.sample(n, np.random.default_rng(seed))


class TestBayesianWithScores(StrategyConformance):
    @pytest.fixture
    def problem(self) -> Problem:
        return replace(small_problem(), scores=lambda a: {"n_params": float(len(a.id)), "synflow": float(int(a.id, 16) % 7)})

    @pytest.fixture
    def make(self) -> Make:
        return BayesianConfig(startup=4, scores=("n_params", "synflow")).build


def test_the_scale_of_a_sample_has_the_normal_quantiles_of_its_ranks():
    values = np.random.default_rng(0).choice([-3.0, 0.0, 0.5, 1e9, 2e30], size=50)
    expected = stats.norm.ppf((stats.rankdata(values) - 0.5) / 50)
    np.testing.assert_allclose(FURTHEST * Scale.of(values)(values), expected, atol=1e-9)


@pytest.mark.parametrize("spread", [1.0, 40.0])
def test_what_lies_beyond_the_sample_is_still_told_apart(spread):
    rng = np.random.default_rng(0)
    scale, beyond = Scale.of(np.exp(spread * rng.normal(size=64))), np.exp(spread * np.linspace(-3.5, 4, 40))
    found = FURTHEST * scale(beyond)
    assert (np.diff(found) > 0).all()
    assert found[-1] > 3 > -3 > found[0]
    assert scale(np.array([math.nan, math.inf, -math.inf])).tolist() == pytest.approx([math.nan, 1, -1], nan_ok=True)


@pytest.mark.parametrize("values", [np.full(5, 3.0), np.full(5, math.nan)])
def test_a_sample_that_is_all_equal_or_has_no_score_is_no_mistake(values):
    assert np.isfinite(Scale.of(values)(np.array([0.0, 3.0, 1e30]))).all()


def test_products_of_vectors_tell_how_close_scores_are_and_that_nothing_is_like_what_has_no_score():
    of = scores()
    codes, rows = ScoredCodes(CODES, of), drawn(20)
    vectors, values = codes.vectors(rows), of.of(rows)
    assert vectors.shape == (20, len(codes.layout.weights))
    for k, (columns, _) in enumerate(codes.layout.parts[1:]):
        alike = vectors[:, columns] @ vectors[:, columns].T
        expected = 1 - np.abs(values[:, None, k] - values[None, :, k]) / 2
        assert np.abs(alike - np.nan_to_num(expected, nan=0.0)).max() < 1.5 / LEVELS
    assert (ScoredCodes(CODES, of, unknown=True).vectors(rows)[:, codes.layout.parts[1][0]] == 0).all()


def test_each_architecture_is_scored_once_and_where_that_takes_long_only_a_few_of_the_candidates():
    asked = []

    def score(architecture):
        asked.append(architecture)
        return told(architecture)

    problem = Problem(SPACE, ACCURACY, FULL, budget=30, scores=score)
    strategy = BayesianConfig(scores=("synflow",), startup=4).build(problem)
    history = search(strategy, measured_by(worth), rounds=range(6), size=1)
    assert len(asked) <= REFERENCE + len(history) + 2 * SHORTLIST
    assert len(set(asked[REFERENCE:])) == len(asked[REFERENCE:])


def short(config, budget, seeds, told_by=told):
    """Return what searches lack to the best."""
    problem, best = Problem(SPACE, ACCURACY, FULL, budget, scores=told_by), 0.5 + WEIGHTS.max(axis=1).sum() / 30
    found = [search(config.build(problem), measured_by(worth), rounds=range(budget), size=1, seed=seed) for seed in seeds]
    return np.array([best - max(t.metrics["accuracy"] for t in history) for history in found])


def test_a_score_that_tells_much_saves_trials():
    without = short(BayesianConfig(), 15, range(4))
    for name in ("synflow", "n_params"):  # asked of a few candidates, and of all of them
        knowing = short(BayesianConfig(scores=(name,)), 15, range(4), lambda a: {"n_params": told(a)["synflow"], **told(a)})
        assert knowing.mean() < 0.5 * without.mean()


def test_an_ensemble_predicts_better_with_a_score():
    rows, others = drawn(25), drawn(200, 2)
    targets, expected = (np.array([[worth(CODES.decode(row))] for row in of]) for of in (rows, others))
    features = [Features(CODES, SPACE, of) for of in (None, scores())]
    networks = [Networks.of(of, rows, (targets - targets.mean()) / targets.std(), np.random.default_rng(0)) for of in features]
    without, knowing, glancing = (
        stats.spearmanr(of.predict(others)[0][:, 0], expected[:, 0])[0] for of in (*networks, networks[1].glancing())
    )
    assert knowing > without + 0.1
    assert glancing < knowing


def test_a_score_that_tells_nothing_does_no_harm():
    without, misled = (short(BayesianConfig(scores=s), 20, range(4)) for s in ((), ("jacov",)))
    assert misled.mean() <= 1.1 * without.mean()


def test_where_nothing_tells_scores_they_are_not_missed():
    problem = Problem(SPACE, ACCURACY, FULL, budget=12)
    found = [
        search(config.build(problem), measured_by(worth), rounds=range(12), size=1)
        for config in (BayesianConfig(), BayesianConfig(scores=("synflow",)))
    ]
    assert found[0] == found[1]
