"""How EAS' policy learns: rewards and baselines in closed form, and REINFORCE against enumeration of a small space."""

import math
from itertools import pairwise, product

import numpy as np
import pytest

from archsmith.policy.moves import Move
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.settings import Range
from archsmith.spec import Objective
from archsmith.strategies.inheriting.growth import Growth
from archsmith.strategies.inheriting.growth_policy import Baselines, Learner, PolicyConfig, reward, rewarded_goal
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import ACCURACY, FULL
from archsmith.values import Proposal, Trial

SPACE = ChainConfig(
    layers=Range(min=1, max=2), operations=("conv", "sepconv"), filters=(8, 16), kernels=(3, 5), strides=(1,),
    dense_layers=Range(min=0, max=1), units=(8, 16),
).build()  # fmt: skip
START = SPACE.from_text("layers=1 op_1=conv filters_1=8 kernel_1=3 stride_1=1 dense=0")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def learner(rng):
    learner = Learner(Growth(SPACE), PolicyConfig(units=2, batch=3, entropy=0.0))
    learner.policy.move(rng.normal(size=learner.policy.parameters.shape))  # away from the uniform policy
    return learner


def ways_on(learner, architecture, deeper=0.5):
    """Return each step from an architecture with its probability: the actor is drawn, and then what it does."""
    growth = learner.growth
    prospect, odds = growth.prospect(architecture), learner.policy.odds(growth.prospect(architecture).situation)
    share = deeper if prospect.wider else 1.0
    found = [(p * share, a) for p, a in zip(odds.deeper, prospect.deeper.values(), strict=True)]
    for widened in product(*((False, True) if may else (False,) for may in prospect.situation.may_widen)):
        p = np.where(widened, odds.wider, 1 - odds.wider).prod() * (1 - share if prospect.deeper else 1.0)
        if p:
            found.append((p, growth.child(architecture, Move(widened=np.array(widened)))))
    return found


def episodes(learner, n_steps):
    """Return each episode: its probability and its networks, the start among them."""
    found = [(1.0, (START,))]
    for _ in range(n_steps):
        found = [(p * q, (*way, new)) for p, way in found for q, new in ways_on(learner, way[-1])]
    return found


def expected(learner, rewards, n_steps):
    """Return the expected sum of the rewards of an episode's networks."""
    return sum(p * sum(rewards[a] for a in way[1:]) for p, way in episodes(learner, n_steps))


def test_the_estimate_of_reinforce_averaged_over_all_episodes_is_the_exact_gradient_with_any_baseline(learner, rng):
    everything, rewards = episodes(learner, 3), {a: rng.normal() for a in SPACE.enumerate()}
    assert sum(p for p, _ in everything) == pytest.approx(1, abs=1e-12)
    assert len(everything) > 100
    directions = rng.normal(size=(4, len(learner.policy.parameters)))
    exact = []
    for direction in directions:
        learner.policy.move(1e-5 * direction)
        above = expected(learner, rewards, 3)
        learner.policy.move(-2e-5 * direction)
        exact.append((above - expected(learner, rewards, 3)) / 2e-5)
        learner.policy.move(1e-5 * direction)
    for baselines in ((0.0, 0.0, 0.0), (0.7, -1.3, 0.2)):
        networks = []
        for p, way in everything:
            steps = list(pairwise(way))
            networks += [(steps[: k + 1], p * (rewards[way[k + 1]] - baselines[k])) for k in range(3)]
        assert directions @ learner.gradient(networks) == pytest.approx(exact, abs=1e-6)
    assert np.abs(exact).max() > 0.01


def test_steps_are_drawn_with_the_probabilities_of_the_policy(learner, rng):
    likely = dict.fromkeys(SPACE.enumerate(), 0.0)
    for p, architecture in ways_on(learner, START, deeper=0.3):
        likely[architecture] += p
    n, counts = 4000, dict.fromkeys(likely, 0)
    for _ in range(n):
        counts[learner.growth.child(START, learner.draw(START, 0.3, rng))] += 1
    for architecture, p in likely.items():
        assert abs(counts[architecture] / n - p) <= 5 * math.sqrt(p * (1 - p) / n)


