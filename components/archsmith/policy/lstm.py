"""An LSTM over batches of sequences, and its gradient: what the policies have in common.

A step at which a sequence has nothing is skipped: it neither moves the state nor counts. So sequences of different lengths go
through together, and the state after the last step is that after each one's own last.

Reference: Hochreiter, Schmidhuber 1997, Long Short-Term Memory.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class State(NamedTuple):
    """What the LSTM remembers."""

    hidden: np.ndarray
    """What its heads read: (units,), or (B, units)."""
    cell: np.ndarray
    """Its memory; as `hidden`."""


@dataclass(frozen=True, slots=True)
class Way:
    """The LSTM's way through a batch of B sequences of T steps."""

    gates: np.ndarray
    """Input, forget and output gates, and the candidate: (T, B, 4 units)."""
    cells: np.ndarray
    """Memory before the first step and after each one: (T + 1, B, units)."""
    hiddens: np.ndarray
    """What the heads read; as `cells`."""
    active: np.ndarray
    """Which steps are not skipped: (T, B, 1), bool."""

    @property
    def last(self) -> State:
        """The state after the last step of each sequence."""
        return State(self.hiddens[-1], self.cells[-1])


def halves(units: int) -> np.ndarray:
    """Return what weights are multiplied with before `run`: a sigmoid is (1 + tanh(z / 2)) / 2, so one call serves all gates."""
    return np.repeat([0.5, 0.5, 0.5, 1.0], units)


def run(inputs: np.ndarray, recurrent: np.ndarray, active: np.ndarray, begin: State | None = None) -> Way:
    """Go through sequences.

    Args:
        inputs: What each step adds to the gates, (T, B, 4 units), times `halves`.
        recurrent: From the hidden state to the gates, (units, 4 units), times `halves`.
        active: Which steps are not skipped: (T, B), bool.
        begin: The state before the first step; zero where it is left out.
    """
    (t, b, _), n = inputs.shape, len(recurrent)
    gates, cells, hiddens, there = np.zeros((t, b, 4 * n)), np.zeros((t + 1, b, n)), np.zeros((t + 1, b, n)), active[:, :, None]
    if begin is not None:
        hiddens[0], cells[0] = begin
    for k in range(t):
        z = np.tanh(inputs[k] + hiddens[k] @ recurrent)
        z[:, : 3 * n] = z[:, : 3 * n] * 0.5 + 0.5
        cell = z[:, n : 2 * n] * cells[k] + z[:, :n] * z[:, 3 * n :]
        gates[k] = z
        cells[k + 1] = np.where(there[k], cell, cells[k])
        hiddens[k + 1] = np.where(there[k], z[:, 2 * n : 3 * n] * np.tanh(cell), hiddens[k])
    return Way(gates, cells, hiddens, there)


def run_back(
    way: Way, recurrent: np.ndarray, hiddens: np.ndarray, last: State | None = None
) -> tuple[np.ndarray, np.ndarray, State]:
    """Return the gradient by what goes into the gates, (T, B, 4 units), by the recurrent weights, and by the first state.

    Args:
        way: What `run` returned.
        recurrent: As they are, not halved.
        hiddens: Gradient by the hidden state after each step, (T, B, units).
        last: What is to be added for the state after the last step.
    """
    found, nothing = np.zeros_like(way.gates), np.zeros_like(way.cells[0])
    hidden, cell = (nothing, nothing) if last is None else last
    for k in reversed(range(len(found))):
        i, f, o, g = np.split(way.gates[k], 4, axis=1)
        hidden, tanh = hidden + hiddens[k], np.tanh(way.cells[k + 1])
        inner = cell + hidden * o * (1 - tanh**2)
        slopes = (inner * g * i * (1 - i), inner * way.cells[k] * f * (1 - f), hidden * tanh * o * (1 - o))
        found[k] = np.where(way.active[k], np.concatenate([*slopes, inner * i * (1 - g**2)], axis=1), 0)
        hidden = np.where(way.active[k], found[k] @ recurrent.T, hidden)
        cell = np.where(way.active[k], inner * f, cell)
    return found, np.tensordot(way.hiddens[:-1], found, axes=((0, 1), (0, 1))), State(hidden, cell)
