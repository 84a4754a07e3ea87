"""How probable each option of each choice was as shared weights were trained: as curves, and as a heat map."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from archsmith.report.pictures.axes import head, note
from archsmith.report.pictures.pointing import MOST as MOST_SPOTS
from archsmith.report.pictures.pointing import point_out
from archsmith.report.pictures.regret import DASHES, Dash
from archsmith.report.style import BLUE, FAINT, INK, MUTED, SERIES, SKY, styled
from archsmith.values import SupernetEpoch

WIDE = 9.2
"""Inches: the width of a page."""
MOST = 84
"""Choices that are shown: those that were made most surely."""
COLOURS = (*SERIES, SKY, INK, MUTED)
_ROW, _PANEL = 0.155, 1.28
"""Inches of a row of the heat map, and of a row of panels."""
_NONE_YET = "Nothing is recorded of how probable the options of the choices were."

Look = tuple[str, Dash]
"""Colour and dashes of a line."""
Course = Mapping[str, np.ndarray]
"""Of each option, its probability by epoch; NaN where it is not known."""


@styled
def probability_curves(records: Sequence[SupernetEpoch]) -> Figure:
    """Draw a small panel a choice, all of the same scale, with a line an option, and the most probable one by name."""
    epochs, courses = _courses(records)
    if not courses:
        return note("No probabilities", _NONE_YET)
    looks = _looks(courses)
    n_columns = _columns(len(courses))
    n_rows = -(-len(courses) // n_columns)
    legend = -(-len(looks) // 6)
    figure = Figure(figsize=(WIDE, 0.75 + 0.2 * legend + _PANEL * n_rows), layout="constrained")
    head(figure, _title(records, courses))
    plots = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
    shown = _shown(courses, epochs)
    for axes, (point, course) in zip(plots.flat, courses.items(), strict=False):
        _panel(axes, point, epochs, course, looks)
        known = [(k, option, float(values[k])) for option, values in course.items() for k in shown if math.isfinite(values[k])]
        point_out(axes, [(epochs[k], p, _told(point, option, epochs[k], p)) for k, option, p in known])
    for axes in plots.flat[len(courses) :]:
        axes.set_axis_off()
    plots[0, 0].set_ylim(-0.03, 1.03)
    plots[0, 0].set_yticks([0, 0.5, 1])
    plots[0, 0].yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    plots[0, 0].set_xlim(epochs[0] - 0.5, max(epochs[-1], epochs[0] + 1))
    plots[0, 0].set_xticks(sorted({epochs[0], epochs[-1]}))
    plots[-1, 0].set_xlabel("epoch", labelpad=1)
    _legend(figure, looks)
    return figure


@styled
def probability_map(records: Sequence[SupernetEpoch]) -> Figure:
    """Draw a heat map an option: a row a choice, from the first epoch to the last; choices among the same options together."""
    epochs, courses = _courses(records)
    if not courses:
        return note("No probabilities", _NONE_YET)
    groups: dict[tuple[str, ...], dict[str, Course]] = {}
    for point, course in courses.items():
        groups.setdefault(tuple(course), {})[point] = course
    n_columns = max(map(len, groups))
    ratios = [len(group) + 1.2 for group in groups.values()]
    figure = Figure(figsize=(WIDE, 0.95 + sum(_ROW * r + 0.42 for r in ratios)), layout="constrained")
    head(figure, f"Probability of each option, from epoch {epochs[0]} to epoch {epochs[-1]}")
    plots = figure.subplots(len(groups), n_columns, squeeze=False, height_ratios=ratios, sharex=True)
    highest = max(float(np.nanmax(p)) for course in courses.values() for p in course.values())
    shades = LinearSegmentedColormap.from_list("probability", [(BLUE, 0.0), (BLUE, 0.5), (INK, 1.0)])
    image, shown = None, _shown(courses, epochs)
    for row, (options, group) in zip(plots, groups.items(), strict=True):
        for axes, option in zip(row, options, strict=False):
            values = np.array([course[option] for course in group.values()])
            ends = (epochs[0] - 0.5, epochs[-1] + 0.5, len(group) - 0.5, -0.5)
            image = axes.imshow(values, cmap=shades, vmin=0, vmax=highest, aspect="auto", extent=ends, interpolation="nearest")
            _frame(axes, option, list(group) if axes is row[0] else [], epochs)
            cells = [(k, y, point, float(values[y, k])) for y, point in enumerate(group) for k in shown]
            known = [cell for cell in cells if math.isfinite(cell[-1])]
            point_out(axes, [(epochs[k], y, _told(point, option, epochs[k], p)) for k, y, point, p in known])
        for axes in row[len(options) :]:
            axes.set_axis_off()
    assert image is not None
    bar = figure.colorbar(image, ax=plots, location="bottom", fraction=0.02, pad=0.02, aspect=50, shrink=0.4)
    bar.outline.set_visible(False)
    bar.set_label("probability", color=MUTED, size=9)
    return figure


def _courses(records: Sequence[SupernetEpoch]) -> tuple[list[int], dict[str, Course]]:
    """Return the epochs, and the course of each choice; of very many those that were made most surely, in their order."""
    known = [record for record in records if record.probabilities]
    options = {point: list(some) for record in known for point, some in record.probabilities.items() if len(some) > 1}
    if len(options) > MOST:
        surest = sorted(options, key=lambda point: -max(known[-1].probabilities.get(point, {"": 0.0}).values()))[:MOST]
        options = {point: some for point, some in options.items() if point in set(surest)}

    def course(point: str, option: str) -> np.ndarray:
        return np.array([record.probabilities.get(point, {}).get(option, math.nan) for record in known])

    found: dict[str, Course] = {point: {option: course(point, option) for option in some} for point, some in options.items()}
    return [record.epoch for record in known], found


def _looks(courses: Mapping[str, Course]) -> dict[str, Look]:
    """Return a colour and dashes for each option, the same in every panel."""
    names = dict.fromkeys(option for course in courses.values() for option in course)
    return {name: (COLOURS[k % len(COLOURS)], DASHES[k // len(COLOURS) % len(DASHES)]) for k, name in enumerate(names)}


def _shown(courses: Mapping[str, Course], epochs: Sequence[int]) -> list[int]:
    """Return the places of the epochs of which something is said: all, or so many as a page has room for, the last among them."""
    step = 1 + len(epochs) * sum(map(len, courses.values())) // MOST_SPOTS
    return list(range(len(epochs) - 1, -1, -step))[::-1]


def _told(point: str, option: str, epoch: int, probability: float) -> str:
    return f"{point}, epoch {epoch}: {option} {probability:.2f}"


def _columns(n: int) -> int:
    """Return how many panels stand side by side."""
    return n if n <= 3 else -(-n // 2) if n <= 8 else 4 if n <= 12 else 7


def _panel(axes: Axes, point: str, epochs: Sequence[int], course: Course, looks: Mapping[str, Look]) -> None:
    axes.set_title(point, size=8, weight="normal", color=INK, pad=14)
    axes.axhline(1 / len(course), color=FAINT, linewidth=0.6, linestyle=":", zorder=1)
    for option, values in course.items():
        color, dash = looks[option]
        marker = "o" if len(epochs) == 1 else ""
        axes.plot(epochs, values, color=color, linestyle=dash, linewidth=1.1, marker=marker, markersize=3, zorder=2)
    ends = {option: float(values[-1]) for option, values in course.items() if math.isfinite(values[-1])}
    if ends:
        best = max(ends, key=lambda option: ends[option])
        axes.text(0.0, 1.03, f"{best} {ends[best]:.2f}", transform=axes.transAxes, va="bottom", size=7.4, color=looks[best][0])
    axes.tick_params(labelsize=7.5, length=2, pad=1.5)


def _legend(figure: Figure, looks: Mapping[str, Look]) -> None:
    handles = [Line2D([], [], color=color, linestyle=dash, label=name) for name, (color, dash) in looks.items()]  # type: ignore[arg-type]  # any text is a style
    figure.legend(handles=handles, loc="outside lower left", ncols=6, columnspacing=1.2, fontsize=8)


def _frame(axes: Axes, option: str, points: Sequence[str], epochs: Sequence[int]) -> None:
    """Write the option above, the choices to the left, and the first and the last epoch below."""
    axes.set_title(option, size=8, weight="normal", color=INK, pad=3)
    axes.grid(visible=False)
    axes.set_yticks(range(len(points)), points)
    axes.set_xticks(sorted({epochs[0], epochs[-1]}))
    axes.tick_params(length=0, labelsize=7.5, pad=2)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(True)
        axes.spines[side].set_linewidth(0.5)


def _title(records: Sequence[SupernetEpoch], courses: Mapping[str, Course]) -> str:
    n = len({point for record in records for point, some in record.probabilities.items() if len(some) > 1})
    which = f"the {len(courses)} surest of {n} choices" if n > len(courses) else f"{n} choice{'s' * (n > 1)}"
    return f"Probability of each option over epochs, of {which}; dotted: all equal"
