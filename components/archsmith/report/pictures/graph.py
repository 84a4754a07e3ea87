"""The picture of an architecture."""

import html
import re
import textwrap
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from archsmith.report import style
from archsmith.report.layout import Point, Sizes, layout
from archsmith.report.style import BLUE, GREEN, INK, MUTED, ORANGE, PAPER, PURPLE, RED, SKY, styled
from archsmith.spaces.graph import Graph, Node
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
    "skip": MUTED,
    "identity": MUTED,
}
_OTHERS = (BLUE, SKY, GREEN, ORANGE, PURPLE, RED)
_LINE_CHARACTERS = 26
_CHARACTER = 0.082
_LINE = 0.17
_MARGIN = 0.12
_ARROW = 0.085


def graph_svg(graph: Graph, name: str = "graph") -> str:
    """Draw a graph of layers as an SVG element; `name` begins its ids. A node's details show where the mouse rests."""
    picture = style.svg(graph_figure(graph), name)
    for i, node in enumerate(graph.nodes):
        if node.details:
            tip = html.escape("\n".join(f"{k}: {v}" for k, v in node.details.items()))
            picture = picture.replace(f'id="{name}-node-{i}">', f'id="{name}-node-{i}"><title>{tip}</title>', 1)
    return picture


def graph_png(graph: Graph) -> bytes:
    """Draw a graph of layers as PNG."""
    return style.png(graph_figure(graph))


@styled
def graph_figure(graph: Graph) -> Figure:
    """Draw a graph of layers from top to bottom; the figure grows with it."""
    labels = {node.id: textwrap.wrap(node.label, _LINE_CHARACTERS) or [""] for node in graph.nodes}
    sizes = _sizes([line for lines in labels.values() for line in lines], max(map(len, labels.values()), default=1))
    plan = layout(graph, sizes)
    width, height = plan.width + 2 * _MARGIN, plan.height + 2 * _MARGIN
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-_MARGIN, width - _MARGIN), ylim=(height - _MARGIN, -_MARGIN))
    axes.set_axis_off()
    for route in plan.routes:
        _edge(axes, route)
    for edge, at in zip(graph.edges, plan.labels, strict=True):
        if at:
            axes.text(*at, edge.label, ha="center", va="center", color=MUTED, size=8, bbox=_BACKGROUND)
    for i, node in enumerate(graph.nodes):
        _box(axes, node, plan.nodes[node.id], sizes, i)
        axes.text(*plan.nodes[node.id], "\n".join(labels[node.id]), ha="center", va="center", color=INK, size=9)
    return figure


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
