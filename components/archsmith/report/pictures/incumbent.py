"""The incumbent over time."""

import math
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from archsmith.report import numbers
from archsmith.report.data import ReportData, value
from archsmith.report.facts import heading, number
from archsmith.report.pictures.axes import STEPS, clipped, foot, metric_axis, note, plot, scatter, window
from archsmith.report.pictures.pointing import point_out
from archsmith.report.style import BLUE, FAINT, GRID, RED, styled
from archsmith.report.telling import teller
from archsmith.values import Trial

Steps = list[tuple[float, float, Trial]]
"""When each incumbent came, its value, and the trial."""


@styled
def incumbent(data: ReportData, by: Literal["trials", "seconds"]) -> Figure:
    """Draw the best value of the first objective so far, against trials or against seconds of search."""
    metric = data.objective.metric
    shown = [t for t in data.history.alone.completed if not math.isnan(value(t, metric))]
    looks = [t for t in data.history.looks if not math.isnan(value(t, metric))]
    if not shown:
        return note("No incumbent", _why_not(data, metric))
    at, unit, axis = _clock(data, by)
    steps = best_so_far(data, at)
    figure, axes = plot(_title(data, steps, by, unit))
    ends = window([value(t, metric) for t in (*shown, *looks)], data.objective.sign)
    _looks(axes, [(at[t.id], clipped([value(t, metric)], ends)[0]) for t in looks])
    _dots(axes, data, shown, at, ends)
    _stairs(axes, [(when, found) for when, found, _ in steps], max(at.values()))
    _crosses(axes, [at[t.id] for t in data.failed])
    _point_out(axes, data, [*looks, *shown], at, ends)
    axes.set_ylim(*ends)
    axes.set_xlim(-0.02 * max(at.values()) if by == "trials" else 0, 1.02 * max(at.values()) or 1)
    metric_axis(axes, "y", metric)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=STEPS, integer=by == "trials"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.6g}"))
    axes.set_xlabel(axis)
    foot(figure)
    return figure


def best_so_far(data: ReportData, at: dict[str, float]) -> Steps:
    """Return when each incumbent came and its value; only trainings within the limits that compare with the winner count."""
    metric, sign = data.objective.metric, data.objective.sign
    steps: Steps = []
    for trial in sorted(data.history.alone.completed, key=lambda t: (at[t.id], t.proposal.number)):
        found = value(trial, metric)
        if (
            data.compares(trial)
            and data.allowed(trial)
            and not math.isnan(found)
            and (not steps or sign * found > sign * steps[-1][1])
        ):
            steps.append((at[trial.id], found, trial))
    return steps


def _why_not(data: ReportData, metric: str) -> str:
    if not len(data.history):
        return "No trial has ended yet."
    if data.history.looks and not len(data.history.alone):
        return "All trials were looks with shared weights, and none was trained alone."
    if not data.history.completed:
        return f"All {len(data.history)} trials failed; their reasons are listed under failed trials."
    return f"No trial has a finite value of the metric {metric}."


def _clock(data: ReportData, by: Literal["trials", "seconds"]) -> tuple[dict[str, float], str, str]:
    """Return the time of each trial by its id, the unit in words, and the axis's label."""
    if by == "trials":
        return {t.id: float(t.proposal.number) for t in data.history}, "", "number of the trial"
    longest = max(data.finished_s.values())
    unit, seconds = next((u, s) for u, s in (("h", 3600.0), ("min", 60.0), ("s", 1.0)) if longest >= 2 * s or s == 1.0)
    return {k: v / seconds for k, v in data.finished_s.items()}, unit, f"time of search ({unit})"


def _title(data: ReportData, steps: Steps, by: str, unit: str) -> str:
    """State when the best was found."""
    if not steps:
        return "No trial is within the limits"
    when, best, trial = steps[-1]
    where = f"by trial {number(trial)}" if by == "trials" else f"after {when:.3g} {unit} of search"
    return f"Best {heading(data.objective.metric)}: {numbers.metric(data.objective.metric, best)}, found {where}"


def _dots(axes: Axes, data: ReportData, shown: list[Trial], at: dict[str, float], ends: tuple[float, float]) -> None:
    """Draw the trials."""
    metric = data.objective.metric
    off = "v" if data.objective.sign > 0 else "^"
    scatter(axes, [(at[t.id], value(t, metric), data.allowed(t)) for t in shown], ends, off)


def _looks(axes: Axes, points: list[tuple[float, float]]) -> None:
    """Draw what was measured with shared weights, which does not compare with what was trained."""
    if points:
        x, y = zip(*points, strict=True)
        axes.scatter(
            x, y, s=5, color=GRID, edgecolors=FAINT, linewidths=0.5, label="look, shared weights", zorder=1.5, clip_on=False
        )


def _stairs(axes: Axes, steps: list[tuple[float, float]], until: float) -> None:
    if not steps:
        return
    x, y = zip(*steps, (until, steps[-1][1]), strict=True)
    axes.plot(x, y, drawstyle="steps-post", color=BLUE, label="incumbent", zorder=3)
    axes.plot(x[:-1], y[:-1], "o", color=BLUE, markersize=4, zorder=4)


def _crosses(axes: Axes, x: list[float]) -> None:
    """Mark failed trials at the foot."""
    if x:
        edge = axes.get_xaxis_transform()
        axes.scatter(x, [0.0] * len(x), marker="x", s=22, color=RED, transform=edge, clip_on=False, label="failed", zorder=5)


def _point_out(axes: Axes, data: ReportData, shown: list[Trial], at: dict[str, float], ends: tuple[float, float]) -> None:
    """Say which trial each dot is, and each cross at the foot."""
    metric, told = data.objective.metric, teller(data)
    point_out(axes, [(at[t.id], clipped([value(t, metric)], ends)[0], told(t)) for t in shown])
    point_out(axes, [(at[t.id], 0.0, told(t)) for t in data.failed], axes.get_xaxis_transform())
