"""What the plots share: axes in readable units, a range that outliers don't spoil, and a note where there is nothing to draw."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter

from archsmith.report import numbers
from archsmith.report.style import FAINT, MUTED

WIDTH, HEIGHT = 4.2, 3.2
"""Inches of a plot: half the width of a page, or all of a phone's."""

STEPS = (1, 2, 5, 10)
"""Distances of ticks, times a power of ten."""

_TITLE_CHARACTERS = 46
"""Of a line, in a figure of the usual width."""
_IN_THREE, _IN_TWO = 20, 30
"""Characters of a label up to which three columns of a legend fit, and two."""
_MANY = 2000
"""Dots that would make an SVG too large; they are drawn as one image."""
_LABELS = {
    "accuracy": "validation accuracy (%)",
    "loss": "validation loss (nat)",
    "n_params": "parameters",
    "flops": "multiply-adds",
    "latency_s": "latency of one image",
    "peak_memory_mb": "peak memory (MB)",
}


_TICKS: Mapping[str, Callable[[float], str]] = {
    "accuracy": lambda v: f"{100 * v:.10g}",
    "n_params": numbers.short,
    "flops": numbers.short,
    "latency_s": numbers.time,
}


def plot(title: str, *, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """Return a figure with one plot and its title, which may take several lines."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    head(figure, title)
    return figure, axes


def note(title: str, why: str) -> Figure:
    """Return a figure that says why there is nothing to draw."""
    figure, axes = plot(title, height=1.5)
    axes.set_axis_off()
    axes.text(0.0, 0.9, textwrap.fill(why, 55), transform=axes.transAxes, va="top", color=MUTED)
    return figure


def head(figure: Figure, title: str) -> None:
    """Write a title over the whole figure, from its left edge, in as many lines as it needs."""
    most = int(_TITLE_CHARACTERS * figure.get_figwidth() / WIDTH)
    n = len(textwrap.wrap(title, most))
    # The narrowest that needs no more lines, so that no single word is left over for the last one.
    even = next(w for w in range(1, most + 1) if len(textwrap.wrap(title, w)) <= n)
    figure.suptitle(textwrap.fill(title, even), x=0.012, ha="left", size=10, weight="bold")


def foot(figure: Figure) -> None:
    """Write the legend below the plot, where it hides nothing, in as many columns as there is room for."""
    longest = max(len(label) for axes in figure.axes for label in axes.get_legend_handles_labels()[1])
    figure.legend(
        loc="outside lower left", ncols=3 if longest <= _IN_THREE else 2 if longest <= _IN_TWO else 1, columnspacing=1.2
    )


def label(metric: str) -> str:
    """Return what to write on the axis of a metric, with its unit where the ticks don't have it."""
    return _LABELS.get(metric, metric)


def ticks(metric: str) -> FuncFormatter:
    """Return how the ticks of a metric are written."""
    write = _TICKS.get(metric, "{:.6g}".format)
    return FuncFormatter(lambda v, _: write(v))


def metric_axis(axes: Axes, which: str, metric: str, *, log: bool = False) -> None:
    """Label the x or y axis with a metric and its unit."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_label_text(label(metric))
    if log:
        low, high = axes.get_xlim()
        axis.set_major_locator(_log_ticks(high / low))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(6, steps=STEPS))
    axis.set_major_formatter(ticks(metric))


def _log_ticks(ratio: float) -> Locator:
    """Return where the ticks of a logarithmic axis are: the fewer powers of ten it has, the more between them."""
    if ratio < 6:
        return MaxNLocator(4, steps=STEPS)
    return LogLocator(subs=(1.0, 2.0, 5.0) if ratio < 50 else (1.0,), numticks=8)


def window(values: Sequence[float], sign: int) -> tuple[float, float]:
    """Return the range of an axis that shows the good values well; the worst may lie outside of it.

    Args:
        values: What is drawn, finite, at least one.
        sign: +1 where a larger value is better, -1 where a smaller one is.
    """
    merits = [sign * v for v in values]
    best = max(merits)
    worst = max(min(merits), best - 4.0 * (best - median(merits)))
    if len(merits) < 5 or worst == best:
        worst = min(merits)
    room = 0.08 * (best - worst) or 0.05 * abs(best) or 0.01
    ends = sorted((sign * (worst - room), sign * (best + room)))
    return ends[0], ends[1]


def scatter(axes: Axes, points: Sequence[tuple[float, float, bool]], ends: tuple[float, float], off: str) -> None:
    """Draw trials as dots: hollow where a limit is broken, at the edge with marker `off` where they lie off the scale.

    Args:
        axes: Where to draw.
        points: x, y and whether the trial is within the limits.
        ends: The range of y.
        off: The marker of a dot that lies out of it.
    """
    groups: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for x, y, allowed in points:
        name, face = ("trial", FAINT) if allowed else ("trial beyond a limit", "none")
        inside = ends[0] <= y <= ends[1]
        key = (name, face, "o") if inside else (f"{name}, off the scale", face, off)
        groups.setdefault(key, []).append((x, clipped([y], ends)[0]))
    for (name, face, marker), group in sorted(groups.items()):
        across, up = np.transpose(group)
        axes.scatter(
            across,
            up,
            s=16,
            marker=marker,
            facecolors=face,
            edgecolors=FAINT,
            label=name,
            clip_on=False,
            rasterized=len(group) > _MANY,
            zorder=2,
        )


def clipped(values: Sequence[float], ends: tuple[float, float]) -> list[float]:
    """Return the values, those out of range moved to its ends."""
    return [min(max(v, ends[0]), ends[1]) for v in values]
