"""What the columns of vectors mean to a kernel: which of them belong together, and how far they count."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Layout:
    """Columns belong to weights, and weights to parts, all of them side by side. A kernel is a sum over the parts."""

    weights: npt.NDArray[np.int64]
    """The weight of each column, ascending, (n_columns,)."""
    sizes: tuple[int, ...]
    """How many weights each part has: that of the decisions one for each, that of a score one."""

    @property
    def n_weights(self) -> int:
        """How many weights there are."""
        return sum(self.sizes)

    @cached_property
    def parts(self) -> tuple[tuple[slice, slice], ...]:
        """The columns and the weights of each part."""
        ends = np.cumsum([0, *self.sizes])
        at = np.searchsorted(self.weights, ends)
        return tuple((slice(*at[k : k + 2]), slice(*ends[k : k + 2])) for k in range(len(self.sizes)))

    @property
    def first(self) -> "Layout":
        """The first part alone."""
        return Layout(self.weights[self.parts[0][0]], self.sizes[:1])

    def and_numbers(self, n: int, n_columns: int) -> "Layout":
        """Return the layout with `n` more parts behind, each of one weight and so many columns."""
        behind = np.repeat(self.n_weights + np.arange(n), n_columns)
        return Layout(np.append(self.weights, behind), (*self.sizes, *[1] * n))
