"""The versions of a search's model, and which of them have been its champion, in a terminal."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from archsmith.tracking.aliases import CHAMPION, Reign
from archsmith.tracking.registry import Version
from archsmith.views.columns import Cells, Column, FittingTable

COLUMNS = (
    Column("version", 6), Column("called", 5, "left"), Column("made", 2, "left"), Column("test accuracy", 4),
    Column("parameters", 3), Column("why", 1, "left", may_be_cut=True),
)  # fmt: skip


def versions(found: Sequence[Version], reigns: Sequence[Reign]) -> Iterator[RenderableType]:
    """Yield the versions as a table, the newest first, then a line for each champion."""
    yield FittingTable(COLUMNS, [Cells(_cells(v), "bold" if CHAMPION in v.aliases else "") for v in found])
    for reign in reigns:
        yield Text(f"{_time(reign.at)}  version {reign.version} became the champion, by {reign.by}. {reign.why}")


def _cells(version: Version) -> tuple[str, ...]:
    accuracy, size = (version.metrics.get(name) for name in ("test_accuracy", "n_params"))
    known = ("" if accuracy is None else f"{accuracy:.2%}", "" if size is None else f"{size:,.0f}")
    return version.number, ", ".join(version.aliases), _time(version.made_at), *known, version.why or version.notation


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
