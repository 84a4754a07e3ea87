"""Who descends from whom, what each network began with and what it came to."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from archsmith.report import numbers
from archsmith.report.data import ReportData, value
from archsmith.report.facts import number
from archsmith.report.pictures.axes import STEPS, clipped, foot, head, metric_axis, note
from archsmith.report.pictures.pointing import point_out
from archsmith.report.style import BLUE, FAINT, INK, MUTED, ORANGE, PAPER, RED, styled
from archsmith.report.telling import teller
from archsmith.values import Trial
from archsmith.values.families import Child, Families

WIDE, HEIGHT = 9.2, 4.4
"""Inches: the width of a page."""
FEW = 24
"""Trials up to which each has its number beside it; of more, only those that the winner descends from."""
MANY = 100
"""Trials from which on dots are small."""
LOWEST = 0.04
"""Share of the accuracies, at birth and after training, that may lie below the axis; they are drawn at its foot."""
APART = 0.035
"""Share of the width that a number takes."""

Point = tuple[float, float]
Stroke = list[Point]


@styled
def family_tree(data: ReportData) -> Figure:
    """Draw each trial at its number and accuracy: a line from its parent to where it began, and one up to what it came to."""
    found = data.families
    shown = [t for t in found.trials if not math.isnan(value(t, "accuracy"))]
    if not shown:
        return note("No families", "No trial has an accuracy yet.")
    line = found.line(data.selection.winner or "")
    figure = Figure(figsize=(WIDE, HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    head(figure, _title(found, line))
    children = [c for c in found.children if c.trial.status != "failed"]
    ends = _ends([*(value(t, "accuracy") for t in shown), *(c.birth.accuracy for c in children)])

    def place(trial: Trial, accuracy: float | None = None) -> Point:
        return float(trial.proposal.number), clipped([value(trial, "accuracy") if accuracy is None else accuracy], ends)[0]

    _strokes(axes, children, {t.id for t in line}, place)
    _dots(axes, found, shown, {t.id for t in line}, place)
    for trial in shown if len(shown) <= FEW else _apart(line, len(found.trials)):
        axes.annotate(
            number(trial), place(trial), (0, 6), textcoords="offset points", ha="center", size=8, color=INK, annotation_clip=False
        )
    told = teller(data)
    point_out(axes, [(*place(c.trial, c.birth.accuracy), _born(c)) for c in children])
    point_out(axes, [(*place(t), told(t)) for t in shown])
    axes.set_ylim(*ends)
    metric_axis(axes, "y", "accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(9, steps=STEPS, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.6g}"))
    axes.set_xlabel("number of the trial")
    foot(figure)
    return figure


def _title(found: Families, line: Sequence[Trial]) -> str:
    said = f"{len(found.children)} of {len(found.trials)} trials began with the weights of another one"
    if len(line) < 2:
        return said
    epochs = found.of[line[0].id].birth.epochs
    return f"{said}; the winner with those of {number(line[1])}, trained for {epochs} epoch{'s' * (epochs > 1)} in {_lives(line)}"


def _born(child: Child) -> str:
    """Say what a trial began with."""
    whose = f", with the weights of {number(child.parent)}" if child.parent else ""
    return f"trial {number(child.trial)} at its birth{whose}: {numbers.percent(child.birth.accuracy)}"


def _lives(line: Sequence[Trial]) -> str:
    n = len(line) - 1
    return f"{n} generations" if n > 1 else "1 generation"


def _ends(accuracies: Sequence[float]) -> tuple[float, float]:
    """Return the range of the axis: all but the worst few, so that these do not press the others together."""
    low, high = float(np.quantile(accuracies, LOWEST)), max(accuracies)
    room = 0.08 * (high - low) or 0.01
    return low - room, high + room


def _apart(line: Sequence[Trial], n: int) -> list[Trial]:
    """Return those of a line whose numbers do not stand one upon the other, the youngest first."""
    found: list[Trial] = []
    for trial in line:
        if not found or found[-1].proposal.number - trial.proposal.number >= APART * n:
            found.append(trial)
    return found


def _strokes(axes: Axes, children: Iterable[Child], line: set[str], place: Callable[..., Point]) -> None:
    """Draw where each child comes from, and how far its own training has brought it."""
    links: dict[bool, list[Stroke]] = {False: [], True: []}
    rises: dict[bool, list[Stroke]] = {False: [], True: []}
    for child in children:
        at, of_line = place(child.trial, child.birth.accuracy), child.trial.id in line
        rises[of_line].append([at, place(child.trial)])
        if child.parent is not None:
            links[of_line].append([place(child.parent), at])
    for of_line, colour, width in ((False, FAINT, 0.6), (True, ORANGE, 1.8)):
        axes.add_collection(LineCollection(links[of_line], colors=colour, linewidths=width, zorder=2 + of_line))
    axes.add_collection(LineCollection(rises[False], colors=BLUE, linewidths=0.9, alpha=0.6, zorder=3, label="its own training"))
    axes.add_collection(LineCollection(rises[True], colors=ORANGE, linewidths=1.8, zorder=4, label="the winner's line"))
    born = [rise[0] for rise in (*rises[False], *rises[True])]
    axes.plot(*_columns(born), "_", color=MUTED, markersize=6, markeredgewidth=1.1, zorder=4, label="at birth")


def _dots(axes: Axes, found: Families, shown: Sequence[Trial], line: set[str], place: Callable[..., Point]) -> None:
    """Draw what each trial came to, by what it began with."""
    orphans, size = {trial.id for trial, _ in found.orphans}, 22 if len(shown) <= MANY else 9
    groups = {
        "from scratch": ([t for t in shown if t.id not in found.of and t.id not in orphans], FAINT, FAINT),
        "inherited": ([t for t in shown if t.id in found.of], BLUE, BLUE),
        "could not inherit": ([t for t in shown if t.id in orphans], PAPER, RED),
    }
    for name, (trials, face, edge) in groups.items():
        if trials:
            x, y = _columns([place(t) for t in trials])
            axes.scatter(x, y, s=size, facecolors=face, edgecolors=edge, zorder=5, label=name)
    if of_line := [t for t in shown if t.id in line]:
        x, y = _columns([place(t) for t in of_line])
        axes.scatter(x, y, s=1.5 * size, facecolors=ORANGE, edgecolors=INK, linewidths=0.8, zorder=6)


def _columns(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
