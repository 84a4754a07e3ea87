"""The learning curves of all trials."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from archsmith.report import numbers
from archsmith.report.data import ReportData
from archsmith.report.facts import number
from archsmith.report.pictures.axes import STEPS, foot, metric_axis, note, plot, window
from archsmith.report.pictures.pointing import Spot, point_out
from archsmith.report.spread import spread
from archsmith.report.style import FAINT, MUTED, ORANGE, PURPLE, RED, SERIES, SKY, styled
from archsmith.report.telling import teller
from archsmith.values import GoesOn, Trial

RUNGS = (FAINT, SKY, ORANGE, PURPLE, MUTED)
"""Colours of thin curves by rung, from the cheapest to the last one; of a single one, the first."""
_FEW = 5
"""Fewer curves than these are shown whole."""
_LINE_HEIGHT = 0.05
"""Of a label, as a share of the plot's height."""


@styled
def learning_curves(data: ReportData) -> Figure:
    """Draw validation accuracy over epochs: all trials thin, by the rung that they ended at, and the best five by name.

    A curve that another trial went on with is a part of that one's.
    """
    gone_on = {t.proposal.origin.trial for t in data.history if t.curve and isinstance(t.proposal.origin, GoesOn)}
    drawn = {t.id: t for t in data.history if t.curve and t.id not in gone_on}
    lines = {k: line for k, t in drawn.items() if np.isfinite((line := _line(t))[:, 1]).any()}
    if not lines:
        return note("No learning curves", "No trial has a validation accuracy of any epoch.")
    best = [t for t in data.ranked if t.id in lines][: len(SERIES)]
    figure, axes = plot(_title(len(lines), len(best)), height=4.6)
    _draw(axes, [(drawn[k], line) for k, line in lines.items()])
    # With many curves the range is that of where they end, so that the first epochs don't flatten what matters.
    ended = [_end(line) for line in lines.values()]
    heights = np.concatenate([line[:, 1] for line in lines.values()])
    whole = [float(np.nanmin(heights)), float(np.nanmax(heights))]
    ends = _range(whole if len(lines) < _FEW else [y for _, y in ended], [lines[t.id] for t in best], whole[1])
    last = max(2.0, *(x for x, _ in ended))
    axes.set_xlim(1 - 0.02 * last, last)
    axes.set_ylim(*ends)
    _name(axes, [(t, lines[t.id]) for t in best], ends, last)
    point_out(axes, [spot for spot in _spots(data, drawn, lines, best) if ends[0] <= spot[1] <= ends[1]])
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=STEPS, integer=True))
    axes.set_xlabel("epoch")
    metric_axis(axes, "y", "accuracy")
    if axes.get_legend_handles_labels()[1]:
        foot(figure)
    return figure


def _draw(axes: Axes, curves: Sequence[tuple[Trial, np.ndarray]]) -> None:
    """Draw all curves thin, in a colour a rung where there are several, with a cross where one was stopped early."""
    rungs = sorted({t.proposal.fidelity for t, _ in curves}, key=lambda f: f.cost)
    many = len(curves) > 500
    for k, rung in enumerate(rungs):
        lines = [line for t, line in curves if t.proposal.fidelity == rung]
        color = RUNGS[k * (len(RUNGS) - 1) // max(1, len(rungs) - 1)]
        name = f"to {rung.words}" if len(rungs) > 1 else ""
        axes.add_collection(LineCollection(lines, colors=color, linewidths=0.7, alpha=0.7, rasterized=many, zorder=2, label=name))
        if points := [line[0] for line in lines if len(line) == 1]:
            across, up = np.transpose(points)
            axes.scatter(across, up, s=4, color=color, rasterized=many, zorder=2)
    if stopped := [_end(line) for t, line in curves if t.status == "stopped"]:
        across, up = np.transpose(stopped)
        axes.scatter(across, up, s=12, marker="x", color=RED, linewidths=0.8, zorder=2.5, label="stopped early")


def _spots(
    data: ReportData, drawn: Mapping[str, Trial], lines: Mapping[str, np.ndarray], best: Sequence[Trial]
) -> Iterator[Spot]:
    """Say which trial each curve is, where it ends, and of the best what each epoch reached."""
    told = teller(data)
    for trial in best:
        for epoch, accuracy in lines[trial.id][np.isfinite(lines[trial.id][:, 1])].tolist():
            yield epoch, accuracy, f"trial {number(trial)}, epoch {epoch:.0f}: {numbers.percent(accuracy)}"
    for k, line in lines.items():
        yield *_end(line), told(drawn[k])


def _range(heights: Sequence[float], best: Sequence[np.ndarray], highest: float) -> tuple[float, float]:
    """Return the range of the axis: what is shown well, widened to the highest point of all and the ends of the best."""
    low, high = window(heights, 1)
    room = 0.08 * (high - low)
    return min([low, *(_end(line)[1] - room for line in best)]), max(high, highest + room)  # none is best where all have failed


def _line(trial: Trial) -> np.ndarray:
    """Return a curve as (epochs, 2), float64; a value that is no finite number leaves a gap."""
    line = np.array([(r.epoch, r.val_accuracy) for r in trial.curve], float)
    line[~np.isfinite(line)] = np.nan
    return line


def _end(line: np.ndarray) -> tuple[float, float]:
    """Return the last point of a curve that is there."""
    x, y = line[np.isfinite(line[:, 1])][-1]
    return float(x), float(y)


def _title(n: int, best: int) -> str:
    return f"Learning curves of {n} trial{'s' if n > 1 else ''}" + (f"; the best {best} by name" if best > 1 else "")


def _name(axes: Axes, best: list[tuple[Trial, np.ndarray]], ends: tuple[float, float], last: float) -> None:
    """Draw the best curves, and write their trials beside their ends, apart from each other."""
    named = []
    for (trial, line), color in zip(best, SERIES, strict=False):
        markers = "o" if len(line) == 1 else ""
        axes.plot(line[:, 0], line[:, 1], color=color, marker=markers, markersize=4, linewidth=1.5, zorder=3, clip_on=True)
        x, y = _end(line)
        named.append((min(max(y, ends[0]), ends[1]), x, trial, color))
    named.sort(key=lambda n: n[0])
    step = _LINE_HEIGHT * (ends[1] - ends[0])
    heights = spread([n[0] for n in named], [step] * (len(named) - 1))
    over = max(0.0, heights[-1] - ends[1]) if heights else 0.0
    for (y, x, trial, color), height in zip(named, heights, strict=True):
        text = f"{number(trial)}  {numbers.percent(trial.metrics.get('accuracy', math.nan), 1)}"
        at = (last + 0.05 * last, height - over)
        axes.plot((x, at[0] - 0.01 * last), (y, at[1]), color=color, linewidth=0.6, clip_on=False)
        axes.text(*at, text, color=color, size=9, va="center")
