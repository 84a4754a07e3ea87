"""The best combinations first, against sorting all of them."""

from itertools import islice, pairwise, product

import numpy as np

from archsmith.models.mixed.derivation import best_first, logs, slot


def test_combinations_come_by_their_probability():
    rng = np.random.default_rng(0)
    p = [rng.dirichlet(np.ones(n)) for n in (3, 1, 4, 2)]
    slots = [slot([{str(i): k} for k in range(len(q))], logs(q)) for i, q in enumerate(p)]
    everything = sorted(product(*(range(len(q)) for q in p)), key=lambda ks: -np.prod([q[k] for q, k in zip(p, ks, strict=True)]))
    assert [tuple(chosen.values()) for chosen in best_first(slots)] == everything


def test_equal_ones_come_in_the_order_of_their_ways():
    slots = [slot([{name: k} for k in range(2)], logs(np.array([0.5, 0.5]))) for name in "abc"]
    assert [tuple(chosen.values()) for chosen in best_first(slots)] == list(product((0, 1), repeat=3))


def test_what_has_no_meaning_is_decided_once_and_costs_nothing():
    first = slot([{"a": k} for k in range(2)], logs(np.array([0.4, 0.6])))
    second = slot([{"b": k} for k in range(3)], logs(np.array([0.2, 0.7, 0.1])), lambda chosen: chosen["a"] == 1)
    # As probable as 0.6 x 0.7, 0.4 x 0.7, 0.6 x 0.2, 0.6 x 0.1.
    assert list(best_first([first, second])) == [{"a": 1, "b": 1}, {"a": 0}, {"a": 1, "b": 0}, {"a": 1, "b": 2}]


def test_what_is_impossible_comes_last():
    slots = [slot([{name: k} for k in range(3)], logs(np.array([0.0, 1.0, 0.0]))) for name in "ab"]
    found = [tuple(chosen.values()) for chosen in best_first(slots)]
    impossible = [sum(k != 1 for k in ks) for ks in found]
    assert all(a <= b for a, b in pairwise(impossible))
    assert len(found) == 9


def test_the_best_of_very_many_are_found_at_once():
    rng = np.random.default_rng(0)
    p = [rng.dirichlet(np.full(8, 100.0)) for _ in range(60)]  # nearly uniform, 8^60 combinations
    slots = [slot([{str(i): k} for k in range(8)], logs(q)) for i, q in enumerate(p)]
    found = [sum(np.log(p[int(i)][k]) for i, k in chosen.items()) for chosen in islice(best_first(slots), 200)]
    assert found[0] == sum(np.log(q.max()) for q in p)
    assert all(a >= b - 1e-9 for a, b in pairwise(found))
