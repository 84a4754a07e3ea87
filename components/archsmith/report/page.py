"""The page of a report."""

import re
from base64 import b64encode

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure

from archsmith.report import classes, effects, facts, failures, loading, numbers, provenance, style
from archsmith.report.data import ReportData
from archsmith.report.pictures import drawn, graph_png, graph_svg

_TOP = 20
"""Trials of the leaderboard, and classes, that are shown at once."""

_BESIDE_PX = 340
"""Width up to which the winner's picture fits beside its numbers, at a size at which its letters can be read."""


def render(data: ReportData) -> str:
    """Return the report: one self-contained HTML page without scripts. The same data gives the same bytes."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("archsmith.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["metric"] = numbers.metric
    environment.filters |= {"percent": numbers.percent, "duration": numbers.duration, "number": facts.number, "base64": _base64}
    figures = {name: _inline(figure, name) for name, figure in drawn(data).items()}
    return environment.get_template("template.html.j2").render(
        data=data,
        facts=facts,
        figures=figures,
        architecture=(architecture := _architecture(data)),
        beside=architecture is not None and _width_px(architecture) <= _BESIDE_PX,
        classes=classes,
        rows=facts.leaderboard(data),
        top=_TOP,
        fewest=effects.FEWEST,
        failures=failures.failures(data.failed),
        loading=loading,
        provenance=provenance,
        theme=style.THEME,
    )


def pictures(data: ReportData) -> dict[str, bytes]:
    """Return the pictures of the report as PNG, by file name."""
    made = {f"{name}.png": style.png(figure) for name, figure in drawn(data).items()}
    if data.winner is not None:
        made["architecture.png"] = graph_png(data.space.graph(data.winner.proposal.architecture))
    return made


def _architecture(data: ReportData) -> Markup | None:
    """Return the winner's picture for the page."""
    if data.winner is None:
        return None
    return _trusted(graph_svg(data.space.graph(data.winner.proposal.architecture), "architecture"))


def _width_px(picture: str) -> float:
    """Return the width of an SVG element of matplotlib's, whose unit is a point."""
    found = re.search(r'width="([0-9.]+)pt"', picture)
    assert found is not None
    return float(found[1]) * 4 / 3


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _inline(figure: Figure, name: str) -> Markup:
    return _trusted(style.svg(figure, name))


def _trusted(picture: str) -> Markup:
    """Let an SVG element into the page as it is: its writer has escaped the texts in it."""
    return Markup(style.themed(picture))  # noqa: S704
