"""The pictures of a report, each a figure made from its data."""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from archsmith.report.data import ReportData
from archsmith.report.pictures.curves import learning_curves
from archsmith.report.pictures.decisions import decision_effects
from archsmith.report.pictures.graph import graph_figure, graph_png, graph_svg
from archsmith.report.pictures.incumbent import incumbent
from archsmith.report.pictures.pareto import pareto
from archsmith.report.pictures.predictions import predictions
from archsmith.report.pictures.retraining import retraining

__all__ = ["FIGURES", "drawn", "graph_figure", "graph_png", "graph_svg"]

FIGURES: Mapping[str, Callable[[ReportData], Figure]] = {
    "incumbent-trials": lambda data: incumbent(data, "trials"),
    "incumbent-seconds": lambda data: incumbent(data, "seconds"),
    "pareto-n-params": lambda data: pareto(data, "n_params"),
    "pareto-latency": lambda data: pareto(data, "latency_s"),
    "learning-curves": learning_curves,
    "predictions": predictions,
    "decision-effects": decision_effects,
    "retraining": retraining,
}
"""Every plot by its name: the name of its file, and the beginning of its ids in a page."""


def drawn(data: ReportData) -> Mapping[str, Figure]:
    """Return the plots of a report; that of predictions is left out where there are none, as in most searches."""
    return {name: draw(data) for name, draw in FIGURES.items() if name != "predictions" or data.foretold}
