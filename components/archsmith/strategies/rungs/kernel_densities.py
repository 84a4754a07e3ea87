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

import numpy as np
import numpy.typing as npt

from archsmith.spaces.space import Space
from archsmith.strategies.bayesian.codes import Codes, Rows

Array = npt.NDArray[np.float64]


class Coding(Codes):
    """Codes of architectures, as columns, and draws around them.

    Args:
        space: Where they come from; only its name and its decisions are used.
    """

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.n_levels = self._n_choices + np.array([d.is_conditional for d in space.decisions])
        """The choices of each decision, (n_decisions,); that it is not active is one, where it may be."""
        self.start = np.cumsum([0, *self._n_choices + 1])
        """Where the columns of each decision begin in `one_hot`, and where they end."""

    def one_hot(self, codes: Rows, weights: Array) -> Array:
        """Return (n, n_columns): the weight of its decision in the column of each choice, 0 in all others."""
        hot = np.zeros((len(codes), int(self.start[-1])))
        hot[np.arange(len(codes))[:, None], codes + self.start[:-1]] = weights
        return hot

    def draw_near(self, middles: Rows, bandwidths: Array, rng: np.random.Generator) -> Rows:
        """Draw from the kernel around each of `middles`; what only then becomes active is uniform.

        Args:
            middles: (n, n_decisions).
            bandwidths: The probability that a decision differs, (n_decisions,).
            rng: Source of randomness.
        """
        differs = (rng.random(middles.shape) < bandwidths) & (self._n_choices > 1)
        steps = 1 + (rng.random(middles.shape) * (self._n_choices - 1)).astype(np.int64)
        drawn = np.where(differs, (middles - 1 + steps) % self._n_choices + 1, middles)
        return self._settled(np.where(middles == 0, self._fresh(len(middles), rng), drawn))


class Density:
    """A kernel density.

    Args:
        codes: The data, (n, n_decisions), n >= 1.
        coding: How they were made.
        least: The smallest bandwidth, > 0.
    """

    def __init__(self, codes: Rows, coding: Coding, least: float) -> None:
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

    def log(self, codes: Rows) -> Array:
        """Return the logarithm of the density at each of `codes`: (n,)."""
        # (n, n_columns) @ (n_columns, n_data): what a candidate and a datum have in common
        each = self._all_differ + self._coding.one_hot(codes, self._gain) @ self._data.T
        highest = each.max(axis=1)
        return np.asarray(highest + np.log(np.exp(each - highest[:, None]).mean(axis=1)))


def reference_bandwidths(codes: Rows, coding: Coding) -> Array:
    """Return the bandwidths of the normal reference rule, 1.06 sd n^(-1 / (4 + d)): (n_decisions,)."""
    n, d = codes.shape
    shares = coding.one_hot(codes, np.ones(d)).mean(axis=0)
    same = np.add.reduceat(shares**2, coding.start[:-1])
    return np.asarray(1.06 * np.sqrt(np.maximum(0.0, 1 - same) / 2) * n ** (-1 / (4 + d)))
