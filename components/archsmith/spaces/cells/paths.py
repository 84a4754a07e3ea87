"""The path encoding of a cell: which sequences of operations lead from an input to the output.

It is the same for isomorphic cells, and surrogates learn better from it than from the choices. There are too many long
paths to have an entry each, and a random cell has any of them so rarely that leaving them out costs a surrogate nothing.

Reference: White, Neiswanger, Savani 2021, BANANAS: Bayesian Optimization with Neural Architectures for Neural
Architecture Search (arXiv:1910.11858), section 3 and the truncation of section 4.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from archsmith.spaces.cells.genotype import INPUTS, CellGenotype

Path = tuple[str, ...]
"""The input that it begins at, and the operations along it."""


class PathEncoding:
    """The truncated path encoding of cells.

    Args:
        operations: What the cells may apply.
        longest: Operations of the longest paths that have an entry, >= 1.
    """

    def __init__(self, operations: Sequence[str], *, longest: int) -> None:
        lengths = range(1, longest + 1)
        every = [(str(state), *ops) for n in lengths for state in range(INPUTS) for ops in product(operations, repeat=n)]
        self._place: dict[Path, int] = {path: k for k, path in enumerate(every)}
        self._longest = longest

    def encode(self, cell: CellGenotype) -> np.ndarray:
        """Return a vector: (n_paths,), float64; 1 where the cell has the path, and 0 elsewhere."""
        vector = np.zeros(len(self._place))
        vector[[self._place[path] for path in paths(cell, self._longest)]] = 1.0
        return vector


@lru_cache(maxsize=65_536)
def paths(cell: CellGenotype, longest: int) -> frozenset[Path]:
    """Return the paths of at most `longest` operations from an input to a node that is part of the output."""
    to: dict[int, set[Path]] = {state: {(str(state),)} for state in range(INPUTS)}
    for state in cell.states:
        to[state] = {(*path, op) for op, source in cell.node(state) for path in to[source] if len(path) <= longest}
    return frozenset(path for state in cell.concat for path in to[state])
