"""How the training of shared weights went, epoch by epoch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from archsmith.report import numbers
from archsmith.report.data import ReportData
from archsmith.report.pictures.axes import STEPS, WIDTH, head, note, ticks
from archsmith.report.pictures.pointing import point_out
from archsmith.report.style import BLUE, GREEN, MUTED, ORANGE, PURPLE, RED, SKY, styled
from archsmith.values import SupernetEpoch

_HEIGHT = 0.92
"""Inches of a panel."""
_DECADE = 20.0
"""Ratio of the ends of a scale from which on it is logarithmic."""

Value = Callable[[SupernetEpoch], float | None]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a panel."""

    color: str
    value: Value
    label: str = ""


@dataclass(frozen=True, slots=True)
class _Panel:
    """A panel, left out where nothing of it is known."""

    title: str
    lines: tuple[_Line, ...]
    metric: str = ""
    """By which its ticks are written."""
    ends: tuple[float, float] | None = None
    """Its range, where that is known."""
    whole: bool = False
    """Whether its values are whole numbers."""


@styled
def supernet_training(data: ReportData) -> Figure:
    """Draw loss, accuracy of what would be derived, entropy, temperature, skips and eigenvalue, as far as there are such."""
    records = data.records
    shown = [panel for panel in _panels(data) if any(_known(records, line.value) for line in panel.lines)]
    if not shown:
        return note("No training of shared weights", "Nothing is recorded of it.")
    figure = Figure(figsize=(WIDTH, 0.9 + _HEIGHT * len(shown)), layout="constrained")
    head(figure, _title(records))
    plots = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for axes, panel in zip(plots, shown, strict=True):
        _draw(axes, panel, records)
    last = max(2, records[-1].epoch)
    plots[-1].set_xlim(1 - 0.02 * last, 1.02 * last)
    plots[-1].xaxis.set_major_locator(MaxNLocator(7, steps=STEPS, integer=True))
    plots[-1].set_xlabel("epoch")
    return figure


def _panels(data: ReportData) -> Sequence[_Panel]:
    of = max((sum(s.of for s in data.skips(r.derived)) for r in data.records if r.derived), default=0)
    return (
        _Panel(
            "loss (nat)", (_Line(ORANGE, lambda r: r.train_loss, "training"), _Line(BLUE, lambda r: r.val_loss, "validation"))
        ),
        _Panel("accuracy of what would be derived (%)", (_Line(BLUE, lambda r: r.val_accuracy),), "accuracy"),
        _Panel("entropy of the choices, 1 if all equal", (_Line(GREEN, lambda r: r.entropy),), ends=(-0.04, 1.04)),
        _Panel("temperature", (_Line(PURPLE, lambda r: r.temperature),)),
        _Panel(f"skips, of {of} operations", (_Line(RED, lambda r: _skips(data, r)),), ends=(-0.04 * of, 1.04 * of), whole=True),
        _Panel("largest eigenvalue of the Hessian", (_Line(SKY, lambda r: r.eigenvalue),)),
    )


def _skips(data: ReportData, record: SupernetEpoch) -> float | None:
    """Return how many operations of what was derived are skips; None where none could be."""
    found = data.skips(record.derived) if record.derived else ()
    return float(sum(s.n for s in found)) if found else None


def _known(records: Sequence[SupernetEpoch], value: Value) -> list[tuple[int, float]]:
    found = ((record.epoch, value(record)) for record in records)
    return [(epoch, y) for epoch, y in found if y is not None and math.isfinite(y)]


def _draw(axes: Axes, panel: _Panel, records: Sequence[SupernetEpoch]) -> None:
    axes.set_title(panel.title, size=8.5, weight="normal", color=MUTED, pad=3)
    values: list[float] = []
    for line in panel.lines:
        if not (points := _known(records, line.value)):
            continue
        x, y = zip(*points, strict=True)
        values += y
        of = f"{line.label} {panel.title}".strip()
        point_out(axes, [(epoch, v, f"epoch {epoch}: {of} {_written(panel, v)}") for epoch, v in points])
        marker = "o" if len(points) == 1 else ""
        axes.plot(x, y, color=line.color, marker=marker, markersize=4, label=line.label, linewidth=1.4)
    low, high = min(values), max(values)
    if panel.ends:
        axes.set_ylim(*panel.ends)
    elif low > 0 and high / low > _DECADE:
        axes.set_yscale("log")
    if axes.get_yscale() == "linear":
        axes.yaxis.set_major_locator(MaxNLocator(3, steps=STEPS, integer=panel.whole))
        axes.yaxis.set_major_formatter(ticks(panel.metric))
    else:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    if any(line.label for line in panel.lines):
        axes.legend(loc="upper right", ncols=2, fontsize=8, handlelength=1.2, columnspacing=1.0)


def _written(panel: _Panel, number: float) -> str:
    return numbers.metric(panel.metric, number) if panel.metric else f"{number:.4g}"


def _title(records: Sequence[SupernetEpoch]) -> str:
    last = records[-1]
    said = f"Shared weights, trained for {last.epoch} epoch{'s' * (last.epoch > 1)}"
    if math.isfinite(last.val_accuracy):
        return f"{said}: what is derived reaches {numbers.percent(last.val_accuracy, 1)} with them"
    return said
