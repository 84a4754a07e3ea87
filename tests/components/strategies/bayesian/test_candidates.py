"""The search for candidates, against listing a small space."""

import numpy as np
import pytest

from archsmith.spaces.decisions import Decision
from archsmith.strategies.bayesian.candidates import ASKED, GENERATIONS, best_candidates, best_of
from archsmith.strategies.bayesian.codes import Codes
from archsmith.testing.spaces import PlainSpace

HUGE = PlainSpace("huge", [Decision(f"d{k}", tuple(range(8))) for k in range(20)])
"""10^18 architectures."""
SMALL = PlainSpace("small", [Decision(f"d{k}", tuple(range(3))) for k in range(4)])


def weighted(space, seed=0):
    """Return a score that is a sum over the decisions, so that its best architecture is known."""
    weights = np.random.default_rng(seed).normal(size=(len(space.decisions), len(space.decisions[0].choices) + 1))
    return lambda rows: np.take_along_axis(weights[None], rows[:, :, None], axis=2)[:, :, 0].sum(axis=1), weights[:, 1:]


def everything(_row):
    return True


@pytest.mark.parametrize("seed", range(5))
def test_in_a_small_space_the_best_of_all_is_found(seed):
    (score, weights), codes, rng = weighted(SMALL, seed), Codes(SMALL), np.random.default_rng(seed)
    best = best_candidates(score, codes.sample(5, rng), codes, set(), rng, everything)[0]
    assert (best == weights.argmax(axis=1) + 1).all()


@pytest.mark.parametrize("seed", range(5))
def test_in_a_huge_space_the_best_of_a_hundred_lead_beyond_as_many_random_ones_as_there_are_candidates(seed):
    (score, _), codes, rng = weighted(HUGE, seed), Codes(HUGE), np.random.default_rng(seed)
    hundred = codes.sample(100, rng)
    parents = hundred[np.argsort(-score(hundred))[:10]]
    found = best_candidates(score, parents, codes, set(), rng, everything)
    assert score(found)[0] > score(codes.sample(sum(GENERATIONS), rng)).max()
    assert score(found)[0] > score(parents)[0] + 1


def test_candidates_come_best_first_and_are_different_and_new():
    (score, _), codes, rng = weighted(HUGE), Codes(HUGE), np.random.default_rng(0)
    parents = codes.sample(10, rng)
    first = best_candidates(score, parents, codes, set(), np.random.default_rng(1), everything)
    known = {row.tobytes() for row in first[:50]}
    found = best_candidates(score, parents, codes, known, np.random.default_rng(1), everything)
    keys = [row.tobytes() for row in found]
    assert len(set(keys)) == len(keys) > 100
    assert not set(keys) & known
    assert (np.diff(score(found)) <= 1e-8).all()


def test_rounding_errors_of_a_score_do_not_change_what_is_found():
    codes = Codes(HUGE)
    parents = codes.sample(10, np.random.default_rng(0))
    noise = np.random.default_rng(2)
    # All scores are tied but for errors, so that only these could tell the candidates apart.
    found = [
        best_candidates(s, parents, codes, set(), np.random.default_rng(1), everything)
        for s in (lambda rows: np.zeros(len(rows)), lambda rows: 1e-13 * noise.standard_normal(len(rows)))
    ]
    assert (found[0] == found[1]).all()


def test_nothing_comes_back_where_everything_is_known():
    (score, _), codes, rng = weighted(SMALL), Codes(SMALL), np.random.default_rng(0)
    every = codes.encode(list(SMALL.enumerate()))
    found = best_candidates(score, every[:5], codes, {row.tobytes() for row in every}, rng, everything)
    assert found.shape == (0, 4)


@pytest.mark.parametrize("seed", range(3))
def test_what_comes_first_is_allowed_though_the_best_is_not_and_few_are_asked_about(seed):
    """The fewer of the largest choice the better, while the score wants them."""
    (score, weights), codes, rng = weighted(HUGE, seed), Codes(HUGE), np.random.default_rng(seed)
    liked, asked = weights.argmax(axis=1) + 1, []

    def allowed(row):
        asked.append(row.tobytes())
        return (row == liked).sum() <= 5

    sample = codes.sample(2000, rng)
    parents = sample[[(row == liked).sum() <= 5 for row in sample]][:10]
    found = best_candidates(score, parents, codes, set(), rng, allowed)
    assert all((row == liked).sum() <= 5 for row in found[:ASKED])
    assert score(found)[0] > score(parents).max() + 1
    assert len(asked) == len(set(asked)) < sum(GENERATIONS)
    listed = best_of(score, sample, set(), rng, allowed)
    assert all((row == liked).sum() <= 5 for row in listed[:ASKED])
    assert best_candidates(score, parents, codes, set(), rng, lambda _: False).shape == (0, len(HUGE.decisions))
