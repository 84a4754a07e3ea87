"""The layout's promises, on graphs made at random and on small ones known by hand."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from archsmith.report.layout import Sizes, crossings, layers, layout
from archsmith.spaces.graph import Edge, Graph, Node

SIZES = Sizes(width=1.5, height=0.4)


def _graph(nodes: str, edges: str) -> Graph:
    return Graph(tuple(Node(n, n, "conv") for n in nodes), tuple(Edge(e[0], e[1], e[2:]) for e in edges.split()))


def _random_graph(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 14))
    pairs = [(a, b) for a, b in combinations(range(n), 2) if b == a + 1 or rng.random() < 0.25]
    labels = ["", "sep_conv_3x3"]
    edges = tuple(Edge(str(a), str(b), labels[int(rng.integers(2))]) for a, b in pairs if rng.random() < 0.9)
    return Graph(tuple(Node(str(i), f"layer {i}", "conv") for i in range(n)), edges)


@pytest.mark.parametrize("seed", range(40))
def test_no_two_nodes_overlap(seed: int) -> None:
    plan = layout(_random_graph(seed), SIZES)
    for (ax, ay), (bx, by) in combinations(plan.nodes.values(), 2):
        assert abs(ax - bx) >= SIZES.width - 1e-9 or abs(ay - by) >= SIZES.height - 1e-9


@pytest.mark.parametrize("seed", range(40))
def test_every_edge_goes_downwards_from_its_source_to_its_target(seed: int) -> None:
    graph = _random_graph(seed)
    plan = layout(graph, SIZES)
    for edge, route in zip(graph.edges, plan.routes, strict=True):
        assert all(a[1] < b[1] for a, b in pairwise(route))
        assert route[0] == pytest.approx((plan.nodes[edge.source][0], plan.nodes[edge.source][1] + SIZES.height / 2))
        assert route[-1] == pytest.approx((plan.nodes[edge.target][0], plan.nodes[edge.target][1] - SIZES.height / 2))


@pytest.mark.parametrize("seed", range(40))
def test_no_edge_touches_a_node_that_it_does_not_join(seed: int) -> None:
    graph = _random_graph(seed)
    plan = layout(graph, SIZES)
    for route in plan.routes:
        # Within a layer an edge is a vertical line, from an even point of its route to the odd one after it.
        for (x, top), (_, foot) in zip(route[1:-1:2], route[2:-1:2], strict=True):
            for nx, ny in plan.nodes.values():
                assert abs(nx - x) > SIZES.width / 2 or ny >= foot or ny <= top


@pytest.mark.parametrize("seed", range(40))
def test_everything_lies_within_the_figure(seed: int) -> None:
    plan = layout(_random_graph(seed), SIZES)
    for x, y in plan.nodes.values():
        assert SIZES.width / 2 - 1e-9 <= x <= plan.width - SIZES.width / 2 + 1e-9
        assert SIZES.height / 2 - 1e-9 <= y <= plan.height - SIZES.height / 2 + 1e-9
    for x, y in [point for route in plan.routes for point in route] + [at for at in plan.labels if at]:
        assert 0 <= x <= plan.width
        assert 0 <= y <= plan.height


def test_a_chain_is_a_straight_line_and_a_skip_connection_does_not_bend_it() -> None:
    plan = layout(_graph("abcd", "ab bc cd ad"), SIZES)
    first = plan.nodes["a"][0]
    assert [x for x, _ in plan.nodes.values()] == pytest.approx([first] * 4, abs=0.02)


def test_a_node_lies_below_its_longest_path() -> None:
    assert layers(_graph("abcd", "ab bc ac cd ad")) == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_an_edge_with_a_label_leaves_a_layer_for_it() -> None:
    assert layers(_graph("abc", "abskip bc")) == {"a": 0, "b": 2, "c": 3}


def test_crossings_are_counted_as_by_hand() -> None:
    assert crossings("ab", "cd", [("a", "d"), ("b", "c")]) == 1
    assert crossings("ab", "cd", [("a", "c"), ("b", "d")]) == 0
    assert crossings("abc", "def", [("a", "f"), ("b", "e"), ("c", "d")]) == 3


def test_branches_that_need_not_cross_do_not() -> None:
    plan = layout(_graph("abcdefg", "ab ac ad be df cg"), SIZES)
    upper = sorted("bcd", key=lambda n: plan.nodes[n][0])
    lower = sorted("efg", key=lambda n: plan.nodes[n][0])
    assert [dict(zip("bdc", "efg", strict=True))[n] for n in upper] == lower


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        layout(_graph("ab", "ab ba"), SIZES)


def test_a_graph_without_nodes_has_no_size() -> None:
    plan = layout(Graph((), ()), SIZES)
    assert (plan.width, plan.height) == (0.0, 0.0)
