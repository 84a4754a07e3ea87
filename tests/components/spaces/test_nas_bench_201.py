"""The space of NAS-Bench-201."""

import csv
import os
import time
from collections.abc import Iterator
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from archsmith.spaces.nas_bench_201 import EDGES, NasBench201Config, NasBench201Space, pruned
from archsmith.testing.spaces import SpaceConformance
from archsmith.values import Architecture

ALL_3X3 = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"


class TestNasBench201(SpaceConformance):
    @pytest.fixture
    def space(self) -> NasBench201Space:
        return NasBench201Config().build()


class TestNasBench201WithTheTraining(SpaceConformance):
    @pytest.fixture
    def space(self) -> NasBench201Space:
        return NasBench201Config.model_validate({"training": {"learning_rate": [0.01, 0.1], "augment": ["none", "flip"]}}).build()


@pytest.fixture(scope="module")
def space() -> NasBench201Space:
    return NasBench201Config().build()


@pytest.fixture(scope="module")
def architectures(space: NasBench201Space) -> list[Architecture]:
    return list(space.enumerate())


def notations() -> Iterator[str]:
    """Yield every string of the notation."""
    for a, b, c, d, e, f in product(("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"), repeat=6):
        yield f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


def notation(letters: str) -> str:
    """Write a cell by a letter an edge: none, skip, 1x1, 3x3, pool."""
    names = {"n": "none", "s": "skip_connect", "1": "nor_conv_1x1", "3": "nor_conv_3x3", "p": "avg_pool_3x3"}
    return "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*(names[letter] for letter in letters))


def papers_string(architecture: Architecture) -> str:
    """Write the output as the authors do to find cells that are the same: `to_unique_str(consider_zero=True)` of theirs."""
    nodes, edges = ["0"], list(zip(EDGES, architecture.choices, strict=True))
    for node in (1, 2, 3):
        terms = []
        for (source, target), operation in edges:
            if target != node:
                continue
            if operation == "none" or nodes[source] == "#":
                terms.append("#")
            else:
                terms.append(nodes[source] if operation == "skip_connect" else f"({nodes[source]})@{operation}")
        nodes.append("+".join(sorted(terms)))
    return nodes[3]


def signatures(architectures: list[Architecture]) -> np.ndarray:
    """Return a number for each cell: the same for two of them if and only if they compute the same, in all likelihood.

    The image is a number, a pooling multiplies it, and the convolutions of a kind are different functions that keep
    zero; as their weights may go to any of the edges, the number is a mean over all ways of dealing them out.
    """
    rng = np.random.default_rng(0)
    dealt = np.array(list(permutations(range(6))))
    scale = {op: rng.uniform(0.5, 2.0, 6)[dealt] for op in ("nor_conv_1x1", "nor_conv_3x3")}

    def apply(operation: str, edge: int, x: np.ndarray) -> np.ndarray | float:
        if operation == "none":
            return 0.0
        if operation in scale:
            return np.sin(scale[operation][:, edge] * x)
        return 0.7317 * x if operation == "avg_pool_3x3" else x

    found = []
    for architecture in architectures:
        a, b, c, d, e, f = (str(op) for op in architecture.choices)
        node_0 = np.full(len(dealt), 0.9)
        node_1 = apply(a, 0, node_0)
        node_2 = apply(b, 1, node_0) + apply(c, 2, node_1)
        found.append(np.exp(apply(d, 3, node_0) + apply(e, 4, node_1) + apply(f, 5, node_2)).mean())
    return np.array(found)


def test_every_string_of_the_notation_is_an_architecture_and_comes_back(space, architectures):
    texts = list(notations())
    assert space.size() == len(architectures) == len(texts) == 15_625
    read = [space.from_text(text) for text in texts]
    assert [space.to_text(architecture) for architecture in read] == texts
    assert set(read) == set(architectures)


def test_every_row_of_the_published_table_is_read_and_written_as_it_stands(space):
    repository = Path(__file__).parents[3]
    table = Path(os.environ.get("ARCHSMITH_BENCH", repository.parent / "shared/bench/nas-bench-201.csv"))
    if not table.is_file():
        pytest.skip("the table is not here; ARCHSMITH_BENCH may say where it is")
    with table.open() as lines:
        rows = [row["arch"] for row in csv.DictReader(lines)]
    assert len(rows) == 15_625
    assert set(rows) == set(notations())
    assert all(space.to_text(space.from_text(row)) == row for row in rows)


def test_settings_of_the_training_follow_the_cell_in_the_notation():
    space = NasBench201Config.model_validate({"training": {"learning_rate": [0.01, 0.1]}}).build()
    text = f"{ALL_3X3} training.learning_rate=0.1"
    assert space.to_text(space.from_text(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The cell is '', but must name an operation and its source for 6 edges, as in "),
        (ALL_3X3[:-1], "but must name an operation and its source"),
        (ALL_3X3.replace("~2", "~1"), "but must name an operation and its source"),
        (
            ALL_3X3.replace("nor_conv_3x3~2", "nor_conv_3x4~2"),
            "`op_2_3`: Unknown choice 'nor_conv_3x4'.*Did you mean 'nor_conv_3x3'",
        ),
        (f"{ALL_3X3} epochs=3", "Unknown decision 'epochs'"),
    ],
)
def test_what_is_not_of_the_notation_is_refused_with_the_reason(space, text, message):
    with pytest.raises(ValueError, match=message):
        space.from_text(text)


