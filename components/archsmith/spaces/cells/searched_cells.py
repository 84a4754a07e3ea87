"""Spaces with cells that are searched: which cells these are, when two of them are the same, and how they are written."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from archsmith.spaces.cells.cell_decisions import CellDecisions
from archsmith.spaces.cells.genotype import CellGenotype, cells_from_text, cells_to_text
from archsmith.spaces.cells.isomorphism import canonical_cell
from archsmith.spaces.cells.paths import PathEncoding
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.values import Architecture, Choice

LONGEST_PATH = 2
"""Operations of the longest paths among the features: 112 of them a cell for DARTS' operations; the next length has 686 more."""


class SearchedCells(DecisionSpace):
    """Base of the spaces with cells: subclasses give the cells, the decisions that come after theirs, and `graph`.

    Args:
        name: Its name in the search file.
        cells: The decisions of each cell, by its name; all of one set of operations.
        others: All other decisions.
    """

    def __init__(self, name: str, cells: Mapping[str, CellDecisions], others: Sequence[Decision]) -> None:
        super().__init__(name, (*(d for cell in cells.values() for d in cell.decisions), *others))
        self.searched: Mapping[str, CellDecisions] = dict(cells)
        self._others = frozenset(d.name for d in others)
        self._paths = PathEncoding(next(iter(cells.values())).operations, longest=LONGEST_PATH)
        self._stand_in = lru_cache(maxsize=65_536)(self._simplest)

    def cells(self, architecture: Architecture) -> dict[str, CellGenotype]:
        """Return the cells that are searched, by name."""
        chosen = self.assignment(architecture)
        return {name: cell.read(chosen) for name, cell in self.searched.items()}

    def choices_of(self, cells: Mapping[str, CellGenotype]) -> dict[str, Choice]:
        """Return the choices that make these cells, given by name.

        Raises:
            ValueError: no choices do.
        """
        return {k: v for name, cell in cells.items() for k, v in self.searched[name].write(cell).items()}

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the one that stands for all with isomorphic cells: the order of nodes and of operations does not matter."""
        return self._stand_in(architecture)

    def features(self, architecture: Architecture) -> np.ndarray:
        """Return the choices one-hot, then the truncated path encoding of each cell that is searched."""
        paths = [self._paths.encode(cell) for cell in self.cells(architecture).values()]
        return np.concatenate([super().features(architecture), *paths])

    def to_text(self, architecture: Architecture) -> str:
        """Return the cells as DARTS prints them; the other choices follow as `decision=choice`."""
        others = (f"{k}={v}" for k, v in self.assignment(architecture).items() if k in self._others)
        return " ".join([self._cells_to_text(architecture), *others])

    def from_text(self, text: str) -> Architecture:
        """Read what `to_text` wrote."""
        cells, closing, others = text.rpartition(")")
        decided = self._cells_from_text(cells + closing)
        return super().from_text(" ".join([*(f"{name}={choice}" for name, choice in decided.items()), others]))

    def _cells_to_text(self, architecture: Architecture) -> str:
        return cells_to_text(self.cells(architecture))

    def _cells_from_text(self, text: str) -> dict[str, Choice]:
        """Return the choices that make the cells written in `text`."""
        read = cells_from_text(text, tuple(self.searched))
        return self.choices_of({name: cell for name, cell in read.items() if cell})

    def _simplest(self, architecture: Architecture) -> Architecture:
        cells = {name: canonical_cell(cell) for name, cell in self.cells(architecture).items()}
        return self.architecture({**self.assignment(architecture), **self.choices_of(cells)})
