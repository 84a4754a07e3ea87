"""The pictures of a report, each a figure made from its data."""

import re
from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from archsmith.report.data import ReportData
from archsmith.report.pictures.curves import learning_curves
from archsmith.report.pictures.decisions import decision_effects
from archsmith.report.pictures.families import family_tree
from archsmith.report.pictures.gains import gains
from archsmith.report.pictures.graph import graph_figure, graph_png, graph_svg
from archsmith.report.pictures.incumbent import incumbent
from archsmith.report.pictures.pareto import pareto
from archsmith.report.pictures.predictions import predictions
from archsmith.report.pictures.probabilities import probability_curves, probability_map
from archsmith.report.pictures.reranked import reranked
from archsmith.report.pictures.retraining import retraining
from archsmith.report.pictures.supernet import supernet_training

__all__ = ["FIGURES", "against", "drawn", "graph_figure", "graph_png", "graph_svg", "probability_map"]

FIGURES: Mapping[str, Callable[[ReportData], Figure]] = {
    "incumbent-trials": lambda data: incumbent(data, "trials"),
    "incumbent-seconds": lambda data: incumbent(data, "seconds"),
    "learning-curves": learning_curves,
    "predictions": predictions,
    "decision-effects": decision_effects,
    "family-tree": family_tree,
    "retraining": retraining,
    "gains": gains,
    "supernet-training": supernet_training,
    "reranked": reranked,
    "probability-map": lambda data: probability_map(data.records),
    "probability-curves": lambda data: probability_curves(data.records),
}
"""Every plot but those against costs by its name: the name of its file, and the beginning of its ids in a page."""

SOMETIMES: Mapping[str, Callable[[ReportData], bool]] = {
    "predictions": lambda data: bool(data.foretold),
    "family-tree": lambda data: not data.families.are_none,
    "gains": lambda data: data.worth is not None and bool(data.worth.held),
    "supernet-training": lambda data: bool(data.records),
    "reranked": lambda data: bool(data.records),
    "probability-map": lambda data: any(record.probabilities for record in data.records),
    "probability-curves": lambda data: any(record.probabilities for record in data.records),
}
"""Those that most searches have nothing for, and whether one has."""


def against(cost: str) -> str:
    """Return the name of the plot of accuracy against a cost."""
    return {"latency_s": "pareto-latency"}.get(cost, f"pareto-{re.sub('[^a-z0-9]+', '-', cost.lower())}")


def drawn(data: ReportData) -> Mapping[str, Figure]:
    """Return the plots of a report, without those that it has nothing for."""
    plots = {name: draw(data) for name, draw in FIGURES.items() if name not in SOMETIMES or SOMETIMES[name](data)}
    return plots | {against(cost): pareto(data, cost) for cost in data.costs}
