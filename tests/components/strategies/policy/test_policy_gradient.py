"""What REINFORCE and PPO share: rewards by rank, the baseline, the first update against closed forms; and that they learn."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from archsmith.policy.controller import SKIPPED
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.plain.random import RandomConfig
from archsmith.strategies.policy.policy_gradient import Learner, PolicyGradientConfig
from archsmith.strategies.policy.ppo import PPOConfig
from archsmith.strategies.policy.reinforce import ReinforceConfig
from archsmith.strategies.ranking import FAILED
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import ACCURACY, FULL, measured_by, one_max, search
from archsmith.values import Fidelity, History, Proposal, Trial

SPACE = PlainSpace("six", [Decision(f"d{k}", tuple(range(5))) for k in range(6)])
CHAIN = ChainConfig().build()
LARGE = PlainSpace("large", [Decision(f"d{k}", tuple(range(20))) for k in range(60)])
PROBLEM = Problem(SPACE, ACCURACY, FULL, budget=100)
BOTH = pytest.mark.parametrize("config", [ReinforceConfig, PPOConfig], ids=["reinforce", "ppo"])


def learner(space=SPACE, **settings):
    return Learner(space, PolicyGradientConfig(**settings), 1, lambda ratios, advantages: advantages)


def policies(learner, architectures):
    """Return the probability of each architecture."""
    choices = np.array([learner.controller.encode(a) for a in architectures])
    return np.exp(learner.controller.unroll(choices).log_probs.sum(0))


def test_the_first_update_moves_a_choice_s_bias_by_its_share_of_the_advantages():
    subject, rng = learner(CHAIN, batch=7, learning_rate=0.3), np.random.default_rng(0)
    architectures = [CHAIN.sample(rng) for _ in range(7)]
    before = subject.controller.parameters
    for k, architecture in enumerate(architectures):
        subject.add(architecture, (0, float(k)))
    # From a uniform policy: the slope of log-softmax is 1[chosen] - 1/M, and that of the entropy is 0.
    rewards = -np.log((np.arange(7) + 0.5) / 7) - 1
    steps, most = len(CHAIN.decisions), max(len(d.choices) for d in CHAIN.decisions)
    expected = np.zeros((steps, most))
    for architecture, r in zip(architectures, rewards, strict=True):
        for k, choice in enumerate(subject.controller.encode(architecture)):
            m = len(CHAIN.decisions[k].choices)
            if choice != SKIPPED:
                expected[k, :m] += 0.3 / 7 * r * ((np.arange(m) == choice) - 1 / m)
    moved = subject.controller.parameters - before
    np.testing.assert_allclose(moved[-steps * most :], expected.ravel(), atol=1e-12)
    assert subject.updates == 1


def test_a_trial_that_is_no_better_than_the_baseline_changes_nothing():
    # All trials are alike, so each reward is log 2 - 1, which the baseline comes to at its rate.
    subject, rng, decay = learner(batch=4, baseline_decay=0.25, entropy=0.0), np.random.default_rng(0), 0.25
    sizes = []
    for _ in range(6):
        before = subject.controller.parameters
        architecture = SPACE.sample(rng)
        for _ in range(4):
            subject.add(architecture, FAILED)
        sizes.append(np.linalg.norm(subject.controller.parameters - before))
    assert sizes[-1] < 2 * decay**5 * sizes[0]


def test_nothing_is_learnt_until_a_batch_is_complete():
    subject, rng = learner(batch=3), np.random.default_rng(0)
    before = subject.controller.parameters
    for _ in range(2):
        subject.add(SPACE.sample(rng), (0, 0.5))
    assert subject.controller.parameters is before
    subject.add(SPACE.sample(rng), (0, 0.1))
    assert not np.array_equal(subject.controller.parameters, before)


def test_what_was_chosen_by_the_best_becomes_likelier_and_by_the_worst_less_likely():
    subject, rng = learner(batch=10), np.random.default_rng(0)
    architectures = [SPACE.sample(rng) for _ in range(10)]
    before = policies(subject, architectures)
    for k, architecture in enumerate(architectures):
        subject.add(architecture, (0, float(k)))
    ratios = policies(subject, architectures) / before
    assert ratios[0] > 2
    assert ratios[-1] < 1


def test_a_larger_weight_of_the_entropy_keeps_the_policy_nearer_to_the_uniform_one():
    def entropy(weight):
        subject, rng = learner(entropy=weight), np.random.default_rng(0)
        for _ in range(200):
            architecture = subject.tree.draw(rng)
            subject.add(architecture, (0, -one_max(SPACE, architecture)))
        return subject.controller.unroll(np.array([[4] * 6])).entropies.mean()

    assert entropy(0.0) < entropy(0.1) < entropy(1.0) <= math.log(5)


def reasons(trials):
    strategy = ReinforceConfig(batch=5).build(PROBLEM)
    return {p.reason for p in strategy.ask(History(tuple(trials)), 3, np.random.default_rng(0))}


def trials(n, fidelity=FULL, accuracy=0.5, seed=0):
    rng = np.random.default_rng(seed)
    proposals = [Proposal(SPACE.sample(rng), fidelity, number=seed * n + k) for k in range(n)]
    return [Trial(p, "complete", {"accuracy": accuracy}) for p in proposals]


def test_the_reason_tells_how_much_was_learnt_and_only_from_trials_at_the_fidelity():
    assert reasons(trials(14)) == {"drawn from the policy after 2 updates"}
    assert reasons(trials(14) + trials(14, Fidelity(epochs=1), seed=1)) == {"drawn from the policy after 2 updates"}


def test_accuracies_of_any_scale_teach_the_same():
    def asked(scale, shift):
        strategy = ReinforceConfig().build(PROBLEM)
        history = search(strategy, measured_by(lambda a: one_max(SPACE, a) * scale + shift), rounds=range(40), size=1)
        return [t.proposal.architecture for t in history]

    assert asked(1, 0) == asked(1e-6, 0.9) == asked(1e9, -3e9)


def test_the_policy_learns_to_keep_a_limit_beyond_which_accuracies_are_higher():
    limited = replace(PROBLEM, objectives=(*ACCURACY, Objective(metric="n_params", limit=50)))

    def measure(proposal):
        n_large = sum(c == 4 for c in proposal.architecture.choices)
        return Trial(proposal, "complete", {"accuracy": 0.1 + 0.1 * n_large, "n_params": 40.0 * n_large})

    history = search(ReinforceConfig().build(limited), measure, rounds=range(60), size=3)
    keeps = [t.metrics["n_params"] <= 50 for t in history]
    assert np.mean(keeps[-60:]) > np.mean(keeps[:60]) + 0.1


def last_accuracies(config, space, seeds=3, budget=80, last=20):
    """Return the accuracies of the last trials of several searches."""
    strategy, measure = config.build(Problem(space, ACCURACY, FULL, budget=budget)), measured_by(lambda a: one_max(space, a))
    histories = [search(strategy, measure, rounds=range(budget // 5), size=5, seed=seed) for seed in range(seeds)]
    return [t.metrics["accuracy"] for h in histories for t in h.trials[-last:]]


@BOTH
@pytest.mark.parametrize("space", [CHAIN, LARGE], ids=["chain", "60 decisions of 20 choices"])
def test_the_policy_learns_to_propose_better_architectures_than_random_ones(config, space):
    learnt, random = last_accuracies(config(), space), last_accuracies(RandomConfig(), space)
    assert stats.mannwhitneyu(learnt, random, alternative="greater").pvalue < 1e-6


@BOTH
def test_a_learning_rate_that_is_far_too_high_gives_a_poor_policy_but_no_numbers_that_are_none(config):
    strategy = config(learning_rate=1e3).build(Problem(CHAIN, ACCURACY, FULL, budget=100))
    history = search(strategy, measured_by(lambda a: one_max(CHAIN, a)), rounds=range(20), size=4)
    assert len(history) == 80
    assert sum(t.proposal.reason.startswith("drawn from") for t in history) > 10


@pytest.mark.parametrize(("config", "name"), [(ReinforceConfig, "reinforce"), (PPOConfig, "ppo")])
def test_without_a_goal_there_is_no_reward(config, name):
    with pytest.raises(ValueError, match=f"No objective has a `goal`, but {name} needs one"):
        config().build(Problem(CHAIN, (Objective(metric="n_params", limit=1000),), FULL, budget=10))


@pytest.mark.parametrize(
    "settings", [{"units": 0}, {"batch": 0}, {"learning_rate": 0.0}, {"entropy": -0.1}, {"baseline_decay": 1.0}]
)
def test_settings_out_of_their_range_are_refused(settings):
    with pytest.raises(ValidationError, match=next(iter(settings))):
        ReinforceConfig(**settings)


def test_a_long_history_of_a_large_space_is_learnt_in_a_few_milliseconds_a_trial():
    rng = np.random.default_rng(0)
    history = [Trial(Proposal(LARGE.sample(rng), FULL, number=k), "complete", {"accuracy": rng.random()}) for k in range(250)]
    strategy = ReinforceConfig().build(replace(PROBLEM, space=LARGE))
    started = time.thread_time()
    assert len(strategy.ask(History(tuple(history)), 8, rng)) == 8
    assert time.thread_time() - started < 250 * 0.04  # 5 ms a trial on a machine that does nothing else
