"""Regret over evaluations, of several searches with many seeds each."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from archsmith.report.pictures.axes import STEPS, foot, head
from archsmith.report.style import FAINT, INK, SERIES, SKY, styled

QUANTILES = (0.25, 0.75)
"""Between which quantiles of the seeds the band of a search lies."""
COLOURS = (*SERIES, SKY, INK)
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))
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
    for k, (label, some) in enumerate(curves.items()):
        _line(axes, k, label, some[:, _known(some)], 1 + int(_known(some).argmax()), floor)
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


def _line(axes: Axes, k: int, label: str, some: np.ndarray, first: int, floor: float) -> None:
    """Draw one search; the one to compare with is grey."""
    colour = FAINT if label == "random" else COLOURS[k % len(COLOURS)]
    at = np.arange(first, first + some.shape[1])
    low, high = (np.maximum(q, floor) for q in np.quantile(some, QUANTILES, axis=0))
    axes.fill_between(at, low, high, color=colour, alpha=0.13, linewidth=0)
    dash = DASHES[k // len(COLOURS) % len(DASHES)]
    axes.plot(at, np.maximum(some.mean(axis=0), floor), color=colour, linestyle=dash, label=label)
