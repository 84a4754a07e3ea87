"""How a table and a space fit each other: rows that are of no architecture, and architectures without a row."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from archsmith.errors import DataError
from archsmith.evaluation.config import TableConfig
from archsmith.evaluation.measurements import Measurements
from archsmith.evaluation.table import TableEstimator
from archsmith.spaces.space import Space
from archsmith.values import Architecture

LISTED = 20_000
"""Spaces up to this size are compared with the table one by one; of larger ones, architectures are drawn."""
DRAWN = 500
"""Architectures that are drawn of a larger space."""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What the first step has found out about a table."""

    source: str
    """Where it lies."""
    space: str
    """The name of the space."""
    rows: int
    """Its rows."""
    misfits: int
    """The rows that fit no architecture of the space."""
    named: str
    """Line and reason of the first of them."""
    repeated: int
    """Rows that say of an architecture what another row has said."""
    looked_at: int
    """Architectures that were looked up: those of the whole space, or some that were drawn."""
    known: int
    """Of these, those that the table has all of."""
    is_whole: bool
    """Whether those are the whole space."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @property
    def is_complete(self) -> bool:
        """Whether there is no architecture without a row, as far as was looked."""
        return self.known == self.looked_at

    @property
    def is_the_whole_space(self) -> bool:
        """Whether every architecture of the space has a row, for sure."""
        return self.is_whole and self.is_complete

    @property
    def counted(self) -> str:
        """What was counted, for people."""
        known = f"all {self.known:,}" if self.is_complete else f"{self.known:,} of {self.looked_at:,}"
        rows = f"{self.rows:,} row{'s' * (self.rows != 1)}"
        drawn = "" if self.is_whole else " that were drawn"
        return f"the table {self.source} has {rows}, which tell {known} architectures of the space{drawn}"

    def warnings(self) -> Iterator[str]:
        """Yield what to tell before a search over the table."""
        if self.misfits:
            yield (
                f"{self.misfits:,} of the {self.rows:,} rows of the table {self.source!r} fit no architecture of the space "
                f"{self.space!r}, and are not used: {self.named}."
            )
        if self.repeated:
            are = "rows of the table {} say" if self.repeated > 1 else "row of the table {} says"
            yield f"{self.repeated:,} {are.format(repr(self.source))} what another one has said of its architecture."
        if not self.is_complete:
            yield (
                f"The table {self.source!r} has a row with all values for {self.known:,} of {self.looked_at:,} architectures "
                f"{'' if self.is_whole else 'drawn '}of the space {self.space!r}; the others are not proposed."
            )


def facts_of(table: Measurements, config: TableConfig) -> TableFacts:
    """Compare a table with its space.

    Raises:
        DataError: More rows than `config.misfits` lets pass fit no architecture, while some architectures have no row; or
            of those that were looked up, none has one.
    """
    some, is_whole = _architectures(table.space)
    estimator = TableEstimator(table, config)
    known = sum(map(estimator.knows, some))
    n_rows = len(table.lines)
    facts = TableFacts(
        table.source, table.space.name, n_rows, table.misfits.n, table.misfits.named, table.repeated, len(some), known, is_whole
    )  # fmt: skip
    _refuse(facts, config)
    return facts


def _architectures(space: Space) -> tuple[list[Architecture], bool]:
    """Return the architectures to look up, and whether they are the whole space."""
    if space.size() <= LISTED:
        return list(space.enumerate()), True
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(DRAWN)], False


def _refuse(facts: TableFacts, config: TableConfig) -> None:
    """Raise where table and space do not belong together."""
    source, space = repr(facts.source), repr(facts.space)
    if facts.misfits > config.misfits * facts.rows and not facts.is_complete:
        raise DataError(
            f"{facts.misfits:,} of the {facts.rows:,} rows of the table {source} fit no architecture of the space {space}, but "
            f"at most {100 * config.misfits:.3g} % may (`estimation.misfits`): {facts.named}. "
            "Give the space these choices, or mend the table."
        )
    if not facts.known:
        drawn = f"{facts.looked_at:,} architectures {'' if facts.is_whole else 'drawn '}of the space {space}"
        raise DataError(
            f"The table {source} has a row with all values for none of {drawn}; let the space have only what was measured."
        )
