"""Counting, against closed forms and brute force."""

import time

from archsmith.spaces.decisions import Decision
from archsmith.spaces.decisions.conditions import rules_out
from archsmith.spaces.decisions.counting import Counts
from archsmith.testing.spaces import PlainSpace, brute_force


def test_a_switch_doubles_what_it_lets_in():
    decisions = [Decision("on", (False, True)), *(Decision(f"d{k}", (1, 2, 3), {"on": (True,)}) for k in range(300))]
    assert Counts(decisions, rules_out(decisions)).total == 1 + 3**300


def test_a_ladder_of_conditions_is_counted_at_once():
    # Each rung is there if the one below said 1: one way to stop at each height, and one to reach the top.
    decisions = [Decision("r0", (0, 1))]
    decisions += [Decision(f"r{k}", (0, 1), {f"r{k - 1}": (1,)}) for k in range(1, 500)]
    started = time.process_time()
    assert Counts(decisions, rules_out(decisions)).total == 501
    assert time.process_time() - started < 5


def test_details_that_follow_all_operations_are_counted_at_once():
    """Each of forty operations is conv, with three kernels, pool, with two kinds, or nothing."""
    n = 40
    decisions = [Decision(f"op_{k}", ("conv", "pool", "none")) for k in range(n)]
    decisions += [Decision(f"kernel_{k}", (1, 3, 5), {f"op_{k}": ("conv",)}) for k in range(n)]
    decisions += [Decision(f"kind_{k}", ("max", "mean"), {f"op_{k}": ("pool",)}) for k in range(n)]
    counts = Counts(decisions, rules_out(decisions))
    assert counts.total == (3 + 2 + 1) ** n
    assert counts.at(0) == (*["conv"] * n, *[1] * n, *[None] * n)
    assert counts.at(counts.total - 1) == (*["none"] * n, *[None] * 2 * n)
    few = [d for d in decisions if d.name.endswith(("_0", "_1", "_2"))]
    some = Counts(few, rules_out(few))
    assert [some.at(k) for k in range(some.total)] == [a.choices for a in brute_force(PlainSpace("s", few))]


def test_every_index_gives_the_architecture_at_that_place_of_the_enumeration():
    decisions = (Decision("a", (1, 2, 3)), Decision("b", ("x", "y"), {"a": (2, 3)}), Decision("c", (0, 1), {"b": ("y",)}))
    counts = Counts(decisions, rules_out(decisions))
    assert [counts.at(k) for k in range(counts.total)] == [a.choices for a in brute_force(PlainSpace("s", decisions))]
