"""A policy over questions about trees: an LSTM reads the tree, and a head for each kind of question answers.

Reference: Cai, Yang, Zhang, Han, Yu 2018, Path-Level Network Transformation for Efficient Architecture Search
(arXiv:1806.02639), section 3.4 and figure 5; Williams 1992, Simple Statistical Gradient-Following Algorithms for
Connectionist Reinforcement Learning, for the gradient.

Where this deviates from the paper: a head is linear in the states of the place in question, without a hidden layer; and the
heads begin at zero, so that the first policy is the uniform one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from archsmith.policy.tree_lstm import Read, TreeLSTM, Trees


@dataclass(frozen=True, slots=True)
class Questions:
    """B questions, each about a place of a tree."""

    trees: Trees
    """The trees; several questions may be about one."""
    rows: np.ndarray
    """Which of the trees each is about: (B,)."""
    places: np.ndarray
    """The place that each is about: (B,)."""
    kinds: np.ndarray
    """The kind of each, which is the head that answers: (B,)."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the policy says to B questions."""

    questions: Questions
    """The questions."""
    read: Read
    """What the LSTM has made of the trees."""
    log_policy: np.ndarray
    """Logarithm of the probability of each answer: (B, most); that of one which a head does not have is far below."""

    @property
    def entropies(self) -> np.ndarray:
        """Entropy of each answer, in nat: (B,)."""
        return np.asarray(-(np.exp(self.log_policy) * self.log_policy).sum(1))


class TreePolicy:
    """The LSTM, its heads, their parameters and their gradients.

    Args:
        lstm: What reads the trees.
        n_answers: How many answers each kind of question has.
        rng: Draws the first parameters.
    """

    def __init__(self, lstm: TreeLSTM, n_answers: Sequence[int], rng: np.random.Generator) -> None:
        self._lstm, self._n_lstm, self._n_answers, most = lstm, len(lstm.shapes), tuple(n_answers), max(n_answers)
        units = lstm.shapes[1][0]
        self._shapes: tuple[tuple[int, ...], ...] = (*lstm.shapes, (len(n_answers), 2 * units, most), (len(n_answers), most))
        self._impossible = np.array([[k >= n for k in range(most)] for n in n_answers])
        sizes = [int(np.prod(shape)) for shape in self._shapes]
        self._cuts = np.cumsum(sizes)[:-1]
        self.parameters = np.zeros(sum(sizes))
        tables = (0, 3)
        for k, part in enumerate(self._parts(self.parameters)[: self._n_lstm]):
            part[:] = rng.normal(size=part.shape) / (1 if k in tables else np.sqrt(len(part)))
        self.move(np.zeros_like(self.parameters))

    def move(self, change: np.ndarray) -> None:
        """Add to the parameters."""
        self.parameters = self.parameters + change
        *self._of_lstm, self._heads, self._biases = self._parts(self.parameters)

    def _parts(self, flat: np.ndarray) -> list[np.ndarray]:
        """Return views of the parameters, or of their gradient: those of the LSTM, heads, biases."""
        return [part.reshape(shape) for part, shape in zip(np.split(flat, self._cuts), self._shapes, strict=True)]

    def states(self, trees: Trees) -> np.ndarray:
        """Return what the LSTM has made of each place of trees, to be asked about: (B, P, 2 units)."""
        return self._lstm.read(self._of_lstm, trees).states

    def policy(self, state: np.ndarray, kind: int) -> list[float]:
        """Return the probability of each answer to a question of this kind about a place of this state, (2 units,)."""
        n = self._n_answers[kind]
        logits = (state @ self._heads[kind, :, :n] + self._biases[kind, :n]).tolist()
        highest = max(logits)
        weights = [exp(z - highest) for z in logits]
        total = sum(weights)
        return [weight / total for weight in weights]

    def answer(self, questions: Questions) -> Answers:
        """Return the probabilities of all answers to each question."""
        read = self._lstm.read(self._of_lstm, questions.trees)
        states = read.states[questions.rows, questions.places]
        logits = (states[:, None] @ self._heads[questions.kinds])[:, 0] + self._biases[questions.kinds]
        logits = np.where(self._impossible[questions.kinds], -1e30, logits)
        logits -= logits.max(1, keepdims=True)
        return Answers(questions, read, logits - np.log(np.exp(logits).sum(1, keepdims=True)))

    def gradient(self, answers: Answers, given: np.ndarray, weights: np.ndarray, entropy: float = 0.0) -> np.ndarray:
        """Return the gradient of Σ weights · log-probabilities + `entropy` · Σ entropies, in the shape of `parameters`.

        Args:
            answers: Of the parameters as they are.
            given: The answer that was given to each question: (B,).
            weights: Of its log-probability: (B,).
            entropy: Weight of the entropies.
        """
        questions, policy = answers.questions, np.exp(answers.log_policy)
        chosen = given[:, None] == np.arange(policy.shape[1])
        surprise = np.where(policy > 0, answers.log_policy + answers.entropies[:, None], 0)
        wanted = (chosen - policy) * weights[:, None] - entropy * policy * surprise
        flat = np.zeros_like(self.parameters)
        *of_lstm, heads, biases = self._parts(flat)
        states = answers.read.states
        np.add.at(heads, questions.kinds, states[questions.rows, questions.places][:, :, None] * wanted[:, None])
        np.add.at(biases, questions.kinds, wanted)
        by_state = np.zeros_like(states)
        by_place = (self._heads[questions.kinds] @ wanted[:, :, None])[:, :, 0]
        np.add.at(by_state, (questions.rows, questions.places), by_place)
        for found, slope in zip(of_lstm, self._lstm.gradient(self._of_lstm, answers.read, by_state), strict=True):
            found[:] = slope
        return flat
