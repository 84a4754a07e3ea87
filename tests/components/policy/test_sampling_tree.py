"""Drawing from a controller, against its probabilities."""

import numpy as np
from scipy import stats

from archsmith.policy.controller import Controller
from archsmith.policy.sampling_tree import MOST_NODES, SamplingTree
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.decisions import Decision
from archsmith.testing.spaces import PlainSpace, assert_canonical
from archsmith.testing.strategies import small_space

CHAIN = ChainConfig().build()


def controller_of(space, seed=0):
    """Return a controller that is far from uniform."""
    rng = np.random.default_rng(seed)
    controller = Controller(space.decisions, 6, rng)
    controller.move(rng.normal(size=controller.parameters.shape) * 0.5)
    return controller


def test_architectures_are_drawn_with_their_probabilities():
    space, n = small_space(), 20_000
    controller, everything = controller_of(space), list(space.enumerate())
    tree, rng = SamplingTree(space, controller), np.random.default_rng(1)
    drawn = [tree.draw(rng) for _ in range(n)]
    p = np.exp(controller.unroll(np.array([controller.encode(a) for a in everything])).log_probs.sum(0))
    common = p * n > 5
    found = np.array([drawn.count(a) for a in everything])
    assert set(drawn) <= set(everything)
    observed, expected = np.append(found[common], found[~common].sum()), n * np.append(p[common], p[~common].sum())
    assert stats.chisquare(observed[expected > 0], expected[expected > 0]).pvalue > 1e-3


def test_what_is_drawn_lies_in_a_conditional_space_and_does_not_depend_on_what_is_remembered():
    controller = controller_of(CHAIN)
    warm = SamplingTree(CHAIN, controller)
    for _ in range(300):
        warm.draw(np.random.default_rng(7))
        seed = np.random.default_rng(8).integers(100)
        fresh = SamplingTree(CHAIN, controller).draw(np.random.default_rng(seed))
        assert_canonical(CHAIN, fresh)
        assert warm.draw(np.random.default_rng(seed)) == fresh


def test_so_much_is_drawn_that_the_tree_forgets_and_still_draws_the_same():
    space = PlainSpace("large", [Decision(f"d{k}", tuple(range(20))) for k in range(60)])
    controller = controller_of(space)
    tree, rng = SamplingTree(space, controller), np.random.default_rng(0)
    drawn = [tree.draw(rng) for _ in range(2 * MOST_NODES // 60)]
    assert len(set(drawn)) > MOST_NODES / 60
    rng = np.random.default_rng(0)
    assert [SamplingTree(space, controller).draw(rng) for _ in range(5)] == drawn[:5]
    assert tree.draw(np.random.default_rng(9)) == SamplingTree(space, controller).draw(np.random.default_rng(9))


def test_once_the_controller_has_changed_and_the_tree_forgotten_the_new_policy_is_drawn_from():
    space = PlainSpace("two", [Decision("a", (1, 2)), Decision("b", (1, 2))])
    controller = controller_of(space)
    tree, rng = SamplingTree(space, controller), np.random.default_rng(0)
    certain = np.zeros_like(controller.parameters)
    certain[-4:] = [1e3, 0, 0, 1e3]  # the biases of both heads are the last
    controller.move(certain)
    tree.forget()
    assert {tree.draw(rng).choices for _ in range(50)} == {(1, 2)}
