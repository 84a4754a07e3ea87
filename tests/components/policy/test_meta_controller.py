"""The meta-controller, against torch's LSTMs and autograd, differences, and enumeration."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from archsmith.policy.controller import SKIPPED
from archsmith.policy.meta_controller import MetaController
from archsmith.policy.moves import Move, Situation

UNITS, FEATURES, CHOICES = 3, 6, (4, 2, 3)
ADDITIONS = np.array([[0, 0, 0], [0, 0, 1], [1, 1, 2], [1, 1, 0], [3, SKIPPED, SKIPPED], [2, 0, 2]])


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def policy(rng):
    policy = MetaController(FEATURES, CHOICES, UNITS, rng)
    policy.move(rng.normal(size=policy.parameters.shape) * 0.7)  # away from the uniform policy
    return policy


@pytest.fixture
def situations(rng):
    lengths = (2, 4, 3)
    return [Situation(rng.normal(size=(n, FEATURES)), np.arange(n) != 1, ADDITIONS[: n + 2]) for n in lengths]


def all_moves(situation):
    """Return what either actor can do."""
    subsets = itertools.product(*((False, True) if may else (False,) for may in situation.may_widen))
    return [Move(widened=np.array(w)) for w in subsets], [Move(added=row) for row in situation.additions]


def batch(situations):
    pairs = [(s, move) for s in situations for moves in all_moves(s) for move in moves]
    return tuple(zip(*pairs, strict=True))


def differences(value, policy, step=1e-6):
    """Return the gradient of `value()` by central differences, one parameter after the other."""
    found = np.zeros_like(policy.parameters)
    for k in range(len(found)):
        nudge = np.zeros_like(found)
        nudge[k] = step
        policy.move(nudge)
        above = value()
        policy.move(-2 * nudge)
        found[k] = (above - value()) / (2 * step)
        policy.move(nudge)
    return found


def test_the_probabilities_of_all_that_an_actor_can_do_sum_to_1(policy, situations):
    for situation in situations:
        for moves in all_moves(situation):
            p = np.exp(policy.play([situation] * len(moves), moves).log_probs)
            assert p.sum() == pytest.approx(1, abs=1e-12)
            assert np.ptp(p) > 0.01


def test_the_odds_of_a_situation_are_the_probabilities_of_its_moves(policy, situations):
    for situation in situations:
        odds, (wider, deeper) = policy.odds(situation), all_moves(situation)
        found = np.exp(policy.play([situation] * len(deeper), deeper).log_probs)
        assert odds.deeper == pytest.approx(found, rel=1e-12)
        each = [np.where(m.widened, odds.wider, 1 - odds.wider).prod() for m in wider]
        assert each == pytest.approx(np.exp(policy.play([situation] * len(wider), wider).log_probs), rel=1e-12)
        assert odds.wider[1] == 0


def test_the_first_policy_widens_each_layer_with_even_odds_and_decides_uniformly(situations, rng):
    odds = MetaController(FEATURES, CHOICES, UNITS, rng).odds(situations[1])
    assert odds.wider.tolist() == [0.5, 0, 0.5, 0.5]
    # Four places first, and of these 0 and 1 leave one choice, and then two.
    assert odds.deeper == pytest.approx([1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 4, 1 / 4])


def test_layers_that_can_not_be_widened_and_networks_that_can_not_deepen_are_no_trouble(policy, rng):
    situation = Situation(rng.normal(size=(2, FEATURES)), np.zeros(2, bool), np.zeros((0, 3), int))
    odds = policy.odds(situation)
    assert (odds.wider.tolist(), odds.deeper.tolist()) == ([0, 0], [])


def test_the_gradient_of_probabilities_and_entropies_is_that_of_differences(policy, situations, rng):
    seen, moves = batch(situations)
    weights = rng.normal(size=len(moves))

    def value():
        played = policy.play(seen, moves)
        return weights @ played.log_probs + 0.3 * played.entropies.sum()

    gradient = policy.gradient(policy.play(seen, moves), weights, 0.3)
    np.testing.assert_allclose(gradient, differences(value, policy), atol=1e-7)
    assert np.abs(gradient).min() == 0  # a step's choices that no addition has
    assert np.abs(gradient).max() > 1


def test_entropies_are_the_sums_over_what_was_decided(policy, situations):
    situation = situations[1]
    wider, deeper = all_moves(situation)
    p = policy.odds(situation).wider[situation.may_widen]
    expected = -(p * np.log(p) + (1 - p) * np.log(1 - p)).sum()
    assert policy.play([situation], wider[:1]).entropies == pytest.approx([expected])
    odds = policy.odds(situation).deeper
    places = np.array([odds[:2].sum(), odds[2:4].sum(), odds[4], odds[5]])
    first = odds[:2] / odds[:2].sum()
    expected = -(places * np.log(places)).sum() - (first * np.log(first)).sum()
    assert policy.play([situation], deeper[:1]).entropies == pytest.approx([expected])


class TorchPolicy:
    """The same policy from torch's LSTMs, one move at a time; its parameters are those of `policy`."""

    def __init__(self, policy):
        self.flat, n = torch.tensor(policy.parameters, requires_grad=True), UNITS
        sizes = [FEATURES * 4 * n, 4 * n * n, FEATURES * 4 * n, 4 * n * n, 13 * 8 * n, 16 * n * n, 2 * n, 1, 3 * 2 * n * 4, 3 * 4]
        parts = torch.split(self.flat, sizes)
        self.forward, self.backward = (cell(*parts[k : k + 2], FEATURES, n) for k in (0, 2))
        self.deeper = cell(*parts[4:6], 13, 2 * n)
        self.wider, self.bias = parts[6], parts[7]
        self.heads, self.biases = parts[8].view(3, 2 * n, 4), parts[9].view(3, 4)

    def log_prob(self, situation, move):
        tokens = torch.tensor(situation.tokens)
        ahead, back = (walk(c, t) for c, t in ((self.forward, tokens), (self.backward, tokens.flip(0))))
        if move.widened is not None:
            hidden = torch.stack([torch.cat([a[0][0], b[0][0]]) for a, b in zip(ahead, back[::-1], strict=True)])
            odds = torch.distributions.Bernoulli(logits=hidden @ self.wider + self.bias)
            return odds.log_prob(torch.tensor(move.widened).double())[torch.tensor(situation.may_widen)].sum()
        state, word = tuple(torch.cat([ahead[-1][k], back[-1][k]], 1) for k in (0, 1)), 12
        left, total = situation.additions, 0
        for step, choice in enumerate(move.added):
            if choice != SKIPPED:
                state = self.deeper(nn.functional.one_hot(torch.tensor([word]), 13).double(), state)
                logits, offered = state[0][0] @ self.heads[step] + self.biases[step], sorted(set(left[:, step]))
                total = total + torch.log_softmax(logits[offered], 0)[offered.index(choice)]
                left, word = left[left[:, step] == choice], step * 4 + int(choice)
        return total


