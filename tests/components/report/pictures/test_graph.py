"""The picture of an architecture."""

import io
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import pytest
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from archsmith.report import graph_png, graph_svg
from archsmith.report.pictures.graph import color_of, graph_figure
from archsmith.spaces.graph import Edge, Graph, Inset, Node

AWKWARD = Graph(
    (
        Node("a", "cost $5 & <b>$x^2$</b>", "input"),
        Node("b", "畳み込み", "conv", {"kernel": '3 < 5 & "7"'}),
        Node("c", "", "mine"),
    ),
    (Edge("a", "b"), Edge("b", "c", "skip <x>"), Edge("a", "c")),
)


def _chain(n: int) -> Graph:
    nodes = tuple(Node(str(i), f"conv 3x3, {i}", "conv") for i in range(n))
    return Graph(nodes, tuple(Edge(str(i), str(i + 1)) for i in range(n - 1)))


def test_labels_and_tooltips_are_in_it_as_they_were_given() -> None:
    texts = [element.text for element in ElementTree.fromstring(graph_svg(AWKWARD)).iter() if element.text]
    assert {"cost $5 & <b>$x^2$</b>", "畳み込み", "skip <x>", 'kernel: 3 < 5 & "7"'} <= {t.strip() for t in texts}


def test_the_figure_grows_with_the_chain_and_not_its_nodes() -> None:
    heights = [float(ElementTree.fromstring(graph_svg(_chain(n))).attrib["height"].removesuffix("pt")) for n in (5, 10, 15)]
    assert heights[2] - heights[1] == pytest.approx(heights[1] - heights[0], rel=1e-3)


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_very_long_chain_still_makes_a_picture_that_viewers_open() -> None:
    assert max(Image.open(io.BytesIO(graph_png(_chain(600)))).size) <= 30_000


def test_a_graph_of_one_node_or_none_is_drawn() -> None:
    for n in (0, 1):
        ElementTree.fromstring(graph_svg(_chain(n)))


def test_the_same_graph_gives_the_same_bytes() -> None:
    assert graph_svg(AWKWARD) == graph_svg(AWKWARD)
    assert graph_png(AWKWARD) == graph_png(AWKWARD)


def test_a_kind_has_one_colour_and_kin_share_it() -> None:
    assert color_of("maxpool") == color_of("avg_pool_3x3") == color_of("pool")
    assert color_of("conv") != color_of("pool")
    assert color_of("my-own") == color_of("my-own")


def _nested(n: int) -> Graph:
    """A whole with `n` insets, the first with one of its own."""
    inner = Inset("inner cell", _labelled("deep", 2))
    insets = [Inset(f"cell {k}", replace(_labelled(f"inside {k}", 4), insets=(inner,) * (k == 0))) for k in range(n)]
    return replace(_labelled("whole", 6), insets=tuple(insets))


def _labelled(prefix: str, n: int) -> Graph:
    nodes = tuple(Node(str(i), f"{prefix} {i}", "conv", {"about": f"{prefix} {i}"}) for i in range(n))
    return Graph(nodes, tuple(Edge(str(i), str(i + 1)) for i in range(n - 1)))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_insets_are_drawn_beside_the_whole_with_their_titles_and_tooltips(n: int) -> None:
    tree = ElementTree.fromstring(graph_svg(_nested(n)))
    texts = [element.text.strip() for element in tree.iter() if element.text and element.tag.endswith("text")]
    expected = [f"whole {i}" for i in range(6)] + [f"inside {k} {i}" for k in range(n) for i in range(4)] + ["deep 0", "deep 1"]
    assert sorted(texts) == sorted([*expected, *(f"cell {k}" for k in range(n)), "inner cell"])
    tips = {
        group.attrib["id"]: child.text for group in tree.iter() for child in group if child.tag.endswith("title") and child.text
    }
    assert sorted(tips.values()) == sorted(f"about: {text}" for text in expected)
    assert set(tips) == {f"graph-node-{i}" for i in range(len(expected))}


@pytest.mark.parametrize("n", [1, 2, 5])
def test_no_two_boxes_of_a_picture_with_insets_overlap_but_a_frame_and_what_is_in_it(n: int) -> None:
    figure = graph_figure(_nested(n))
    boxes = [p.get_extents() for p in figure.axes[0].patches if isinstance(p, FancyBboxPatch) and p.get_gid()]
    frames = [p.get_extents() for p in figure.axes[0].patches if isinstance(p, FancyBboxPatch) and not p.get_gid()]
    assert len(frames) == n + 1
    for group in (boxes, frames):
        assert not any(a.overlaps(b) for a, b in combinations(group, 2))
    whole = figure.axes[0].get_window_extent()
    assert all(whole.x0 <= b.x0 and b.x1 <= whole.x1 and whole.y0 <= b.y0 and b.y1 <= whole.y1 for b in [*boxes, *frames])
    assert [sum(f.x0 < b.x0 and b.x1 < f.x1 and f.y0 < b.y0 and b.y1 < f.y1 for f in frames) for b in boxes] == [0] * 6 + [1] * (
        len(boxes) - 6
    )


def test_many_insets_stand_in_columns_that_suit_a_page() -> None:
    width, height = graph_figure(_nested(12)).get_size_inches()
    assert 0.5 < width / height < 2.5
