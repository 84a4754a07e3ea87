"""An LSTM that decides on an architecture, one decision after the other: the policy of `reinforce`, `ppo` and `enas`.

At each active decision it reads the choice before, and a softmax over what its output head makes of its state is the
probability of each choice. A decision that is not active is skipped: it neither moves the state nor counts.

Reference: Zoph, Le 2017, Neural Architecture Search with Reinforcement Learning (arXiv:1611.01578), section 3.1.

Where this deviates from the papers:
    - One layer of LSTM. The embedding of a choice and the matrix that takes it to the gates are one table, as their
      product is all that counts; its row for a choice is what that choice adds to the gates.
    - The heads begin at zero, so the first policy is the uniform one, and nothing is preferred by chance. The other weights
      begin large, not within 0.08 of zero, so that the state tells choices apart from the first update on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from operator import add

import numpy as np

from archsmith.policy.lstm import State, Way, halves, run, run_back
from archsmith.spaces.decisions import Decision
from archsmith.values import Architecture, Choice

SKIPPED = -1
"""In place of a choice where a decision is not active."""


@dataclass(frozen=True, slots=True)
class Unrolled:
    """The controller's way through a batch of B architectures of T decisions, each of up to M choices."""

    choices: np.ndarray
    """What was chosen, as an index: (B, T); `SKIPPED` where the decision is not active."""
    lstm: Way
    """That of its LSTM."""
    log_policy: np.ndarray
    """Logarithm of each choice's probability: (T, B, M)."""

    @property
    def chosen(self) -> np.ndarray:
        """1 for what was chosen, else 0: (T, B, M)."""
        return np.asarray(self.choices.T[:, :, None] == np.arange(self.log_policy.shape[2]), float)

    @property
    def log_probs(self) -> np.ndarray:
        """Logarithm of the probability of what was chosen: (T, B); 0 where it is not active. An architecture's is their sum."""
        return np.asarray(np.where(self.chosen, self.log_policy, 0).sum(2))

    @property
    def entropies(self) -> np.ndarray:
        """Entropy of each decision's policy, in nat: (T, B); 0 where it is not active."""
        return np.where(self.choices.T != SKIPPED, -(np.exp(self.log_policy) * self.log_policy).sum(2), 0)


