"""Regret over evaluations, of several searches with many seeds each."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from archsmith.report.pictures.axes import STEPS, foot, head
from archsmith.report.style import FAINT, INK, SERIES, SKY, styled

Dash = str | tuple[int, tuple[float, ...]]
"""A style of lines of matplotlib's."""

BASELINE = "random"
"""The search that the others are compared with."""
QUANTILES = (0.25, 0.75)
"""Between which quantiles of the seeds the band of a search lies."""
COLOURS = (*SERIES, SKY, INK)
DASHES: tuple[Dash, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)))
"""Lines of the same colour are told apart by these."""


@styled
def regret(name: str, curves: Mapping[str, np.ndarray], unit: str) -> Figure:
    """Draw the mean regret of each search against evaluations, on a logarithmic scale, and the quartiles of its seeds.

    Args:
        name: What was searched.
        curves: By search, (n_seeds, n_trials): the incumbent's regret after each evaluation; NaN before there is one.
        unit: What the regret is a difference of.
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    seeds = max(len(some) for some in curves.values())
    head(figure, f"{name}: regret over evaluations, mean of {seeds} seed{'s' if seeds > 1 else ''} and its quartiles")
    # Beyond what any mean reaches, a logarithmic scale would go down without an end: a seed that found the best is at 0.
    means = {label: np.nanmean(some[:, _known(some)], axis=0) for label, some in curves.items()}
    floor = 0.5 * min((float(m[m > 0].min()) for m in means.values() if (m > 0).any()), default=1e-3)
    places = {label: k for k, label in enumerate(label for label in curves if label != BASELINE)}
    opacity = min(0.13, 0.4 / len(curves))  # many bands on each other would hide the lines
    for label, some in curves.items():
        colour, dash = _look(places.get(label))
        _line(axes, label, some, floor, color=colour, dash=dash, opacity=opacity)
    axes.set_yscale("log")
    axes.set_ylim(bottom=floor)
    axes.set_xlabel("evaluations")
    axes.set_ylabel(f"regret of {unit}")
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=STEPS, integer=True))
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    foot(figure)
    return figure


def _known(some: np.ndarray) -> np.ndarray:
    """Tell of each evaluation whether all seeds have an incumbent by then."""
    known: np.ndarray = ~np.isnan(some).any(axis=0)
    return known


def _look(place: int | None) -> tuple[str, Dash]:
    """Return colour and dashes of a search by its place among those that are compared; the baseline is grey."""
    if place is None:
        return FAINT, "-"
    return COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)]


def _line(axes: Axes, label: str, some: np.ndarray, floor: float, *, color: str, dash: Dash, opacity: float) -> None:
    """Draw one search, from the first evaluation after which all of its seeds have an incumbent."""
    known = _known(some)
    at, shown = 1 + np.flatnonzero(known), some[:, known]
    low, high = (np.maximum(q, floor) for q in np.quantile(shown, QUANTILES, axis=0))
    axes.fill_between(at, low, high, color=color, alpha=opacity, linewidth=0)
    axes.plot(at, np.maximum(shown.mean(axis=0), floor), color=color, linestyle=dash, label=label)
