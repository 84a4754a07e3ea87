"""The model of BOHB: kernel densities of good and of other architectures, and what is likelier under the first.

Reference: Falkner, Klein, Hutter 2018, BOHB: Robust and Efficient Hyperparameter Optimization at Scale (arXiv:1807.01774),
section 3.2 and Algorithm 2: a product of one-dimensional kernels, which for decisions is that of Aitchison and Aitken 1976
(doi:10.1093/biomet/63.3.413): the choice of the datum with probability 1 - h, each other one with h / (c - 1), where c is the
number of choices. h is the bandwidth by the normal reference rule.

Where this deviates from the paper's program:
    - The rule's standard deviation is that of distances of 0 and 1 between choices, half of whose mean square is the
      variance; the program takes that of the choices' numbers, which have no order. For two choices they are the same.
    - h is at most (c - 1) / c, at which the kernel is uniform.
    - That a decision is not active counts as one of its choices; the program makes up a value.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
"""(n, n_decisions): 0 where a decision is not active, else 1 and the place of its choice."""


class Coding:
    """Turns architectures into codes, and draws around them.

    Args:
        space: Where they come from.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._code = [{None: 0, **{choice: k for k, choice in enumerate(d.choices, 1)}} for d in space.decisions]
        self.n_levels = np.array([len(d.choices) + bool(d.when) for d in space.decisions])
        """The choices of each decision, (n_decisions,); that it is not active is one, where it may be."""
        self.start = np.cumsum([0, *(len(code) for code in self._code)])
        """Where the columns of each decision begin in `one_hot`, and where they end."""

    def encode(self, architectures: Sequence[Architecture]) -> Codes:
        """Return the codes of architectures."""
        rows = [[code[c] for code, c in zip(self._code, a.choices, strict=True)] for a in architectures]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(self._code))

    def one_hot(self, codes: Codes, weights: Array) -> Array:
        """Return (n, n_columns): the weight of its decision in the column of each choice, 0 in all others."""
        hot = np.zeros((len(codes), int(self.start[-1])))
        hot[np.arange(len(codes))[:, None], codes + self.start[:-1]] = weights
        return hot

    def draw_near(self, datum: Architecture, bandwidths: Array, rng: np.random.Generator) -> Architecture:
        """Draw from the kernel around `datum`; what only then becomes active is uniform.

        Args:
            datum: The middle.
            bandwidths: The probability that each decision differs, (n_decisions,).
            rng: Source of randomness.
        """
        chosen: dict[str, Choice] = {}
        moved = rng.random(len(bandwidths)) < bandwidths
        for decision, old, move in zip(self._space.decisions, datum.choices, moved.tolist(), strict=True):
            if not all(chosen.get(name) in allowed for name, allowed in decision.when.items()):
                continue
            others = [c for c in decision.choices if c != old] if move or old is None else [old]
            chosen[decision.name] = others[int(rng.integers(len(others)))] if others else decision.choices[0]
        return Architecture(self._space.name, tuple(chosen.get(d.name) for d in self._space.decisions))


class Density:
    """A kernel density.

    Args:
        codes: The data, (n, n_decisions), n >= 1.
        coding: How they were made.
        least: The smallest bandwidth, > 0.
    """

    def __init__(self, codes: Codes, coding: Coding, least: float) -> None:
        levels = coding.n_levels
        self._coding = coding
        self.bandwidths = np.clip(reference_bandwidths(codes, coding), least, (levels - 1) / levels)
        """h, (n_decisions,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            same, other = np.log1p(-self.bandwidths), np.log(self.bandwidths / (levels - 1))
        # A decision with a single choice says nothing.
        same, other = (np.where(levels > 1, logs, 0.0) for logs in (same, other))
        self._all_differ = float(other.sum())
        self._data = coding.one_hot(codes, np.ones(codes.shape[1]))
        self._gain = same - other

    def log(self, codes: Codes) -> Array:
        """Return the logarithm of the density at each of `codes`: (n,)."""
        # (n, n_columns) @ (n_columns, n_data): what a candidate and a datum have in common
        each = self._all_differ + self._coding.one_hot(codes, self._gain) @ self._data.T
        highest = each.max(axis=1)
        return np.asarray(highest + np.log(np.exp(each - highest[:, None]).mean(axis=1)))


def reference_bandwidths(codes: Codes, coding: Coding) -> Array:
    """Return the bandwidths of the normal reference rule, 1.06 sd n^(-1 / (4 + d)): (n_decisions,)."""
    n, d = codes.shape
    shares = coding.one_hot(codes, np.ones(d)).mean(axis=0)
    same = np.add.reduceat(shares**2, coding.start[:-1])
    return np.asarray(1.06 * np.sqrt(np.maximum(0.0, 1 - same) / 2) * n ** (-1 / (4 + d)))
