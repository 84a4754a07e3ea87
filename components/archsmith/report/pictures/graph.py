"""The picture of an architecture."""

import html
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from archsmith.report import style
from archsmith.report.layout import Point, Sizes, layout
from archsmith.report.style import BLUE, FAINT, GREEN, INK, MUTED, ORANGE, PAPER, PURPLE, RED, SKY, styled
from archsmith.spaces.graph import Graph, Inset, Node
from archsmith.values import digest

_COLORS = {
    "input": MUTED,
    "output": MUTED,
    "sep": SKY,
    "sepconv": SKY,
    "separable": SKY,
    "depthwise": SKY,
    "conv": BLUE,
    "pool": GREEN,
    "dense": ORANGE,
    "linear": ORANGE,
    "dropout": PURPLE,
    "norm": PURPLE,
    "add": RED,
    "concat": RED,
    "split": RED,
    "normal-cell": BLUE,
    "reduction-cell": PURPLE,
    "skip": MUTED,
    "identity": MUTED,
}
_OTHERS = (BLUE, SKY, GREEN, ORANGE, PURPLE, RED)
_LINE_CHARACTERS = 26
_CHARACTER = 0.082
_LINE = 0.17
_MARGIN = 0.12
_ARROW = 0.085
_BESIDE = 0.35
_FRAME = 0.2
_TITLE = 0.3
_ACROSS, _DOWN = 0.2, 0.5
_PAGE = 1.3
_PAGE_WIDTH = 10.4
"""Inches that a page shows at a size at which letters can be read."""


def graph_svg(graph: Graph, name: str = "graph") -> str:
    """Draw a graph of layers as an SVG element; `name` begins its ids. A node's details show where the mouse rests."""
    picture = style.svg(graph_figure(graph), name)
    nodes = [node for inset in _insets(Inset("", graph)) for node in inset.graph.nodes]
    for i, node in enumerate(nodes):
        if node.details:
            tip = html.escape("\n".join(f"{k}: {v}" for k, v in node.details.items()))
            picture = picture.replace(f'id="{name}-node-{i}">', f'id="{name}-node-{i}"><title>{tip}</title>', 1)
    return picture


def graph_png(graph: Graph) -> bytes:
    """Draw a graph of layers as PNG."""
    return style.png(graph_figure(graph))


@styled
def graph_figure(graph: Graph) -> Figure:
    """Draw a graph of layers from top to bottom, and its insets in columns beside it; the figure grows with them."""
    panels = [_Panel(inset) for inset in _insets(Inset("", graph))]
    corners = _corners(panels)
    width, height = (length + 2 * _MARGIN for length in _extent(panels, corners))
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-_MARGIN, width - _MARGIN), ylim=(height - _MARGIN, -_MARGIN))
    axes.set_axis_off()
    number = 0
    for panel, corner in zip(panels, corners, strict=True):
        panel.draw(axes, corner, number)
        number += len(panel.graph.nodes)
    return figure


def _insets(inset: Inset) -> Iterator[Inset]:
    """Yield an inset and those within it."""
    yield inset
    for inner in inset.graph.insets:
        yield from _insets(inner)


class _Panel:
    """A graph with its title, laid out; the whole is one without a title."""

    def __init__(self, inset: Inset) -> None:
        self.graph = inset.graph
        self._title = inset.title
        self._lines = {node.id: textwrap.wrap(node.label, _LINE_CHARACTERS) or [""] for node in self.graph.nodes}
        longest = [line for lines in self._lines.values() for line in lines]
        sizes = _sizes(longest, max(map(len, self._lines.values()), default=1))
        # Inside a cell, many edges leave one node: with more room they part before they run level.
        self._sizes = replace(sizes, across=_ACROSS, down=_DOWN) if inset.title else sizes
        self._plan = layout(self.graph, self._sizes)
        self._head = _TITLE if inset.title else 0.0
        self._frame = _FRAME if inset.title else 0.0
        self.width = max(self._plan.width, _CHARACTER * len(inset.title)) + 2 * self._frame
        self.height = self._plan.height + self._head + 2 * self._frame

    def draw(self, axes: Axes, corner: Point, number: int) -> None:
        """Draw it with its upper left corner there; its nodes are numbered from `number` on."""
        if self._title:
            self._draw_title(axes, corner)
        dx = corner[0] + (self.width - self._plan.width) / 2
        dy = corner[1] + self._head + self._frame
        for route in self._plan.routes:
            _edge(axes, tuple((a + dx, b + dy) for a, b in route))
        for edge, at in zip(self.graph.edges, self._plan.labels, strict=True):
            if at:
                _write(axes, at[0] + dx, at[1] + dy, edge.label, color=MUTED, size=8.5, bbox=_BACKGROUND)
        for i, node in enumerate(self.graph.nodes, start=number):
            a, b = self._plan.nodes[node.id]
            _box(axes, node, (a + dx, b + dy), self._sizes, i)
            _write(axes, a + dx, b + dy, "\n".join(self._lines[node.id]), color=INK, size=9)

    def _draw_title(self, axes: Axes, corner: Point) -> None:
        shape = "round,pad=0,rounding_size=0.1"
        frame = FancyBboxPatch(corner, self.width, self.height, shape, facecolor="none", edgecolor=FAINT, linewidth=0.9)
        axes.add_patch(frame)
        _write(
            axes, corner[0] + self.width / 2, corner[1] + self._frame + _TITLE / 3, self._title, color=INK, size=10, weight="bold"
        )


