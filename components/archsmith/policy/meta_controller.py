"""A policy over the growth of a network: an encoder of its layers, an actor that widens them, and one that inserts a layer.

The encoder is a bidirectional LSTM, which reads a token a layer. The wider actor is one sigmoid, shared by all layers: whether
the layer of this hidden state is widened. The deeper actor is an LSTM that goes on from the encoder's last states, and makes
one decision after the other: where the new layer comes, and what it is.

Reference: Cai, Chen, Zhang, Yu, Wang 2018, Efficient Architecture Search by Network Transformation (arXiv:1707.04873),
the encoder and the actors of the meta-controller.

Where this deviates from the paper:
    - A token is a vector of features, and what each of them adds to the gates is one table, as their product is all that counts.
    - Only what is offered can be chosen: the probabilities of all else are zero.
    - Where the new layer comes is one decision; in the paper it is a block between two poolings, and a place in it.
    - The heads begin at zero, so that the first policy is the uniform one.
"""

from collections.abc import Sequence

import numpy as np

from archsmith.policy.controller import SKIPPED
from archsmith.policy.lstm import State, Way, halves, run, run_back
from archsmith.policy.moves import Move, Odds, Played, Situation, sigmoid


class MetaController:
    """The encoder and its two actors, their parameters and their gradients.

    Args:
        n_features: Of a token.
        n_choices: How many choices each of the deeper actor's S decisions has.
        units: Size of the encoder's state, each way, >= 1; that of the deeper actor is twice as large.
        rng: Draws the first parameters.
    """

    def __init__(self, n_features: int, n_choices: Sequence[int], units: int, rng: np.random.Generator) -> None:
        self._units, self._steps, self._most = units, len(n_choices), max(n_choices)
        encoder = ((n_features, 4 * units), (units, 4 * units))
        heads = ((2 * units,), (1,), (self._steps, 2 * units, self._most), (self._steps, 1, self._most))
        deeper = ((self._steps * self._most + 1, 8 * units), (2 * units, 8 * units))
        self._shapes: tuple[tuple[int, ...], ...] = (*encoder, *encoder, *deeper, *heads)
        sizes = [int(np.prod(shape)) for shape in self._shapes]
        self._cuts = np.cumsum(sizes)[:-1]
        self.parameters = np.zeros(sum(sizes))
        for inputs, recurrent in zip(*[iter(self._parts(self.parameters)[:6])] * 2, strict=True):
            inputs[:] = rng.normal(size=inputs.shape)
            recurrent[:] = rng.normal(size=recurrent.shape) / np.sqrt(len(recurrent))

    def _parts(self, flat: np.ndarray) -> list[np.ndarray]:
        """Return views of the parameters, or of their gradient: the three LSTMs' inputs and recurrent weights, and the heads."""
        return [part.reshape(shape) for part, shape in zip(np.split(flat, self._cuts), self._shapes, strict=True)]

    def move(self, change: np.ndarray) -> None:
        """Add to the parameters."""
        self.parameters = self.parameters + change

    def odds(self, situation: Situation) -> Odds:
        """Return the policy of both actors."""
        one = np.ones((len(situation.tokens), 1), bool)
        forward, backward, (hidden, cell) = self._encode(situation.tokens[:, None], one)
        wider = np.where(situation.may_widen, sigmoid(self._wider(forward, backward)[:, 0]), 0)
        chosen = situation.additions.T
        if not chosen.size:
            return Odds(wider, np.zeros(0))
        offered = np.stack([self._offered(situation.additions, row) for row in situation.additions], axis=1)
        begin = State(np.repeat(hidden, chosen.shape[1], axis=0), np.repeat(cell, chosen.shape[1], axis=0))
        deeper = self._deeper(self._before(chosen), chosen != SKIPPED, begin)
        log_policy = self._log_policy(deeper.hiddens[1:], offered)
        taken = np.take_along_axis(log_policy, np.maximum(chosen, 0)[:, :, None], axis=2)[:, :, 0]
        return Odds(wider, np.exp(np.where(chosen == SKIPPED, 0, taken).sum(0)))

    def _encode(self, tokens: np.ndarray, there: np.ndarray) -> tuple[Way, Way, State]:
        """Read layers, (L, B, n_features), where `there`, (L, B); return both ways, and where the deeper actor begins."""
        scale, parts = halves(self._units), self._parts(self.parameters)
        forward = run(tokens @ (parts[0] * scale), parts[1] * scale, there)
        backward = run(tokens[::-1] @ (parts[2] * scale), parts[3] * scale, there[::-1])
        (a, b), (c, d) = forward.last, backward.last
        return forward, backward, State(np.concatenate([a, c], axis=1), np.concatenate([b, d], axis=1))

    def _wider(self, forward: Way, backward: Way) -> np.ndarray:
        """Return the logit of widening each layer: (L, B)."""
        weights, bias = self._parts(self.parameters)[6:8]
        return np.asarray(forward.hiddens[1:] @ weights[: self._units] + backward.hiddens[:0:-1] @ weights[self._units :] + bias)

    def _deeper(self, rows: np.ndarray, active: np.ndarray, begin: State) -> Way:
        """Go through decisions: rows of the table, (S, B), where `active`, (S, B)."""
        inputs, recurrent = (part * halves(2 * self._units) for part in self._parts(self.parameters)[4:6])
        return run(inputs[rows], recurrent, active, begin)

    def _log_policy(self, hiddens: np.ndarray, offered: np.ndarray) -> np.ndarray:
        """Return the logarithm of the policy at each decision, (S, B, M), by the hidden states, (S, B, 2 units)."""
        heads, biases = self._parts(self.parameters)[8:]
        logits = np.where(offered, hiddens @ heads + biases, -1e30)
        logits -= logits.max(2, keepdims=True)
        return np.asarray(logits - np.log(np.exp(logits).sum(2, keepdims=True)))

    def play(self, situations: Sequence[Situation], moves: Sequence[Move]) -> Played:
        """Go through moves that were made, each in its situation."""
        most, b = max(len(s.tokens) for s in situations), len(moves)
        tokens, there = np.zeros((most, b, len(situations[0].tokens[0]))), np.zeros((most, b), bool)
        widened, may_widen = np.zeros((most, b), bool), np.zeros((most, b), bool)
        chosen, offered = np.full((self._steps, b), SKIPPED), np.zeros((self._steps, b, self._most), bool)
        for k, (situation, move) in enumerate(zip(situations, moves, strict=True)):
            n = len(situation.tokens)
            tokens[:n, k], there[:n, k] = situation.tokens, True
            if move.widened is not None:
                widened[:n, k], may_widen[:n, k] = move.widened, situation.may_widen
            if move.added is not None:
                chosen[:, k], offered[:, k] = move.added, self._offered(situation.additions, move.added)
        forward, backward, begin = self._encode(tokens, there)
        rows = self._before(chosen)
        deeper = self._deeper(rows, chosen != SKIPPED, begin)
        log_policy = np.where((chosen != SKIPPED)[:, :, None], self._log_policy(deeper.hiddens[1:], offered), 0)
        ways, logits = (forward, backward, deeper), self._wider(forward, backward)
        return Played(tokens, ways, rows, (widened, chosen), (may_widen, offered), logits, log_policy)

    def _offered(self, additions: np.ndarray, added: np.ndarray) -> np.ndarray:
        """Tell which choices each decision had, after those before it: (S, M)."""
        before = np.cumprod(np.hstack([np.ones((len(additions), 1), int), additions == added])[:, :-1], axis=1, dtype=bool)
        return np.asarray((before[:, :, None] & (additions[:, :, None] == np.arange(self._most))).any(axis=0))

    def _before(self, chosen: np.ndarray) -> np.ndarray:
        """Return the row of the table that each step reads, (S, B): that of the last choice before it."""
        rows = np.where(chosen == SKIPPED, -1, chosen + np.arange(self._steps)[:, None] * self._most)
        latest = np.maximum.accumulate(rows, axis=0)[:-1]
        return np.concatenate([np.full((1, chosen.shape[1]), -1), latest]) % (self._steps * self._most + 1)

    def gradient(self, played: Played, weights: np.ndarray, entropy: float = 0.0) -> np.ndarray:
        """Return the gradient of Σ weights · log-probabilities + `entropy` · Σ entropies, in the shape of `parameters`.

        Args:
            played: Moves, by the parameters as they are.
            weights: Of the log-probability of each move: (B,).
            entropy: Weight of the entropies of all moves of the batch.
        """
        flat, n = np.zeros_like(self.parameters), self._units
        parts, found = self._parts(self.parameters), self._parts(flat)
        forward, backward, deeper = played.ways
        logits, wanted = _wider_slopes(played, weights, entropy), _deeper_slopes(played, weights, entropy)
        found[8][:] = deeper.hiddens[1:].transpose(0, 2, 1) @ wanted
        found[9][:] = wanted.sum(1, keepdims=True)
        gates, found[5][:], begin = run_back(deeper, parts[5], wanted @ parts[8].transpose(0, 2, 1))
        np.add.at(found[4], played.rows, gates)
        found[6][:] = np.concatenate([np.tensordot(logits, h, 2) for h in (forward.hiddens[1:], backward.hiddens[:0:-1])])
        found[7][:] = logits.sum()
        for k, way, tokens, z in ((0, forward, played.tokens, logits), (1, backward, played.tokens[::-1], logits[::-1])):
            mine = slice(k * n, (k + 1) * n)
            last = State(begin.hidden[:, mine], begin.cell[:, mine])
            gates, found[2 * k + 1][:], _ = run_back(way, parts[2 * k + 1], z[:, :, None] * parts[6][mine], last)
            found[2 * k][:] = np.tensordot(tokens, gates, axes=((0, 1), (0, 1)))
        return flat


def _wider_slopes(played: Played, weights: np.ndarray, entropy: float) -> np.ndarray:
    """Return the gradient by the wider actor's logits: (L, B)."""
    p = sigmoid(played.wider_logits)
    surprise = -played.wider_logits * p * (1 - p)
    return np.where(played.offered[0], weights * (played.actions[0] - p) + entropy * surprise, 0)


def _deeper_slopes(played: Played, weights: np.ndarray, entropy: float) -> np.ndarray:
    """Return the gradient by the deeper actor's logits: (S, B, M)."""
    policy = np.exp(played.deeper_log_policy)
    surprise = played.deeper_log_policy + played.deeper_entropies[:, :, None]
    wanted = weights[None, :, None] * (played.chosen - policy) - entropy * policy * surprise
    return np.where(played.offered[1], wanted, 0)
