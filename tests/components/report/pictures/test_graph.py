"""The picture of an architecture."""

import io
from xml.etree import ElementTree

import pytest
from PIL import Image

from archsmith.report import graph_png, graph_svg
from archsmith.report.pictures.graph import color_of
from archsmith.spaces.graph import Edge, Graph, Node

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
