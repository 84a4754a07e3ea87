"""Accuracy against what it costs."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from archsmith.pareto import nondominated
from archsmith.report import numbers
from archsmith.report.data import ReportData, value
from archsmith.report.pictures.axes import clipped, foot, label, metric_axis, note, plot, scatter, window
from archsmith.report.style import BLUE, INK, MUTED, ORANGE, styled
from archsmith.values import Trial

_NAMES = {"n_params": "parameters", "latency_s": "latency", "flops": "multiply-adds", "peak_memory_mb": "peak memory"}


@styled
def pareto(data: ReportData, cost: str) -> Figure:
    """Draw accuracy against a cost to be kept low, the front among the trials within the limits, and the winner."""
    shown = [t for t in data.history.completed if value(t, cost) > 0 and not math.isnan(value(t, "accuracy"))]
    if not shown:
        return note(f"Accuracy against {_name(cost)}", f"No trial has both a finite accuracy and a value of {cost} above 0.")
    best = front([(value(t, cost), value(t, "accuracy")) for t in shown if data.allowed(t)])
    figure, axes = plot(_title(best, cost))
    ends = window([value(t, "accuracy") for t in shown], 1)
    axes.set_xscale("log")
    scatter(axes, [(value(t, cost), value(t, "accuracy"), data.allowed(t)) for t in shown], ends, "v")
    _front(axes, best)
    _winner(axes, data.winner, cost, ends)
    axes.set_xlim(*_span([value(t, cost) for t in shown]))
    axes.set_ylim(*ends)
    _limits(axes, data, cost)
    metric_axis(axes, "y", "accuracy")
    metric_axis(axes, "x", cost, log=True)
    foot(figure)
    return figure


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points (cost, accuracy) that no other one beats, the cheapest first; equal ones once."""
    distinct = sorted(set(points))
    on = nondominated(np.array([(cost, -accuracy) for cost, accuracy in distinct]).reshape(-1, 2))
    return [point for point, kept in zip(distinct, on, strict=True) if kept]


def _name(cost: str) -> str:
    return _NAMES.get(cost, label(cost))


def _title(best: Sequence[tuple[float, float]], cost: str) -> str:
    """State what a better accuracy costs along the front."""
    if not best:
        return f"No trial is within the limits: accuracy against {_name(cost)}"
    (low, poor), (high, good) = best[0], best[-1]
    if len(best) == 1:
        return f"One trial is best in both: {numbers.percent(good)} at {_amount(cost, high)}"
    many = f"{high / low:.1f}" if high / low < 10 else f"{high / low:.0f}"
    return f"From {numbers.percent(poor)} at {_amount(cost, low)} to {numbers.percent(good)} at {many} times that"


def _amount(cost: str, number: float) -> str:
    text = numbers.short(number) if cost in {"n_params", "flops"} else numbers.metric(cost, number)
    return f"{text} {_name(cost)}" if cost in {"n_params", "flops"} else text


def _span(costs: Sequence[float]) -> tuple[float, float]:
    room = max(1.06, (max(costs) / min(costs)) ** 0.06)
    return min(costs) / room, max(costs) * room


def _front(axes: Axes, best: Sequence[tuple[float, float]]) -> None:
    if best:
        x, y = zip(*best, strict=True)
        axes.plot(x, y, drawstyle="steps-post", color=BLUE, linewidth=1.2, zorder=3)
        axes.plot(x, y, "o", color=BLUE, markersize=5, label="Pareto front", zorder=4)


def _winner(axes: Axes, winner: Trial | None, cost: str, ends: tuple[float, float]) -> None:
    if winner is None or not value(winner, cost) > 0 or math.isnan(value(winner, "accuracy")):
        return
    at = (value(winner, cost), clipped([value(winner, "accuracy")], ends)[0])
    axes.scatter(*at, marker="*", s=190, color=ORANGE, edgecolors=INK, linewidths=0.8, label="winner", zorder=5)


def _limits(axes: Axes, data: ReportData, cost: str) -> None:
    """Draw the limits that lie within the plot, or widen it to show that of the cost where it is near."""
    for objective in data.spec.objectives:
        if objective.limit is None or objective.metric not in {cost, "accuracy"}:
            continue
        if objective.metric == "accuracy":
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
        size=8,
    )
