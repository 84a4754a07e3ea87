"""An LSTM on trees, from the leaves up and from the root down, and its gradient.

Each place of a tree has two tokens: what is on the edge that leads to it, and what kind of node it is. Upwards, a place reads
its own tokens and the states of its children; downwards, it reads its edge, the kind of its parent, the parent's state upwards,
which knows its siblings, and the parent's state downwards. So the two states of a place together have seen the whole tree.

Reference: Tai, Socher, Manning 2015, Improved Semantic Representations From Tree-Structured Long Short-Term Memory Networks
(arXiv:1503.00075), section 3.1, Child-Sum Tree-LSTM; Cai, Yang, Zhang, Han, Yu 2018 (arXiv:1806.02639), section 3.4.

Where this deviates from Cai 2018:
    - An edge and the node at its end are one unit, and not two one after the other.
    - Children are summed under concatenations too, where the paper's units know their order: such cells differ in nothing but
      the numbering of their channels.
    - Downwards, a unit reads its siblings in the state of their parent, and not each by itself.
    - The embedding of a token and the matrix that takes it to the gates are one table, as in `controller`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True, slots=True)
class Trees:
    """A batch of B trees on the P places of the fullest one, level by level; the children of a place are neighbours."""

    edges: np.ndarray
    """The token of the edge that leads to each place: (B, P), from 0; any number where there is no place."""
    kinds: np.ndarray
    """The token of the kind of each place: (B, P), from 0; -1 where there is no such place."""


class Level(NamedTuple):
    """What one way through a level of N places has computed; (B, N, ...) all of them."""

    gates: np.ndarray
    """Input and output gates and the candidate, (B, N, 3 units); downwards with the forget gate, the last of 4."""
    forget: np.ndarray
    """Upwards: the forget gate of each child, (B, N, branches, units); downwards: that of the parent, (B, N, units)."""
    cell: np.ndarray
    """The memory: (B, N, units)."""
    hidden: np.ndarray
    """The state: (B, N, units)."""


@dataclass(frozen=True, slots=True)
class Read:
    """What the LSTM has made of trees."""

    trees: Trees
    """The trees."""
    up: Sequence[Level]
    """From the leaves up, the root's level first."""
    down: Sequence[Level]
    """From the root down, the root's level first."""

    @property
    def states(self) -> np.ndarray:
        """Both states of each place, (B, P, 2 units), of the levels that any of the trees has."""
        return np.concatenate([np.concatenate([level.hidden for level in way], 1) for way in (self.up, self.down)], 2)


