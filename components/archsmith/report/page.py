"""The page of a report."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from archsmith.report import classes, effects, facts, failures, loading, numbers, provenance, style
from archsmith.report.data import ReportData
from archsmith.report.moments import moments, searched
from archsmith.report.pictures import against, drawn, graph_png, graph_svg, probability_map
from archsmith.report.pictures.pareto import named
from archsmith.report.pictures.pointing import packed, pointed
from archsmith.values import SupernetEpoch

_SCRIPT = Path(__file__).with_name("report.js").read_text(encoding="utf-8")
_DIGEST = b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
POLICY = "; ".join((
    "default-src 'none'", f"script-src 'sha256-{_DIGEST}'", "style-src 'unsafe-inline'", "img-src data:", "base-uri 'none'",
    "form-action 'none'",
))  # fmt: skip
"""What a report may do, as browsers are told of it: be looked at, and run the one script that it has. It loads nothing."""

_TOP = 20
"""Trials of the leaderboard, and classes, that are shown at once."""

_BESIDE_PX = 340
"""Width up to which the winner's picture fits beside its numbers, at a size at which its letters can be read."""


def render(data: ReportData) -> str:
    """Return the report: one self-contained HTML page, which says all without its script too; the same data, the same bytes."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("archsmith.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["metric"] = numbers.metric
    environment.filters["code"] = _code
    environment.filters |= {"percent": numbers.percent, "duration": numbers.duration, "number": facts.number, "base64": _base64}
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    plots = drawn(data)
    figures = {name: _inline(figure, name) for name, figure in plots.items()}
    return environment.get_template("template.html.j2").render(
        data=data,
        facts=facts,
        figures=figures,
        costs=[(against(cost), named(cost)) for cost in data.costs],
        architecture=(architecture := _architecture(data)),
        beside=architecture is not None and _width_px(architecture) <= _BESIDE_PX,
        derived=[
            (moment, _trusted(graph_svg(searched(data.space, moment.architecture), f"derived-{moment.first}")))
            for moment in moments(data.records)
        ],
        classes=classes,
        rows=facts.leaderboard(data),
        top=_TOP,
        fewest=effects.FEWEST,
        failures=failures.failures(data.failed),
        loading=loading,
        provenance=provenance,
        theme=style.THEME,
        policy=POLICY,
        spots=packed({name: pointed(figure) for name, figure in plots.items()}),
        script=Markup(_SCRIPT),  # noqa: S704  -- it is ours
    )


def pictures(data: ReportData) -> dict[str, bytes]:
    """Return the pictures of the report as PNG, by file name."""
    made = {f"{name}.png": style.png(figure) for name, figure in drawn(data).items()}
    if data.winner is not None:
        made["architecture.png"] = graph_png(data.space.graph(data.winner.proposal.architecture))
    for moment in moments(data.records):
        made[f"derived-{moment.first:04d}.png"] = graph_png(searched(data.space, moment.architecture))
    return made


def probability_png(records: Sequence[SupernetEpoch]) -> bytes:
    """Draw how probable the options of each choice were, epoch by epoch, as PNG."""
    return style.png(probability_map(records))


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


def _code(text: str) -> Markup:
    """Set as code what stands between backticks."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  -- it is escaped


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _inline(figure: Figure, name: str) -> Markup:
    return _trusted(style.svg(figure, name))


def _trusted(picture: str) -> Markup:
    """Let an SVG element into the page as it is: its writer has escaped the texts in it."""
    return Markup(style.themed(picture))  # noqa: S704
