"""How long the operations of a space take, as a table for people."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from archsmith.views.columns import Cells, Column, FittingTable

if TYPE_CHECKING:
    from archsmith.evaluation.latency_table import LatencyTable, Timed

LATENCIES = (
    Column("part", 6, "left"), Column("operation", 5, "left", may_be_cut=True), Column("input", 3), Column("output", 2),
    Column("multiply-adds", 4), Column("time", 8), Column("±", 7),
)  # fmt: skip
"""Columns of a latency table."""


def latencies(table: "LatencyTable") -> Iterator[RenderableType]:
    """Yield how long operations take, by the part of the network that they may stand in, and what follows for networks."""
    parts = list(dict.fromkeys(timed.places[0] for timed in table.operations.values()))
    ordered = sorted(table.operations.values(), key=lambda timed: (parts.index(timed.places[0]), timed.median_s))
    threads = f"{table.threads} thread{'s' * (table.threads > 1)}"
    yield Text(f"{table.device}, {threads}, images of {_shape(table.input_shape)}, medians of {table.rounds}")
    yield FittingTable(LATENCIES, [Cells(_latency(timed)) for timed in ordered])
    networks = sorted(timed.median_s for timed in table.networks.values())
    yield Text(
        f"\n{len(networks)} networks took {_ms(networks[0])} to {_ms(networks[-1])}. "
        f"A network takes as long as its operations, and {_ms(abs(table.fixed_s))} {'more' if table.fixed_s >= 0 else 'less'}."
    )
    if not table.complete:
        yield Text("The space has too many kinds of operations to measure all: some of its networks have others.")


def _latency(timed: "Timed") -> tuple[str, ...]:
    """Return the cells of an operation."""
    others = len(timed.places) - 1
    layers = re.findall(r"((?:Conv\w*|\w*Pool)2d)\([^=]*kernel_size=\(?(\d+)(?:, (\d+))?", timed.structure)
    inside = ", ".join(f"{name} {a}x{b or a}" for name, a, b in layers) or timed.name
    return (
        timed.places[0] + (f" and {others} more" if others else ""),
        inside,
        _shape(timed.inputs[0][1:]),
        _shape(timed.output[1:]),
        f"{timed.flops:,}",
        _ms(timed.median_s),
        _ms(timed.spread_s),
    )


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3f} ms"
