"""Codes of architectures, against the space that does the same for one at a time."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.decisions import Decision
from archsmith.strategies.bayesian.codes import Codes
from archsmith.testing.spaces import PlainSpace, assert_canonical
from archsmith.values import Choice

NESTED = PlainSpace(
    "nested",
    [
        Decision("only", ("one",)),
        Decision("kind", ("conv", "pool", "skip")),
        Decision("grouped", (True, False), {"kind": ("conv",)}),
        Decision("groups", (2, 4), {"grouped": (True,), "kind": ("conv",)}),
        Decision("window", (2, 3), {"kind": ("conv", "pool")}),
    ],
)
SHUFFLED = PlainSpace("shuffled", [Decision("rate", (0.1, 1.0, 0.01), ordered=True), Decision("bits", (8, 2, 4, 16))])
EITHER = PlainSpace(
    "either",
    [
        Decision("at", (0, 1, 2)),
        Decision("from_0", ("a", "b"), if_active={"at": (0,)}),
        Decision("from_1", ("a", "b", "c"), if_active={"at": (1,)}),
        Decision("after_a", (1, 2), {"at": (0, 1)}, if_active={"from_0": ("a",), "from_1": ("a",)}),
    ],
)
SPACES = {"nested": NESTED, "either": EITHER, "shuffled": SHUFFLED, "chain": ChainConfig().build()}


@pytest.fixture(params=SPACES)
def space(request):
    return SPACES[request.param]


def sampled(space, n=300):
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(n)]


def test_an_architecture_goes_to_codes_and_back(space):
    codes, architectures = Codes(space), sampled(space)
    rows = codes.encode(architectures)
    assert rows.shape == (300, len(space.decisions))
    assert [codes.decode(row) for row in rows] == architectures


def test_no_architectures_have_no_codes():
    assert Codes(NESTED).encode([]).shape == (0, 5)


def test_zero_is_the_code_of_what_is_not_active(space):
    architectures = sampled(space)
    rows = Codes(space).encode(architectures)
    assert [[code > 0 for code in row] for row in rows] == [[c is not None for c in a.choices] for a in architectures]


def in_common(decision: Decision, a: Choice | None, b: Choice | None) -> float:
    """Return how much two choices of a decision are alike, from the definition."""
    if a == b or not decision.ordered or a is None or b is None:
        return float(a == b)
    order = sorted(decision.choices)
    return 1 - abs(order.index(a) - order.index(b)) / (len(order) - 1)


def test_products_of_rows_are_what_architectures_have_in_common(space):
    codes, architectures = Codes(space), sampled(space, 40)
    vectors = codes.vectors(codes.encode(architectures))
    pairs = [[zip(space.decisions, a.choices, b.choices, strict=True) for b in architectures] for a in architectures]
    expected = [[sum(in_common(*of) for of in pair) for pair in row] for row in pairs]
    assert vectors @ vectors.T == pytest.approx(np.array(expected))
    assert vectors.shape[1] == len(codes.layout.weights)
    by_decision = np.array([np.bincount(codes.layout.weights, row) for row in vectors**2])
    assert by_decision == pytest.approx(np.ones((40, len(space.decisions))))


def test_samples_are_canonical_and_as_likely_as_those_of_the_space():
    codes, n = Codes(NESTED), 20_000
    rng = np.random.default_rng(0)
    ours = Counter(codes.decode(row) for row in codes.sample(n, rng))
    spaces = Counter(NESTED.sample(rng) for _ in range(n))
    architectures = list(NESTED.enumerate())
    assert set(ours) <= set(architectures)
    assert stats.chi2_contingency([[c[a] for a in architectures] for c in (ours, spaces)]).pvalue > 1e-3


@pytest.mark.parametrize("index", range(0, 9, 2))
def test_mutations_are_as_likely_as_those_of_the_space(index):
    codes, n, rng = Codes(NESTED), 5000, np.random.default_rng(0)
    parent = list(NESTED.enumerate())[index]
    ours = Counter(codes.decode(row) for row in codes.mutate(np.repeat(codes.encode([parent]), n, axis=0), rng))
    spaces = Counter(NESTED.mutate(parent, rng) for _ in range(n))
    assert set(ours) == set(spaces)
    assert stats.chi2_contingency([[c[a] for a in spaces] for c in (ours, spaces)]).pvalue > 1e-3


def test_crossovers_are_as_likely_as_those_of_the_space():
    codes, n, rng = Codes(NESTED), 5000, np.random.default_rng(0)
    architectures = list(NESTED.enumerate())
    for a, b in [(0, 8), (4, 6), (3, 5)]:
        rows = [np.repeat(codes.encode([architectures[k]]), n, axis=0) for k in (a, b)]
        ours = Counter(codes.decode(row) for row in codes.cross(*rows, rng))
        spaces = Counter(NESTED.crossover(architectures[a], architectures[b], rng) for _ in range(n))
        assert set(ours) == set(spaces)
        assert stats.chi2_contingency([[c[x] for x in spaces] for c in (ours, spaces)]).pvalue > 1e-3


def test_children_on_a_space_with_many_conditions_are_canonical():
    space, rng = SPACES["chain"], np.random.default_rng(0)
    codes = Codes(space)
    parents = codes.sample(300, rng)
    before = parents.copy()
    for rows in (parents, codes.mutate(parents, rng), codes.cross(parents, parents[::-1], rng)):
        for row in rows:
            assert_canonical(space, codes.decode(row))
    assert (parents == before).all()


def test_a_mutation_where_there_is_nothing_to_change_is_its_parent():
    codes = Codes(PlainSpace("single", [Decision("only", ("one",))]))
    rows = codes.sample(3, np.random.default_rng(0))
    assert (codes.mutate(rows, np.random.default_rng(0)) == rows).all()
