"""The controller, against torch's LSTM and its autograd, exact enumeration, and differences."""

import numpy as np
import pytest
import torch
from torch import nn

from archsmith.policy.controller import SKIPPED, Controller
from archsmith.spaces.decisions import Decision
from archsmith.testing.spaces import PlainSpace

SPACE = PlainSpace(
    "tiny",
    [
        Decision("a", (1, 2, 3)),
        Decision("b", ("x", "y"), {"a": (1, 3)}),
        Decision("only", (0,)),
        Decision("c", (True, False), {"b": ("x",)}),
        Decision("d", (1, 2, 3, 4)),
    ],
)
ALL = list(SPACE.enumerate())
UNITS = 5


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def controller(rng):
    controller = Controller(SPACE.decisions, UNITS, rng)
    controller.move(rng.normal(size=controller.parameters.shape))  # away from the uniform policy
    return controller


@pytest.fixture
def choices(controller):
    return np.array([controller.encode(a) for a in ALL])


def probabilities(controller, choices):
    return np.exp(controller.unroll(choices).log_probs.sum(0))


def differences(value, controller, step=1e-6):
    """Return the gradient of `value()` by central differences, one parameter after the other."""
    found = np.zeros_like(controller.parameters)
    for k in range(len(found)):
        nudge = np.zeros_like(found)
        nudge[k] = step
        controller.move(nudge)
        above = value()
        controller.move(-2 * nudge)
        found[k] = (above - value()) / (2 * step)
        controller.move(nudge)
    return found


def test_choices_are_encoded_by_their_places_and_inactive_ones_are_skipped(controller):
    assert controller.encode(SPACE.architecture({"a": 3, "b": "y", "only": 0, "d": 4})) == [2, 1, 0, SKIPPED, 3]


def test_the_probabilities_of_all_architectures_of_a_conditional_space_sum_to_1(controller, choices):
    assert probabilities(controller, choices).sum() == pytest.approx(1, abs=1e-12)
    assert np.ptp(probabilities(controller, choices)) > 0.01


def test_the_first_policy_is_uniform_at_each_decision(choices):
    first = Controller(SPACE.decisions, UNITS, np.random.default_rng(0))
    n_choices = np.array([len(d.choices) for d in SPACE.decisions])
    expected = [1 / np.prod(n_choices[row != SKIPPED]) for row in choices]
    assert probabilities(first, choices) == pytest.approx(expected, rel=1e-12)


def test_deciding_step_by_step_has_the_probabilities_of_whole_batches(controller, choices):
    for row, expected in zip(choices, controller.unroll(choices).log_policy.transpose(1, 0, 2), strict=True):
        state = controller.start()
        for k, choice in enumerate(row):
            if choice != SKIPPED:
                policy = controller.policy(state, k)
                assert len(policy) == len(SPACE.decisions[k].choices)
                assert policy == pytest.approx(np.exp(expected[k][: len(policy)]), rel=1e-12)
                state = controller.after(state, k, choice)


class TorchController:
    """The same network from torch's LSTM cell, one architecture at a time; its parameters are those of `controller`."""

    def __init__(self, controller):
        steps, most, n = len(SPACE.decisions), 4, UNITS
        self.flat = torch.tensor(controller.parameters, requires_grad=True)
        inputs, recurrent, heads, biases = torch.split(
            self.flat, [(steps * most + 1) * 4 * n, 4 * n * n, steps * n * most, steps * most]
        )
        # Torch's gates are input, forget, candidate, output; here the candidate is the last.
        order = torch.cat([torch.arange(2 * n), torch.arange(3 * n, 4 * n), torch.arange(2 * n, 3 * n)])
        self.inputs, self.recurrent = inputs.view(-1, 4 * n)[:, order], recurrent.view(n, 4 * n)[:, order]
        self.heads, self.biases, self.most = heads.view(steps, n, most), biases.view(steps, most), most
        self.cell = nn.LSTMCell(len(self.inputs), n, bias=False, dtype=torch.float64)

    def log_prob(self, row):
        weights = {"weight_ih": self.inputs.T, "weight_hh": self.recurrent.T}
        state, word, total = None, len(self.inputs) - 1, torch.zeros((), dtype=torch.float64)
        for k, choice in enumerate(row):
            if choice != SKIPPED:
                x = nn.functional.one_hot(torch.tensor([word]), len(self.inputs)).double()
                state = torch.func.functional_call(self.cell, weights, (x, state))
                logits = (state[0][0] @ self.heads[k] + self.biases[k])[: len(SPACE.decisions[k].choices)]
                total = total + torch.log_softmax(logits, 0)[choice]
                word = k * self.most + int(choice)
        return total


