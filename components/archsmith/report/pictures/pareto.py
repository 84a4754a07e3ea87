"""Accuracy against what it costs."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from archsmith.report import numbers
from archsmith.report.data import ReportData, latencies_differ, value
from archsmith.report.pictures.axes import clipped, foot, label, metric_axis, note, plot, scatter, window
from archsmith.report.pictures.pointing import point_out
from archsmith.report.style import BLUE, FAINT, GREEN, INK, MUTED, ORANGE, styled
from archsmith.report.telling import teller
from archsmith.values import Trial
from archsmith.values.metrics import SPREAD
from archsmith.values.pareto import nondominated

_NAMES = {"n_params": "parameters", "latency_s": "latency", "flops": "multiply-adds", "peak_memory_mb": "peak memory"}


@styled
def pareto(data: ReportData, cost: str) -> Figure:
    """Draw accuracy, or what it is about instead, against a cost to be kept low, with what is best at each cost and the winner.

    Where these two are the goals of the search, what is best is its front; elsewhere the front is marked.
    """
    metric, sign = data.quality, data.quality_sign
    shown = [t for t in data.history.alone.completed if value(t, cost) > 0 and not math.isnan(value(t, metric))]
    if not shown:
        title = f"{metric.capitalize()} against {named(cost)}"
        return note(title, f"No trial has both a finite {metric} and a value of {cost} above 0.")
    is_front = {(o.metric, o.sign) for o in data.spec.objectives if o.goal} == {(metric, sign), (cost, -1)}
    some = [t for t in shown if (t in data.front if is_front else data.allowed(t))]
    best = front([(value(t, cost), value(t, metric)) for t in some], sign)
    figure, axes = plot(_title(shown, best, metric, cost))
    ends = window([value(t, metric) for t in shown], sign)
    axes.set_xscale("log")
    scatter(axes, [(value(t, cost), value(t, metric), data.allowed(t)) for t in shown], ends, "v" if sign > 0 else "^")
    if cost == "latency_s":
        _spreads(axes, shown, metric, ends)
    _stairs(axes, best, "front" if is_front else "best at its cost")
    if data.several and not is_front:
        _rings(axes, [t for t in data.front if t in shown], (cost, metric), ends)
    _winner(axes, data.winner, (cost, metric), ends)
    told = teller(data)
    point_out(axes, [(value(t, cost), clipped([value(t, metric)], ends)[0], told(t)) for t in shown])
    axes.set_xlim(*_span([value(t, cost) for t in shown]))
    axes.set_ylim(*ends)
    _limits(axes, data, cost, metric)
    metric_axis(axes, "y", metric)
    metric_axis(axes, "x", cost, log=True)
    foot(figure)
    return figure


def front(points: Sequence[tuple[float, float]], sign: int = 1) -> list[tuple[float, float]]:
    """Return the points (cost, accuracy) that no other one beats, the cheapest first; equal ones once.

    Args:
        points: Any number.
        sign: -1 where less of what stands for the accuracy is better.
    """
    distinct = sorted(set(points))
    on = nondominated(np.array([(cost, -sign * accuracy) for cost, accuracy in distinct]).reshape(-1, 2))
    return [point for point, kept in zip(distinct, on, strict=True) if kept]


def named(cost: str) -> str:
    """Return what people call a cost."""
    return _NAMES.get(cost, label(cost))


def _title(shown: Sequence[Trial], best: Sequence[tuple[float, float]], metric: str, cost: str) -> str:
    """State what is better at what cost, where the costs can be told apart."""
    if not best:
        return f"No trial is within the limits: {metric} against {named(cost)}"
    if cost == "latency_s" and len(shown) > 1 and not _can_be_told_apart(shown):
        return "The latencies differ by no more than their measurements do: noise"
    (low, poor), (high, good) = best[0], best[-1]
    worst, reached = numbers.metric(metric, poor), numbers.metric(metric, good)
    if len(best) == 1:
        said = "One trial is best in both" if len(shown) > 1 else "The only trial"
        return f"{said}: {reached} at {_amount(cost, high)}"
    many = f"{high / low:.1f}" if high / low < 10 else f"{high / low:.0f}"
    return f"From {worst} at {_amount(cost, low)} to {reached} at {many} times that"


def _can_be_told_apart(shown: Sequence[Trial]) -> bool:
    """Tell whether any two of the latencies differ by more than noise: those whose ranges end first and begin last."""
    quickest = min(shown, key=lambda t: t.metrics["latency_s"] + t.metrics.get(SPREAD, 0.0))
    slowest = max(shown, key=lambda t: t.metrics["latency_s"] - t.metrics.get(SPREAD, 0.0))
    return latencies_differ(quickest.metrics, slowest.metrics)


def _amount(cost: str, number: float) -> str:
    text = numbers.short(number) if cost in {"n_params", "flops"} else numbers.metric(cost, number)
    return f"{text} {named(cost)}" if cost in {"n_params", "flops"} else text


def _span(costs: Sequence[float]) -> tuple[float, float]:
    room = max(1.06, (max(costs) / min(costs)) ** 0.06)
    return min(costs) / room, max(costs) * room


def _stairs(axes: Axes, best: Sequence[tuple[float, float]], name: str) -> None:
    if best:
        x, y = zip(*best, strict=True)
        axes.plot(x, y, drawstyle="steps-post", color=BLUE, linewidth=1.2, zorder=3)
        axes.plot(x, y, "o", color=BLUE, markersize=5, label=name, zorder=4)


def _rings(axes: Axes, trials: Sequence[Trial], metrics: tuple[str, str], ends: tuple[float, float]) -> None:
    """Mark the front of a search whose goals are others than those of the picture."""
    if trials:
        x, y = [value(t, metrics[0]) for t in trials], clipped([value(t, metrics[1]) for t in trials], ends)
        axes.scatter(x, y, s=70, facecolors="none", edgecolors=GREEN, linewidths=1.3, label="front", zorder=4)


def _spreads(axes: Axes, shown: Sequence[Trial], metric: str, ends: tuple[float, float]) -> None:
    """Draw how far the repeated measurements of each latency lie apart."""
    known = [t for t in shown if t.metrics.get(SPREAD, 0.0) > 0]
    low = [max(t.metrics["latency_s"] - t.metrics[SPREAD], t.metrics["latency_s"] / 100) for t in known]
    high = [t.metrics["latency_s"] + t.metrics[SPREAD] for t in known]
    axes.hlines(clipped([value(t, metric) for t in known], ends), low, high, color=FAINT, linewidth=0.9, zorder=1)


def _winner(axes: Axes, winner: Trial | None, metrics: tuple[str, str], ends: tuple[float, float]) -> None:
    cost, metric = metrics
    if winner is None or not value(winner, cost) > 0 or math.isnan(value(winner, metric)):
        return
    at = (value(winner, cost), clipped([value(winner, metric)], ends)[0])
    axes.scatter(*at, marker="*", s=190, color=ORANGE, edgecolors=INK, linewidths=0.8, label="winner", zorder=5)


def _limits(axes: Axes, data: ReportData, cost: str, metric: str) -> None:
    """Draw the limits that lie within the plot, or widen it to show that of the cost where it is near."""
    for objective in data.spec.objectives:
        if objective.limit is None or objective.metric not in {cost, metric}:
            continue
        if objective.metric == metric:
            axes.axhline(objective.limit, color=MUTED, linestyle="--", linewidth=1)
        elif objective.limit > 0:
            _limit(axes, cost, objective.limit)


def _limit(axes: Axes, cost: str, limit: float) -> None:
    low, high = axes.get_xlim()
    if not low / 3 < limit < high * 3:
        return
    axes.set_xlim(min(low, limit / 1.1), max(high, limit * 1.1))
    axes.axvline(limit, color=MUTED, linestyle="--", linewidth=1)
    axes.annotate(
        f"limit {_amount(cost, limit)}",
        (limit, 0.02),
        (-2, 0),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha="right",
        va="bottom",
        rotation=90,
        color=MUTED,
        size=9,
    )