def cell(inputs, recurrent, n_in, n):
    """Return torch's LSTM cell with these weights: its gates are input, forget, candidate, output; here the candidate is last."""
    order = torch.cat([torch.arange(2 * n), torch.arange(3 * n, 4 * n), torch.arange(2 * n, 3 * n)])
    weights = {"weight_ih": inputs.view(n_in, 4 * n)[:, order].T, "weight_hh": recurrent.view(n, 4 * n)[:, order].T}
    module = nn.LSTMCell(n_in, n, bias=False, dtype=torch.float64)
    return lambda x, state: torch.func.functional_call(module, weights, (x, state))


def walk(step, tokens):
    states = []
    for token in tokens:
        states.append(step(token[None], states[-1] if states else None))
    return states


def test_log_probabilities_and_their_gradients_are_those_of_torch(policy, situations, rng):
    seen, moves = batch(situations)
    model, weights = TorchPolicy(policy), rng.normal(size=len(moves))
    expected = torch.stack([model.log_prob(s, m) for s, m in zip(seen, moves, strict=True)])
    (expected @ torch.tensor(weights)).backward()
    played = policy.play(seen, moves)
    assert played.log_probs == pytest.approx(expected.detach().numpy(), rel=1e-10)
    np.testing.assert_allclose(policy.gradient(played, weights), model.flat.grad.numpy(), rtol=1e-9, atol=1e-11)
