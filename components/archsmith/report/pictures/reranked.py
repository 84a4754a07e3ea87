"""What shared weights said of architectures, and what these came to when trained alone."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from archsmith.report import numbers
from archsmith.report.data import ReportData, value
from archsmith.report.pictures.axes import STEPS, foot, label, metric_axis, note, plot
from archsmith.report.pictures.pointing import point_out
from archsmith.report.style import BLUE, FAINT, INK, ORANGE, styled
from archsmith.report.telling import teller
from archsmith.values.agreement import Agreement
from archsmith.values.looks import told_by


@styled
def reranked(data: ReportData) -> Figure:
    """Draw what was trained alone: its metric over what it had with shared weights, or over its place among what was derived."""
    metric = data.quality
    alone = {t.proposal.architecture: t for t in data.history.alone.completed if not math.isnan(value(t, metric))}
    by = told_by(metric, data.history.looks)
    looks = {t.proposal.architecture: t for t in data.history.looks if t.status == "complete" and not math.isnan(value(t, by))}
    both = [a for a in alone if a in looks] if looks else list(alone)
    if not both:
        return note("Shared weights against training alone", "Nothing was trained alone yet of what was looked at.")
    found = data.reranking
    figure, axes = plot(_title(found.agreement if found else None, len(both)))
    at = {a: value(looks[a], by) if looks else float(place) for place, a in enumerate(both, 1)}
    axes.plot(
        [at[a] for a in both], [value(alone[a], metric) for a in both], "o", color=BLUE, markersize=5, label="trained alone"
    )
    if looks:
        _rug(axes, [value(t, by) for t in looks.values()])
    told = teller(data)
    shared = {a: f"\n{_named(by)} with shared weights {numbers.metric(by, at[a])}" if looks else "" for a in both}
    point_out(axes, [(at[a], value(alone[a], metric), f"{told(alone[a])}{shared[a]}") for a in both])
    winner = data.winner
    if winner and winner.proposal.architecture in at:
        place = (at[winner.proposal.architecture], value(winner, metric))
        axes.scatter(*place, marker="*", s=190, color=ORANGE, edgecolors=INK, linewidths=0.8, label="winner", zorder=5)
    metric_axis(axes, "y", metric)
    if looks:
        metric_axis(axes, "x", by)
        axes.set_xlabel(f"{_named(by)} with shared weights")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(7, steps=STEPS, integer=True))
        axes.set_xlabel("place among what was derived")
    axes.set_ylabel(f"{_named(metric)} trained alone")
    foot(figure)
    return figure


def _named(metric: str) -> str:
    return label(metric).replace("validation ", "")


def _rug(axes: Axes, looks: list[float]) -> None:
    """Mark all looks at the foot."""
    axes.plot(
        looks, [0.0] * len(looks), "|", color=FAINT, markersize=9, markeredgewidth=0.6, transform=axes.get_xaxis_transform(),
        label="looked at", clip_on=False, zorder=1, rasterized=len(looks) > 2000,
    )  # fmt: skip


def _title(agreed: Agreement | None, n: int) -> str:
    if agreed is None or math.isnan(agreed.tau):
        return f"Shared weights against training alone, of {n} architecture{'s' * (n > 1)}"
    return f"Kendall's tau {agreed.tau:.2f} among the {n} trained alone; without any relation it is within ±{agreed.spread:.2f}"
