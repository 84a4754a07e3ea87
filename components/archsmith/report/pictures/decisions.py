"""What each choice of a decision went along with."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from archsmith.report import numbers
from archsmith.report.data import ReportData, value
from archsmith.report.effects import FEWEST, ChoiceEffect, Effect, effects
from archsmith.report.facts import said
from archsmith.report.pictures.axes import clipped, label, metric_axis, note, plot, window
from archsmith.report.pictures.pointing import point_out
from archsmith.report.style import BLUE, INK, MUTED, styled

_MOST = 12
_SAME = 1e-9
"""Accuracies that differ by less are equal."""
_ROW = 0.19
"""Inches."""
_GAP = 0.5
"""Rows between one decision and the next."""

Rows = list[tuple[float, Effect | ChoiceEffect]]


@styled
def decision_effects(data: ReportData) -> Figure:
    """Draw the mean accuracy, or what it is about instead, of each choice, the decisions that surely explain most first."""
    metric = data.quality
    known = [value(t, metric) for t in data.compared if not math.isnan(value(t, metric))]
    found = effects(data.space, data.compared, metric)[:_MOST]
    if not found:
        what = f"It takes {FEWEST} to tell an effect from chance, and a decision tried with two choices."
        return note("No effects to show", f"Trials with a value of {metric}: {len(known)}. {what}")
    if max(known) - min(known) < _SAME:
        same = numbers.metric(metric, known[0])
        return note("No decision matters here", f"All {len(known)} trials have the same {metric}: {same}.")
    rows = _rows(found)
    figure, axes = plot(_title(found[0], metric, len(known)), height=1.3 + _ROW * rows[-1][0])
    mean = math.fsum(known) / len(known)
    axes.axvline(mean, color=MUTED, linewidth=0.9, linestyle=":", zorder=1)
    ends = window([choice.mean for effect in found for choice in effect.choices], data.quality_sign)
    for y, row in rows:
        _draw(axes, y, row, ends)
    point_out(axes, [(clipped([row.mean], ends)[0], y, _told(row, metric)) for y, row in rows if isinstance(row, ChoiceEffect)])
    axes.set_xlim(*ends)
    axes.set_ylim(rows[-1][0] + 0.8, -0.8)
    axes.set_yticks(*_ticks(rows))
    axes.tick_params(axis="y", length=0, pad=8)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    metric_axis(axes, "x", metric)
    dotted = numbers.percent(mean, 1) if metric == "accuracy" else numbers.metric(metric, mean)
    looked = data.compared[0].proposal.is_look
    among = f"{'looks with shared weights' if looked else 'trials'}{data.compared_at and f' at {data.compared_at}'}"
    axes.set_xlabel(f"mean {label(metric)} ± standard error\ndotted: the mean of all {among}, {dotted}")
    return figure


def _title(first: Effect, metric: str, n: int) -> str:
    if not first.sure:
        return f"Of {n} trials, no decision's effect on {metric} can be told from chance"
    return f"{first.decision} explains most: {numbers.percent(first.share, 0)} of the variance of {metric}"


def _rows(found: Sequence[Effect]) -> Rows:
    """Return the lines of the plot and their places: each decision, followed by its choices."""
    rows: Rows = []
    y = -_GAP
    for effect in found:
        y += _GAP
        rows.append((y, effect))
        rows += [(y + i, choice) for i, choice in enumerate(effect.choices, 1)]
        y += len(effect.choices) + 1
    return rows


def _ticks(rows: Rows) -> tuple[list[float], list[str]]:
    named = [(y, f"{said(row.choice)}  ({row.n})") for y, row in rows if isinstance(row, ChoiceEffect)]
    return [y for y, _ in named], [text for _, text in named]


def _told(row: ChoiceEffect, metric: str) -> str:
    error = "" if math.isnan(row.error) else f" ± {numbers.metric(metric, row.error)}"
    return (
        f"{said(row.choice)}: mean {label(metric)} {numbers.metric(metric, row.mean)}{error}, of {row.n} trial{'s' * (row.n > 1)}"
    )


def _draw(axes: Axes, y: float, row: Effect | ChoiceEffect, ends: tuple[float, float]) -> None:
    """Draw a decision's heading, or a choice's mean: hollow without a standard error, an arrowhead off the scale."""
    if isinstance(row, Effect):
        edge = axes.get_yaxis_transform()
        axes.text(0.0, y, row.decision, transform=edge, va="center", weight="bold", size=9, color=INK)
        told = numbers.percent(row.share, 0) if row.sure else "may be chance"
        axes.text(1.0, y, told, transform=edge, va="center", ha="right", size=9, color=MUTED)
        return
    error = None if math.isnan(row.error) else row.error
    face = "none" if error is None else BLUE
    if not ends[0] <= row.mean <= ends[1]:
        edge_x, marker = (ends[0], "<") if row.mean < ends[0] else (ends[1], ">")
        axes.plot(edge_x, y, marker, color=BLUE, markerfacecolor=face, markersize=5, clip_on=False)
        return
    axes.errorbar(row.mean, y, xerr=error, fmt="o", color=BLUE, markerfacecolor=face, markersize=4.5, elinewidth=1.2, zorder=3)