def test_log_probabilities_and_their_gradients_are_those_of_torch(controller, choices, rng):
    model, weights = TorchController(controller), rng.normal(size=len(ALL))
    expected = torch.stack([model.log_prob(row) for row in choices])
    (expected @ torch.tensor(weights)).backward()
    way = controller.unroll(choices)
    assert way.log_probs.sum(0) == pytest.approx(expected.detach().numpy(), rel=1e-10)
    np.testing.assert_allclose(controller.gradient(way, weights), model.flat.grad.numpy(), rtol=1e-9, atol=1e-11)


def test_the_gradient_of_the_expected_reward_is_that_of_exact_enumeration(controller, choices, rng):
    rewards = rng.normal(size=len(ALL))
    exact = controller.gradient(controller.unroll(choices), probabilities(controller, choices) * rewards)
    expected = differences(lambda: probabilities(controller, choices) @ rewards, controller)
    np.testing.assert_allclose(exact, expected, atol=1e-8)
    assert np.abs(exact).max() > 0.01


def test_the_estimate_of_reinforce_comes_to_the_exact_gradient_with_and_without_a_baseline(controller, choices, rng):
    n, rewards, p = 20_000, rng.normal(size=len(ALL)), probabilities(controller, choices)
    exact = controller.gradient(controller.unroll(choices), p * rewards)
    single = np.array([controller.gradient(controller.unroll(choices[[k]]), np.ones(1)) for k in range(len(ALL))])
    for baseline in (0.0, 0.7):
        counts = rng.multinomial(n, p / p.sum())
        estimate = controller.gradient(controller.unroll(choices), counts * (rewards - baseline)) / n
        each = single * (rewards - baseline)[:, None]
        deviation = np.sqrt(np.maximum(p @ each**2 - exact**2, 0) / n)
        random = deviation > 1e-12
        assert random.sum() > 100
        z = (estimate - exact)[random] / deviation[random]
        assert np.abs(z).max() < 5
        assert np.mean(z**2) < 2  # 1 on average; the parameters' errors are not independent


def test_the_gradient_of_the_entropy_is_that_of_differences(controller, choices):
    def entropy():
        total = 0.0
        for k, row in enumerate(np.exp(controller.unroll(choices).log_policy)):
            taken = choices[:, k] != SKIPPED
            p = row[taken][:, : len(SPACE.decisions[k].choices)]
            total -= (p * np.log(p)).sum()
        return total

    way = controller.unroll(choices)
    assert way.entropies.sum() == pytest.approx(entropy(), rel=1e-12)
    gradient = controller.gradient(way, np.zeros(len(ALL)), 1.0)
    np.testing.assert_allclose(gradient, differences(entropy, controller), atol=1e-7)


def test_each_decision_of_each_architecture_has_its_own_weight(controller, choices, rng):
    weights = rng.normal(size=choices.T.shape)
    gradient = controller.gradient(controller.unroll(choices), weights)
    expected = differences(lambda: (weights * controller.unroll(choices).log_probs).sum(), controller)
    np.testing.assert_allclose(gradient, expected, atol=1e-7)
