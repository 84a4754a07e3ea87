"""The policy over questions about trees, against torch's autograd, one tree at a time, and central differences."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from archsmith.policy.tree_lstm import TreeLSTM, Trees
from archsmith.policy.tree_policy import Questions, TreePolicy

N_EDGES, N_KINDS, DEPTH, BRANCHES, UNITS = 4, 3, 2, 2, 3
N_ANSWERS = (2, 4, 3)
PLACES = 1 + 2 + 4
CHILDREN = {0: (1, 2), 1: (3, 4), 2: (5, 6)}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def policy(rng):
    lstm = TreeLSTM(N_EDGES, N_KINDS, DEPTH, BRANCHES, UNITS)
    policy = TreePolicy(lstm, N_ANSWERS, rng)
    policy.move(0.5 * rng.normal(size=policy.parameters.shape))  # away from the uniform policy
    return policy


@pytest.fixture
def questions(rng):
    there = np.array([[1, 1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 0, 0, 0]], bool)
    kinds = np.where(there, rng.integers(N_KINDS, size=there.shape), -1)
    rows, places = np.array([0, 1, 2, 3, 1, 1]), np.array([1, 5, 0, 3, 5, 6])
    return Questions(Trees(rng.integers(N_EDGES, size=there.shape), kinds), rows, places, np.array([0, 1, 2, 1, 0, 2]))


class TorchPolicy:
    """The same network as the papers write it, place by place; its parameters are those of `policy`."""

    def __init__(self, policy):
        self.flat = torch.tensor(policy.parameters, requires_grad=True)
        n, tokens, most = UNITS, N_EDGES + N_KINDS, max(N_ANSWERS)
        shapes = [(tokens, 4 * n), (n, 3 * n), (n, n), (tokens, 4 * n), (2 * n, 4 * n), (3, 2 * n, most), (3, most)]
        parts = torch.split(self.flat, [int(np.prod(shape)) for shape in shapes])
        self.parts = [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]

    def up(self, edges, kinds, place):
        below = {c: self.up(edges, kinds, c) for c in CHILDREN.get(place, ()) if kinds[c] >= 0}
        self.ups.update({c: state for c, (state, _) in below.items()})
        table, recurrent, forgetting = self.parts[:3]
        x = table[edges[place]] + table[N_EDGES + kinds[place]]
        total = sum((h for h, _ in below.values()), torch.zeros(UNITS, dtype=torch.float64))
        i, o, u = (x[: 3 * UNITS] + total @ recurrent).split(UNITS)
        cell = torch.sigmoid(i) * torch.tanh(u)
        for h, c in below.values():
            cell = cell + torch.sigmoid(x[3 * UNITS :] + h @ forgetting) * c
        return torch.sigmoid(o) * torch.tanh(cell), cell

    def down(self, edges, kinds, place):
        if place == 0:
            return torch.zeros(UNITS, dtype=torch.float64), torch.zeros(UNITS, dtype=torch.float64)
        parent = next(p for p, children in CHILDREN.items() if place in children)
        hidden, cell = self.down(edges, kinds, parent)
        table, recurrent = self.parts[3:5]
        z = table[edges[place]] + table[N_EDGES + kinds[parent]] + torch.cat([hidden, self.ups[parent]]) @ recurrent
        i, o, u, f = z.split(UNITS)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(u)
        return torch.sigmoid(o) * torch.tanh(cell), cell

    def log_policy(self, questions, k):
        row = questions.rows[k]
        edges, kinds = questions.trees.edges[row].tolist(), questions.trees.kinds[row].tolist()
        place, kind = int(questions.places[k]), int(questions.kinds[k])
        self.ups = {}
        self.ups[0] = self.up(edges, kinds, 0)[0]
        state = torch.cat([self.ups[place], self.down(edges, kinds, place)[0]])
        logits = (state @ self.parts[5][kind] + self.parts[6][kind])[: N_ANSWERS[kind]]
        return torch.log_softmax(logits, 0)


def test_the_policy_and_the_gradient_are_those_of_torch(policy, questions, rng):
    model, answers, weights = TorchPolicy(policy), policy.answer(questions), rng.normal(size=6)
    given = np.array([1, 3, 0, 2, 0, 1])
    logs = [model.log_policy(questions, k) for k in range(6)]
    for k, expected in enumerate(logs):
        assert answers.log_policy[k, : len(expected)] == pytest.approx(expected.tolist(), abs=1e-10)
    goal = sum(w * log[a] for w, log, a in zip(weights, logs, given, strict=True))
    goal = goal - 0.3 * sum((log.exp() * log).sum() for log in logs)
    goal.backward()
    assert policy.gradient(answers, given, weights, 0.3) == pytest.approx(model.flat.grad.numpy(), abs=1e-10)


def test_the_gradient_is_that_of_central_differences(policy, questions, rng):
    given, weights = np.array([0, 2, 1, 1, 0, 2]), rng.normal(size=6)

    def value(nudge):
        policy.move(nudge)
        answers = policy.answer(questions)
        policy.move(-nudge)
        return weights @ answers.log_policy[np.arange(6), given] + 0.1 * answers.entropies.sum()

    gradient, steps = policy.gradient(policy.answer(questions), given, weights, 0.1), 1e-5 * np.eye(len(policy.parameters))
    differences = [(value(step) - value(-step)) / 2e-5 for step in steps]
    assert gradient == pytest.approx(differences, abs=1e-7)


def test_the_expected_gradient_of_the_log_probability_is_zero(policy, questions):
    answers = policy.answer(questions)
    total, alone = np.zeros_like(policy.parameters), np.zeros(6)
    for k in range(6):
        for answer in range(N_ANSWERS[questions.kinds[k]]):
            weights, given = alone.copy(), np.zeros(6, int)
            weights[k], given[k] = np.exp(answers.log_policy[k, answer]), answer
            total += policy.gradient(answers, given, weights)
    assert total == pytest.approx(0, abs=1e-12)


def test_the_first_policy_is_uniform_and_no_head_gives_an_answer_it_does_not_have(questions):
    first = TreePolicy(TreeLSTM(N_EDGES, N_KINDS, DEPTH, BRANCHES, UNITS), N_ANSWERS, np.random.default_rng(0))
    policy = np.exp(first.answer(questions).log_policy)
    for row, kind in zip(policy, questions.kinds, strict=True):
        n = N_ANSWERS[kind]
        assert row.tolist() == pytest.approx([1 / n] * n + [0.0] * (4 - n))


def test_single_questions_have_the_answers_of_whole_batches(policy, questions):
    states, expected = policy.states(questions.trees), np.exp(policy.answer(questions).log_policy)
    for k, (row, place, kind) in enumerate(zip(questions.rows, questions.places, questions.kinds, strict=True)):
        assert policy.policy(states[row, place], kind) == pytest.approx(expected[k, : N_ANSWERS[kind]].tolist(), rel=1e-12)


def test_places_that_a_tree_does_not_have_count_for_nothing(policy, questions):
    trees = questions.trees
    other = replace(questions, trees=Trees(np.where(trees.kinds < 0, 0, trees.edges), trees.kinds))
    assert np.array_equal(policy.answer(other).log_policy, policy.answer(questions).log_policy)
