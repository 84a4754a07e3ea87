"""How a table and a space fit each other: rows that are of no architecture, and architectures without a row."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from archsmith.errors import DataError
from archsmith.evaluation.measurements import Measurements, ended
from archsmith.evaluation.table_config import MOST_MISFITS
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
    fidelities: tuple[str, ...] = ()
    """At which fidelities it has them, for people; empty where there is but one."""
    listed: int = 0
    """Architectures of the space that the table has all of."""

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
        drawn = "of the space" if self.is_whole else "that were drawn from the space"
        if not self.known:
            known, drawn = f"{self.listed:,}", f"of the space, none of {self.looked_at:,} that were drawn"
        at = f", after {'; after '.join(self.fidelities)}" if self.fidelities else ""
        return f"{self.rows:,} row{'s' * (self.rows != 1)} in {self.source}: {known} architectures {drawn}{at}"

    def warnings(self, others: str = "are not proposed") -> Iterator[str]:
        """Yield what to tell before a search over the table; `others` says what becomes of architectures without a row."""
        if self.misfits:
            yield (
                f"{self.misfits:,} of the {self.rows:,} rows of the table {self.source!r} fit no architecture of the space "
                f"{self.space!r}, and are not used: {ended(self.named)}"
            )
        if self.repeated:
            are = "rows of the table {} say" if self.repeated > 1 else "row of the table {} says"
            yield f"{self.repeated:,} {are.format(repr(self.source))} what another one has said of its architecture."
        if not self.is_complete:
            yield (
                f"The table {self.source!r} has a row with all values for {f'{self.known:,}' if self.known else 'none'} of "
                f"{self.looked_at:,} architectures "
                f"{'' if self.is_whole else 'drawn '}of the space {self.space!r}; the others {others}."
            )


def facts_of(table: Measurements, columns: Sequence[str], fidelities: Sequence[str] = ()) -> TableFacts:
    """Compare a table with its space; an architecture is known where it has a row with a value in each of `columns`."""
    some, is_whole = _architectures(table.space)
    whole = table.whole(columns)
    known = sum(row is not None and bool(whole[row]) for row in map(table.row, some))
    misfits = table.misfits
    return TableFacts(
        table.source, table.space.name, len(table.lines), misfits.n, misfits.named, table.repeated, len(some), known, is_whole,
        tuple(fidelities), int(whole[list(table.rows.values())].sum()),
    )  # fmt: skip


def refuse_misfits(facts: TableFacts, most: float = MOST_MISFITS) -> None:
    """Raise `DataError` where more than this share of the rows fits no architecture, while some architectures have no row."""
    if facts.misfits > most * facts.rows and not facts.is_complete:
        raise DataError(
            f"{facts.misfits:,} of the {facts.rows:,} rows of the table {facts.source!r} fit no architecture of the space "
            f"{facts.space!r}, but at most {100 * most:.3g} % may (`estimation.misfits`): {ended(facts.named)} Give the space "
            "these choices, or mend the table."
        )


def refuse_strange(facts: TableFacts) -> None:
    """Raise `DataError` where no architecture of the space has a row with all values."""
    if not facts.listed:
        drawn = f"{facts.looked_at:,} architectures {'' if facts.is_whole else 'drawn '}of the space {facts.space!r}"
        raise DataError(
            f"The table {facts.source!r} has a row with all values for none of {drawn}, and its rows of others lack some; let "
            "the space have only what was measured."
        )


def _architectures(space: Space) -> tuple[list[Architecture], bool]:
    """Return the architectures to look up, and whether they are the whole space."""
    if space.size() <= LISTED:
        return list(space.enumerate()), True
    rng = np.random.default_rng([DRAWN, 201])  # no seed by which somebody may have drawn what was measured
    return [space.sample(rng) for _ in range(DRAWN)], False
