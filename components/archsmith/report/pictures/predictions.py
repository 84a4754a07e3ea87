"""What was expected of the trials that were never to be stopped, and what came."""

import numpy as np
from matplotlib.figure import Figure

from archsmith.report import numbers
from archsmith.report.data import ReportData
from archsmith.report.facts import number
from archsmith.report.pictures.axes import foot, metric_axis, note, plot
from archsmith.report.pictures.pointing import point_out
from archsmith.report.style import BLUE, FAINT, MUTED, styled
from archsmith.values.outcome import Foretold

NINETY = 1.645
"""Standard deviations to either side that hold 90 % of a normal distribution."""


@styled
def predictions(data: ReportData) -> Figure:
    """Draw what came over what was expected when a trial would have been stopped, with what 90 of 100 were to lie within."""
    if not data.foretold:
        return note("Predicted, and what came", "No trial that would have been stopped was spared.")
    expected = np.array([f.stop.predicted for f in data.foretold])
    within = NINETY * np.array([f.stop.deviation for f in data.foretold])
    came = np.array([f.came for f in data.foretold])
    n, right = len(came), int((abs(came - expected) <= within).sum())
    figure, axes = plot(f"Predicted, and what came: {right} of {n} within the interval of 90 %")
    ends = (min(expected.min(), came.min()), max(expected.max(), came.max()))
    axes.plot(ends, ends, color=FAINT, linewidth=0.9, label="as expected", zorder=1)
    axes.errorbar(
        expected, came, xerr=within, fmt="o", markersize=4, color=BLUE, ecolor=MUTED, elinewidth=0.7, label="trial that ran on"
    )
    metric = data.objective.metric
    point_out(axes, [(f.stop.predicted, f.came, _told(f, metric)) for f in data.foretold])
    metric_axis(axes, "x", metric)
    metric_axis(axes, "y", metric)
    axes.set_xlabel(f"predicted {axes.get_xlabel()}")
    axes.set_ylabel(axes.get_ylabel().replace("validation ", ""))
    foot(figure)
    return figure


def _told(found: Foretold, metric: str) -> str:
    """Say what was expected of a trial, and what came."""
    predicted, came = numbers.metric(metric, found.stop.predicted), numbers.metric(metric, found.came)
    return f"trial {number(found.trial)}\nexpected after epoch {found.stop.epoch}: {predicted}\ncame: {came}"