def _corners(panels: Sequence[_Panel]) -> list[Point]:
    """Return the upper left corner of each panel: the whole, then columns of insets, as many as suit a page best."""
    heights = accumulate((panel.height + _BESIDE for panel in panels[1:]), initial=0.0)
    ways = [_columns(panels, limit) for limit in heights]

    def size(corners: Sequence[Point]) -> tuple[float, float]:
        width, height = _extent(panels, corners)
        return max(0.0, width - _PAGE_WIDTH), max(width, _PAGE * height)

    return min(ways, key=size)


def _columns(panels: Sequence[_Panel], limit: float) -> list[Point]:
    """Return the corners where no column of two or more insets is higher than `limit`."""
    corners: list[Point] = [(0.0, 0.0)]
    x, y, widest = panels[0].width + _BESIDE, 0.0, 0.0
    for panel in panels[1:]:
        if y and y + panel.height > limit:
            x, y, widest = x + widest + _BESIDE, 0.0, 0.0
        corners.append((x, y))
        y += panel.height + _BESIDE
        widest = max(widest, panel.width)
    return corners


def _extent(panels: Sequence[_Panel], corners: Sequence[Point]) -> Point:
    """Return the width and the height of all panels together."""
    placed = [(x + panel.width, y + panel.height) for panel, (x, y) in zip(panels, corners, strict=True)]
    return max(x for x, _ in placed), max(y for _, y in placed)


def _write(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    axes.text(x, y, text, ha="center", va="center", **look)


def color_of(kind: str) -> str:
    """Return the colour of a kind of node: the same in every picture, for kinds of a user's own too."""
    if kind in _COLORS:
        return _COLORS[kind]
    words = re.split(r"[^a-z]+", kind.lower())
    near = next((known for known in _COLORS if known in words or any(w.endswith(known) for w in words)), None)
    return _COLORS[near] if near else _OTHERS[int(digest(kind), 16) % len(_OTHERS)]


_BACKGROUND = {"facecolor": PAPER, "edgecolor": "none", "boxstyle": "square,pad=0.15"}


def _sizes(lines: list[str], most: int) -> Sizes:
    """Return the sizes of a graph's nodes, all alike: wide enough for the longest line, high enough for all lines."""
    width = max(1.3, _CHARACTER * max(map(len, lines), default=0) + 0.3)
    return Sizes(width=width, height=0.17 + _LINE * most)


def _box(axes: Axes, node: Node, at: Point, sizes: Sizes, number: int) -> None:
    """Draw a node's box; its tint lets the page's background through, light or dark."""
    color = color_of(node.kind)
    corner = (at[0] - sizes.width / 2, at[1] - sizes.height / 2)
    shape = "round,pad=0,rounding_size=0.07"
    box = FancyBboxPatch(corner, sizes.width, sizes.height, shape, facecolor=(color, 0.16), edgecolor=color, linewidth=1.1)
    box.set_gid(f"node-{number}")
    axes.add_patch(box)


def _edge(axes: Axes, route: tuple[Point, ...]) -> None:
    """Draw an edge: straight through the layers that it passes, a curve from each to the next, an arrow at its end."""
    *points, tip = route
    points.append((tip[0], tip[1] - _ARROW))
    codes, corners = [Path.MOVETO], [points[0]]
    for i, (a, b) in enumerate(pairwise(points)):
        between = i % 2 == 0
        bend = (a[1] + b[1]) / 2
        corners += [(a[0], bend), (b[0], bend), b] if between else [b]
        codes += [Path.CURVE4] * 3 if between else [Path.LINETO]
    axes.add_patch(PathPatch(Path(corners, codes), facecolor="none", edgecolor=MUTED, linewidth=1.1, capstyle="butt"))
    x, y = tip
    head = [(x, y), (x - _ARROW / 2, y - _ARROW), (x + _ARROW / 2, y - _ARROW)]
    axes.add_patch(Polygon(head, closed=True, facecolor=MUTED, edgecolor="none"))
