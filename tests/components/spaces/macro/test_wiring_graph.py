"""Pictures of multi-branch networks; those of whole spaces are looked at in their own tests."""

from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spaces.macro.wiring import Layer, Wiring
from archsmith.spaces.macro.wiring_graph import node_id, wiring_graph


def drawn(*, running: bool) -> Graph:
    """A residual network of three layers, of which the last one reads the stem too in another way."""
    layers = (Layer(1, "conv", 0, (), "none"), Layer(2, "conv", 1, (0,), "sum"), Layer(3, "conv", 2, (1, 0), "sum"))
    stem, pool = Node("stem", "stem", "conv"), Node("pool", "pool", "pool")
    network = Wiring(layers, (2, 1, 0), "concat")
    return wiring_graph(network, stem, lambda layer: Node(node_id(layer.number), "conv", "conv"), pool, running=running)


def joins(graph: Graph) -> dict[str, set[str]]:
    targets = {e.target for e in graph.edges if e.target.startswith("join_")}
    return {target: {e.source for e in graph.edges if e.target == target} for target in targets}


def test_a_join_reads_all_outputs_that_it_joins() -> None:
    assert joins(drawn(running=False)) == {
        "join_layer_2": {"layer_1", "stem"},
        "join_layer_3": {"layer_2", "layer_1", "stem"},
        "join_pool": {"layer_3", "layer_2", "layer_1", "stem"},
    }


def test_a_running_join_reads_an_earlier_one_of_its_kind() -> None:
    assert joins(drawn(running=True)) == {
        "join_layer_2": {"layer_1", "stem"},
        "join_layer_3": {"layer_2", "join_layer_2"},
        "join_pool": {"layer_3", "layer_2", "layer_1", "stem"},  # a concatenation, and the earlier ones are sums
    }


def test_the_ends_are_the_image_and_the_classifier() -> None:
    graph = drawn(running=False)
    assert (graph.nodes[0].id, graph.nodes[-1].id) == ("input", "output")
    assert {Edge("input", "stem"), Edge("join_pool", "pool"), Edge("pool", "output")} <= set(graph.edges)