class Controller:
    """The LSTM, its parameters and their gradients.

    Args:
        decisions: Those of the space.
        units: Size of its state, >= 1.
        rng: Draws the first parameters.
    """

    def __init__(self, decisions: Sequence[Decision], units: int, rng: np.random.Generator) -> None:
        steps, most = len(decisions), max(len(d.choices) for d in decisions)
        self._places: list[dict[Choice | None, int]] = [
            {None: SKIPPED, **{c: j for j, c in enumerate(d.choices)}} for d in decisions
        ]
        self._n_choices = [len(d.choices) for d in decisions]
        self._most = most
        self._units = units
        self._shapes = ((steps * most + 1, 4 * units), (units, 4 * units), (steps, units, most), (steps, 1, most))
        self._impossible = np.array([[[j >= len(d.choices) for j in range(most)]] for d in decisions])
        self._halves = halves(units)
        sizes = [int(np.prod(shape)) for shape in self._shapes]
        self._cuts = np.cumsum(sizes)[:-1]
        self.parameters = np.zeros(sum(sizes))
        inputs, recurrent, *_ = self._parts(self.parameters)
        inputs[:] = rng.normal(size=inputs.shape)
        recurrent[:] = rng.normal(size=recurrent.shape) / np.sqrt(units)
        self.move(0.0)

    def move(self, change: np.ndarray | float) -> None:
        """Add to the parameters."""
        self.assign(self.parameters + change)

    def assign(self, parameters: np.ndarray) -> None:
        """Take over parameters."""
        self.parameters = parameters
        inputs, recurrent, self._heads, self._biases = self._parts(self.parameters)
        self._inputs, self._recurrent = inputs * self._halves, recurrent * self._halves
        # The same once more, as one architecture at a time needs them: an index into an array costs as much as a sum.
        self._head_of = [np.ascontiguousarray(head[:, :n]) for head, n in zip(self._heads, self._n_choices, strict=True)]
        self._bias_of = [bias[:n] for bias, n in zip(self._biases[:, 0].tolist(), self._n_choices, strict=True)]

    def _parts(self, flat: np.ndarray) -> list[np.ndarray]:
        """Return views of the parameters, or of their gradient: inputs, recurrent weights, heads, biases."""
        return [part.reshape(shape) for part, shape in zip(np.split(flat, self._cuts), self._shapes, strict=True)]

    def encode(self, architecture: Architecture) -> list[int]:
        """Return the index of each choice; `SKIPPED` where the decision is not active."""
        return [place[choice] for place, choice in zip(self._places, architecture.choices, strict=True)]

    def start(self) -> State:
        """Return the state at the first decision."""
        nothing = np.zeros(self._units)
        return self._step(self._inputs[-1], State(nothing, nothing))

    def after(self, state: State, step: int, choice: int) -> State:
        """Return the state at the next active decision, once the one at `step` has the choice of this index."""
        return self._step(self._inputs[step * self._most + choice], state)

    def policy(self, state: State, step: int) -> list[float]:
        """Return the probability of each choice of the decision at `step`."""
        # A list, as numpy is the slower one on so few numbers.
        logits = list(map(add, state.hidden.dot(self._head_of[step]).tolist(), self._bias_of[step]))
        highest = max(logits)
        weights = [exp(z - highest) for z in logits]
        total = sum(weights)
        return [w / total for w in weights]

    def _step(self, x: np.ndarray, state: State) -> State:
        n = self._units
        gates = state.hidden.dot(self._recurrent)
        gates += x
        np.tanh(gates, out=gates)
        sigmoids = gates[: 3 * n]
        sigmoids *= 0.5
        sigmoids += 0.5
        cell = sigmoids[n : 2 * n] * state.cell
        cell += sigmoids[:n] * gates[3 * n :]
        return State(sigmoids[2 * n :] * np.tanh(cell), cell)

    def unroll(self, choices: np.ndarray) -> Unrolled:
        """Go through architectures that were made: choices, (B, T), as `encode` gives them."""
        way = run(self._inputs[self._before(choices)], self._recurrent, choices.T != SKIPPED)
        logits = np.where(self._impossible, -1e30, way.hiddens[1:] @ self._heads + self._biases)
        logits -= logits.max(2, keepdims=True)
        return Unrolled(choices, way, logits - np.log(np.exp(logits).sum(2, keepdims=True)))

    def _before(self, choices: np.ndarray) -> np.ndarray:
        """Return the row of `inputs` that each step reads: (T, B), that of the last active choice before it."""
        (_, t), most = choices.shape, self._most
        rows = np.where(choices == SKIPPED, -1, choices + np.arange(t) * most)
        latest = np.maximum.accumulate(rows, axis=1).T[:-1]
        return np.concatenate([np.full((1, len(choices)), -1), latest]) % len(self._inputs)

    def gradient(self, way: Unrolled, weights: np.ndarray, entropy: float = 0.0) -> np.ndarray:
        """Return the gradient of Σ weights · log-probabilities + `entropy` · Σ entropies, in the shape of `parameters`.

        Args:
            way: Of the parameters as they are.
            weights: Of the log-probability of each decision's choice: (T, B), or what broadcasts to it.
            entropy: Weight of the entropies of all decisions of the batch.
        """
        policy, active = np.exp(way.log_policy), way.choices.T[:, :, None] != SKIPPED
        surprise = np.where(active, way.log_policy + way.entropies[:, :, None], 0)
        wanted = np.where(active, way.chosen - policy, 0) * np.atleast_2d(weights)[:, :, None] - entropy * policy * surprise
        flat = np.zeros_like(self.parameters)
        inputs, recurrent, heads, biases = self._parts(flat)
        heads[:] = way.lstm.hiddens[1:].transpose(0, 2, 1) @ wanted
        biases[:] = wanted.sum(1, keepdims=True)
        old_recurrent = self._parts(self.parameters)[1]
        gates, recurrent[:], _ = run_back(way.lstm, old_recurrent, wanted @ self._heads.transpose(0, 2, 1))
        np.add.at(inputs, self._before(way.choices), gates)
        return flat
