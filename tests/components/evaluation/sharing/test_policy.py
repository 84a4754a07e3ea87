"""The policy of `enas`: its gradient by enumeration, and what it learns."""

import io

import numpy as np
import pytest
import torch

from archsmith.evaluation.sharing.policy import HIGHEST_RATE, PAPER_RATE, Policy, rate_for
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.space import Space
from archsmith.values import Architecture

SPACE: Space = ChainConfig.model_validate(
    {
        "layers": {"min": 1, "max": 2},
        "operations": ["conv", "sepconv"],
        "filters": [4, 8],
        "kernels": [3],
        "strides": [1],
        "dense_layers": {"min": 0, "max": 1},
        "units": [4, 8],
    }
).build()
ALL = list(SPACE.enumerate())
ENTROPY = 0.05


def prized(architecture: Architecture) -> float:
    """Return a reward that depends on several choices at once."""
    return 0.1 + 0.8 * (int(architecture.id, 16) % 97) / 97


def policy(*, rate: float | None = 0.05, entropy: float = ENTROPY) -> Policy:
    return Policy(SPACE, updates=100, rate=rate, entropy=entropy)


def worth(made: Policy) -> float:
    """Return, by enumeration, the expected reward plus the weighed entropy."""
    log_probs = made.controller.unroll(np.array([made.controller.encode(a) for a in ALL])).log_probs.sum(0)
    probabilities = np.exp(log_probs)
    assert probabilities.sum() == pytest.approx(1)
    return float(probabilities @ (np.array([prized(a) for a in ALL]) - ENTROPY * log_probs))


def slope(made: Policy, way: np.ndarray, step: float = 1e-5) -> float:
    """Return the derivative of `worth` along a direction, by central differences."""
    at = made.controller.parameters.copy()
    ends = []
    for sign in (1, -1):
        made.controller.assign(at + sign * step * way)
        ends.append(worth(made))
    made.controller.assign(at)
    return (ends[0] - ends[1]) / (2 * step)


def unsettled() -> Policy:
    """Return a policy that prefers some things already."""
    made, rng = policy(), np.random.default_rng(1)
    for _ in range(12):
        drawn = [made.sample(rng) for _ in range(10)]
        made.learn(drawn, [prized(a) for a in drawn])
    return made


@pytest.mark.cluster  # for its length; it needs none
def test_the_policy_gradient_is_that_of_the_expected_reward_by_enumeration() -> None:
    assert 2 < len(ALL) <= 64
    made, rng = unsettled(), np.random.default_rng(0)
    ways = rng.normal(size=(6, len(made.controller.parameters)))
    exact = np.array([slope(made, way) for way in ways])
    estimates = []
    for _ in range(400):
        drawn = [made.sample(rng) for _ in range(5)]
        estimates.append(ways @ made.gradient(drawn, [prized(a) for a in drawn]))
    mean, error = np.mean(estimates, 0), np.std(estimates, 0, ddof=1) / np.sqrt(len(estimates))
    assert (np.abs(mean - exact) <= 3 * error).all()
    assert (np.abs(exact) > 3 * error).any()  # else nothing would be told apart from zero


def test_the_best_becomes_the_most_probable() -> None:
    made, rng = policy(entropy=1e-4), np.random.default_rng(0)
    best = max(ALL, key=prized)
    assert made.log_probability(best) < np.log(0.2)
    for _ in range(100):
        drawn = [made.sample(rng) for _ in range(10)]
        made.learn(drawn, [prized(a) for a in drawn])
    (first, *_), probabilities = made.preferred(3, rng), made.probabilities(rng)
    assert prized(first) >= np.quantile([prized(a) for a in ALL], 0.9)
    assert made.log_probability(first) > np.log(0.5)
    for name, choice in SPACE.assignment(first).items():
        assert probabilities[name][str(choice)] == max(probabilities[name].values())


def test_it_begins_with_equal_probabilities() -> None:
    for options in policy().probabilities(np.random.default_rng(0)).values():
        assert sum(options.values()) == pytest.approx(1)
        assert all(p == pytest.approx(1 / len(options)) for p in options.values())


def test_what_it_prefers_is_different_and_in_the_order_of_probability() -> None:
    made = unsettled()
    found = made.preferred(5, np.random.default_rng(0))
    assert len({SPACE.canonical(a) for a in found}) == 5
    probabilities = [made.log_probability(a) for a in found]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len(made.preferred(1000, np.random.default_rng(0))) <= len(ALL)


def test_a_policy_that_goes_on_learns_the_same() -> None:
    rng = np.random.default_rng(2)
    made, again = unsettled(), policy()
    buffer = io.BytesIO()
    torch.save(made.state(), buffer)
    again.restore(torch.load(io.BytesIO(buffer.getvalue()), weights_only=True))
    drawn = [made.sample(rng) for _ in range(10)]
    for one in (made, again):
        one.learn(drawn, [prized(a) for a in drawn])
    assert np.array_equal(made.controller.parameters, again.controller.parameters)
    assert made.sample(np.random.default_rng(3)) == again.sample(np.random.default_rng(3))


def test_the_rate_follows_the_number_of_updates() -> None:
    assert rate_for(1) == HIGHEST_RATE
    assert rate_for(10**6) == PAPER_RATE
    assert HIGHEST_RATE > rate_for(50) > rate_for(500) > PAPER_RATE