def test_the_authors_count_6466_different_cells(architectures):
    assert len({papers_string(a) for a in architectures}) == 6466


def test_cells_are_the_same_exactly_if_they_compute_the_same_with_any_weights(space, architectures):
    numbers = signatures(architectures)
    place = {architecture: k for k, architecture in enumerate(architectures)}
    representatives = [place[space.canonical(a)] for a in architectures]
    np.testing.assert_allclose(numbers, numbers[representatives], rtol=1e-12)
    distinct = np.sort(numbers[sorted(set(representatives))])
    assert len(distinct) == 5044
    assert (np.diff(distinct) > 1e-11 * distinct[1:]).all()


def test_the_first_of_all_cells_that_are_the_same_stands_for_them(space, architectures):
    first: dict[Architecture, Architecture] = {}
    for architecture in architectures:
        assert first.setdefault(space.canonical(architecture), architecture) == space.canonical(architecture)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("31nns3", "13nn3s", id="nodes 1 and 2 swapped"),
        pytest.param("331n3n", "3nnn3n", id="edges that lead nowhere"),
        pytest.param("nn3s33", "nnnsnn", id="edges that nothing reaches"),
        pytest.param("n3nnns", "nnn3nn", id="a detour"),
        pytest.param("snnspn", "snnpsn", id="parallel edges"),
    ],
)
def test_cells_are_the_same_where_they_differ_in_nothing_that_counts(space, one, other):
    first, second = space.from_text(notation(one)), space.from_text(notation(other))
    assert first != second
    assert space.canonical(first) == space.canonical(second)


def test_one_convolution_used_twice_is_not_two_convolutions(space):
    shared = space.from_text(notation("3nsnss"))
    two = space.from_text(notation("33nnss"))
    assert papers_string(shared) == papers_string(two)
    assert space.canonical(shared) != space.canonical(two)


def test_the_settings_of_the_training_stay_with_the_architecture_that_stands_for_the_same_cells():
    space = NasBench201Config.model_validate({"training": {"learning_rate": [0.01, 0.1]}}).build()
    dead = space.from_text(f"{notation('3nnsnn')} training.learning_rate=0.1")
    kept = f"{notation('nnnsnn')} training.learning_rate=0.1"
    assert space.to_text(space.canonical(dead)) == kept


def test_a_pruned_cell_has_live_edges_only_and_computes_the_same(space, architectures):
    for architecture in architectures[::7]:
        cell = pruned(space.cell(architecture))
        assert space.canonical(Architecture(space.name, cell)) == space.canonical(architecture)
        for edge, operation in enumerate(cell):
            routes = [route for route in ((3,), (0, 4), (1, 5), (0, 2, 5)) if edge in route]
            assert (operation != "none") == any(all(architecture.choices[e] != "none" for e in route) for route in routes)


def test_the_paths_of_a_cell_are_among_its_features(space):
    architecture = space.from_text(notation("3nps11"))
    operations = ("nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    every = [path for n in range(4) for path in product(operations, repeat=n)]
    paths = space.features(architecture)[30:]
    assert len(paths) == len(every) == 1 + 3 + 9 + 27
    assert {path for path, there in zip(every, paths, strict=True) if there} == {
        (), ("nor_conv_3x3", "nor_conv_1x1"), ("nor_conv_3x3", "avg_pool_3x3", "nor_conv_1x1"),
    }  # fmt: skip


def test_cells_that_are_the_same_have_the_same_paths(space, architectures):
    for architecture in architectures[::11]:
        np.testing.assert_array_equal(space.features(architecture)[30:], space.features(space.canonical(architecture))[30:])


def test_features_and_representatives_take_microseconds(space, architectures):
    space.canonical(architectures[0])  # makes the table
    for method in (space.canonical, space.features):
        times = []
        for start in range(0, 1000, 100):
            begun = time.perf_counter()
            for architecture in architectures[start : start + 100]:
                method(architecture)
            times.append((time.perf_counter() - begun) / 100)
        assert min(times) < 100e-6


def test_the_graph_is_the_stack_with_the_live_edges_of_the_cell_as_inset(space):
    architecture = space.from_text(notation("31nspn"))
    graph = space.graph(architecture)
    assert [node.label for node in graph.nodes] == [
        "image", "conv 3x3, 16", "5 cells, 16", "residual block, 32, /2", "5 cells, 32", "residual block, 64, /2",
        "5 cells, 64", "batch norm, ReLU", "global average pool", "classifier",
    ]  # fmt: skip
    (inset,) = graph.insets
    assert [node.id for node in inset.graph.nodes] == ["0", "1", "3"]
    edges = {(e.source, e.target, e.label) for e in inset.graph.edges}
    assert edges == {("0", "1", "nor_conv_3x3"), ("0", "3", "skip_connect"), ("1", "3", "avg_pool_3x3")}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": 0}, "greater than or equal to 1"),
        ({"cells": 0}, "greater than or equal to 1"),
        ({"nodes": 4}, "Extra inputs"),
    ],
)
def test_wrong_settings_are_refused_with_the_rule(settings, message):
    with pytest.raises(ValidationError, match=message):
        NasBench201Config.model_validate(settings)