class TreeLSTM:
    """The LSTM; it holds no parameters of its own.

    Args:
        n_edges: Tokens of edges.
        n_kinds: Tokens of kinds.
        depth: Edges from the root of the fullest tree to a leaf.
        branches: Children of each of its nodes.
        units: Size of a state, each way.
    """

    def __init__(self, n_edges: int, n_kinds: int, depth: int, branches: int, units: int) -> None:
        self._n_edges, self._n_tokens, self._branches, self._units = n_edges, n_edges + n_kinds, branches, units
        self._halves = np.repeat([0.5, 0.5, 1.0, 0.5], units)
        ends = np.cumsum([0, *(branches**level for level in range(depth + 1))]).tolist()
        self._levels = [slice(a, b) for a, b in pairwise(ends)]
        inputs, n = (self._n_tokens, 4 * units), units
        self.shapes = (inputs, (n, 3 * n), (n, n), inputs, (2 * n, 4 * n))
        """Of the parameters: upwards the table of the tokens, and what takes the sum of the children, and each child, to the
        gates; downwards the table of the tokens, and what takes both states of the parent to the gates."""

    def read(self, parameters: Sequence[np.ndarray], trees: Trees) -> Read:
        """Go through trees, up and down."""
        n_levels = sum(bool((trees.kinds[:, level] >= 0).any()) for level in self._levels)
        up = self._up(parameters[:3], trees, n_levels)
        return Read(trees, up, self._down(parameters[3:5], trees, up))

    def _up(self, parameters: Sequence[np.ndarray], trees: Trees, n_levels: int) -> list[Level]:
        table, recurrent, forgetting = parameters
        n, found = self._units, list[Level]()
        for level in reversed(self._levels[:n_levels]):
            edges, kinds = trees.edges[:, level], trees.kinds[:, level]
            x = table[edges] + table[self._n_edges + kinds]
            gates, forget, memory = x[..., : 3 * n], x[..., None, 3 * n :], 0.0
            if found:
                hidden, cell = (self._by_parent(a) for a in (found[-1].hidden, found[-1].cell))
                gates = gates + hidden.sum(2) @ recurrent
                forget = _sigmoid(forget + hidden @ forgetting)
                memory = (forget * cell).sum(2)
            gates = _activated(gates, self._halves[: 3 * n])
            cell = (gates[..., :n] * gates[..., 2 * n :] + memory) * (kinds >= 0)[..., None]
            found.append(Level(gates, forget, cell, gates[..., n : 2 * n] * np.tanh(cell)))
        return found[::-1]

    def _down(self, parameters: Sequence[np.ndarray], trees: Trees, up: Sequence[Level]) -> list[Level]:
        table, recurrent = parameters
        n, nothing = self._units, np.zeros_like(up[0].cell)
        found = [Level(np.zeros((*nothing.shape[:2], 4 * n)), nothing, nothing, nothing)]
        for k, level in enumerate(self._levels[1 : len(up)]):
            kinds = trees.kinds[:, self._levels[k]]
            above = np.concatenate([found[k].hidden, up[k].hidden], 2) @ recurrent + table[self._n_edges + kinds]
            z = table[trees.edges[:, level]] + np.repeat(above, self._branches, 1)
            gates = _activated(z, self._halves)
            forget = gates[..., 3 * n :]
            cell = forget * np.repeat(found[k].cell, self._branches, 1) + gates[..., :n] * gates[..., 2 * n : 3 * n]
            cell = cell * (trees.kinds[:, level] >= 0)[..., None]
            found.append(Level(gates, forget, cell, gates[..., n : 2 * n] * np.tanh(cell)))
        return found

    def gradient(self, parameters: Sequence[np.ndarray], read: Read, states: np.ndarray) -> list[np.ndarray]:
        """Return the gradient by each of the parameters, by that of `read.states`, (B, P, 2 units)."""
        n = self._units
        levels = self._levels[: len(read.up)]
        up, down = [states[:, level, :n].copy() for level in levels], [states[:, level, n:].copy() for level in levels]
        of_down = self._down_gradient(parameters[3:5], read, down, up)
        return [*self._up_gradient(parameters[:3], read, up), *of_down]

    def _down_gradient(
        self, parameters: Sequence[np.ndarray], read: Read, down: list[np.ndarray], up: list[np.ndarray]
    ) -> list[np.ndarray]:
        """Return the gradient by the parameters of the way down; what reaches states upwards is added to `up`."""
        n, b = self._units, self._branches
        table, recurrent = (np.zeros_like(p) for p in parameters)
        memory = np.zeros_like(down[-1])
        for k in range(len(down) - 1, 0, -1):
            level, before, there = read.down[k], read.down[k - 1], (read.trees.kinds[:, self._levels[k]] >= 0)[..., None]
            slopes, inner = _slopes(level.gates, level.cell, down[k], memory, there, n)
            forget = inner * np.repeat(before.cell, b, 1) * level.forget * (1 - level.forget)
            z = np.concatenate([slopes, forget], 2)
            above = self._by_parent(z).sum(2)
            memory = self._by_parent(inner * level.forget).sum(2)
            read_by = np.concatenate([before.hidden, read.up[k - 1].hidden], 2)
            recurrent += np.tensordot(read_by, above, axes=((0, 1), (0, 1)))
            table += self._of_tokens(read.trees.edges[:, self._levels[k]], z)
            table += self._of_tokens(self._n_edges + read.trees.kinds[:, self._levels[k - 1]], above)
            both = above @ parameters[1].T
            down[k - 1] += both[..., :n]
            up[k - 1] += both[..., n:]
        return [table, recurrent]

    def _up_gradient(self, parameters: Sequence[np.ndarray], read: Read, up: list[np.ndarray]) -> list[np.ndarray]:
        """Return the gradient by the parameters of the way up."""
        n, last = self._units, len(up) - 1
        table, recurrent, forgetting = (np.zeros_like(p) for p in parameters)
        memory = np.zeros_like(up[0])
        for k, level in enumerate(read.up):
            edges, kinds = (tokens[:, self._levels[k]] for tokens in (read.trees.edges, read.trees.kinds))
            slopes, inner = _slopes(level.gates, level.cell, up[k], memory, (kinds >= 0)[..., None], n)
            forget = np.zeros_like(inner)
            if k < last:
                hidden, cell = (self._by_parent(a) for a in (read.up[k + 1].hidden, read.up[k + 1].cell))
                of_each = inner[:, :, None] * cell * level.forget * (1 - level.forget)
                recurrent += np.tensordot(hidden.sum(2), slopes, axes=((0, 1), (0, 1)))
                forgetting += np.tensordot(hidden, of_each, axes=((0, 1, 2), (0, 1, 2)))
                forget = of_each.sum(2)
                below = (slopes @ parameters[1].T)[:, :, None] + of_each @ parameters[2].T
                up[k + 1] += below.reshape(up[k + 1].shape)
                memory = (inner[:, :, None] * level.forget).reshape(up[k + 1].shape)
            z = np.concatenate([slopes, forget], 2)
            table += self._of_tokens(edges, z) + self._of_tokens(self._n_edges + kinds, z)
        return [table, recurrent, forgetting]

    def _by_parent(self, values: np.ndarray) -> np.ndarray:
        """Return values of a level by the parents: (B, N x branches, ...) -> (B, N, branches, ...)."""
        return values.reshape(len(values), -1, self._branches, values.shape[2])

    def _of_tokens(self, tokens: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the sum of the values of each token: (B, N) and (B, N, 4 units) -> (n_tokens, 4 units)."""
        which = tokens[..., None] == np.arange(self._n_tokens)
        return np.tensordot(which.astype(float), values, axes=((0, 1), (0, 1)))


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.tanh(z * 0.5) * 0.5 + 0.5)


def _activated(z: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """Return what the gates make of their inputs: where `halves` is 1/2, a sigmoid, which is (1 + tanh(z / 2)) / 2, else tanh."""
    z = np.tanh(z * halves)
    z *= halves
    z += 1 - halves
    return z


def _slopes(
    gates: np.ndarray, cell: np.ndarray, hidden: np.ndarray, memory: np.ndarray, there: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient by what goes into input gate, output gate and candidate, and by the memory, of a level.

    Args:
        gates: As they were: (B, N, 3 units or more).
        cell: The memory: (B, N, units).
        hidden: Gradient by the state.
        memory: Gradient by the memory, but for what comes by the state.
        there: Which places there are: (B, N, 1), bool.
        n: The units.
    """
    i, o, g = gates[..., :n], gates[..., n : 2 * n], gates[..., 2 * n : 3 * n]
    tanh = np.tanh(cell)
    inner = (memory + hidden * o * (1 - tanh**2)) * there
    return np.concatenate([inner * g * i * (1 - i), hidden * tanh * o * (1 - o), inner * i * (1 - g**2)], 2), inner