def test_what_led_to_the_better_of_two_networks_becomes_likelier(learner):
    good, bad = (a for _, a in ways_on(learner, START)[:2])
    before = {a: p for p, a in ways_on(learner, START)}
    for k in range(6):
        learner.add([(START, good if k % 2 else bad)], 2.0 if k % 2 else 1.0)
    after = {a: p for p, a in ways_on(learner, START)}
    assert learner.updates == 2
    assert after[good] / after[bad] > before[good] / before[bad]


def test_nothing_is_learnt_until_a_batch_is_complete_nor_from_networks_to_which_no_step_led(learner):
    before = learner.policy.parameters
    for k in range(8):
        learner.add([], float(k))
    for k in range(2):
        learner.add([(START, ways_on(learner, START)[k][1])], float(k))
    assert learner.policy.parameters is before
    learner.add([(START, ways_on(learner, START)[2][1])], 5.0)
    assert learner.updates == 1
    assert not np.array_equal(learner.policy.parameters, before)


def test_the_first_rewards_are_held_against_their_mean_and_later_ones_against_a_moving_average():
    baselines, rewards = Baselines(0.75), [3.0, 5.0, 1.0, 4.0, 8.0, 2.0]
    found = [baselines.advantage(r, 1) for r in rewards]
    mean, variance, expected = 3.0, 0.0, [0.0]
    for k, r in enumerate(rewards[1:], start=1):
        share = max(0.25, 1 / k)
        variance = (1 - share) * variance + share * (r - mean) ** 2
        expected.append((r - mean) / math.sqrt(variance))
        share = max(0.25, 1 / (k + 1))
        mean = (1 - share) * mean + share * r
    assert found == pytest.approx(expected)


def test_networks_after_more_steps_have_a_baseline_of_their_own():
    baselines = Baselines(0.9)
    for _ in range(20):
        assert baselines.advantage(1.0, 1) == 0
        assert baselines.advantage(7.0, 2) == 0
    assert baselines.advantage(2.0, 1) > 0 > baselines.advantage(2.0, 2)


def trial(status="complete", **metrics):
    proposal = Proposal(START, FULL)
    return Trial(proposal, status, metrics, error="OutOfMemoryError" if status == "failed" else None)


def test_the_reward_is_the_tangent_of_the_accuracy_and_grows_fastest_near_1():
    goal = ACCURACY[0]
    assert reward(trial(accuracy=0.5), goal, ACCURACY) == pytest.approx(1.0)
    assert reward(trial(accuracy=2 / 3), goal, ACCURACY) == pytest.approx(math.sqrt(3))
    assert reward(trial(accuracy=0.9), goal, ACCURACY) == pytest.approx(6.313751515)
    gains = [reward(trial(accuracy=a + 0.01), goal, ACCURACY) - reward(trial(accuracy=a), goal, ACCURACY) for a in (0.6, 0.9)]
    assert gains[1] > 10 * gains[0]
    assert reward(trial(accuracy=0.999), goal, ACCURACY) == reward(trial(accuracy=1.0), goal, ACCURACY) < 1000


def test_a_loss_is_rewarded_as_the_mean_probability_of_the_right_class():
    goal = Objective(metric="loss", goal="minimize")
    assert reward(trial(loss=math.log(2)), goal, [goal]) == pytest.approx(1.0)
    assert reward(trial(loss=0.0), goal, [goal]) == reward(trial(loss=1e-9), goal, [goal]) < 1000
    assert reward(trial(loss=50.0), goal, [goal]) == pytest.approx(0.0, abs=1e-9)


def test_what_failed_or_is_beyond_a_limit_has_no_reward():
    goal, limited = ACCURACY[0], (*ACCURACY, Objective(metric="n_params", limit=10))
    assert reward(trial("failed"), goal, ACCURACY) == 0
    assert reward(trial(accuracy=math.nan), goal, ACCURACY) == 0
    assert reward(trial(accuracy=0.9, n_params=11.0), goal, limited) == 0
    assert reward(trial(accuracy=0.9, n_params=9.0), goal, limited) > 6


@pytest.mark.parametrize(("metric", "goal"), [("n_params", "minimize"), ("accuracy", "minimize"), ("latency_s", "minimize")])
def test_a_goal_without_a_reward_is_refused(metric, goal):
    problem = Problem(SPACE, (Objective(metric=metric, goal=goal),), FULL, budget=10)
    with pytest.raises(ValueError, match=f"The first goal is to {goal} '{metric}', but `eas` has a reward only for"):
        rewarded_goal(problem)
