"""Decisions on who reads what, against the list of all there is to read."""

from itertools import chain, combinations

import pytest

from archsmith.spaces.decisions import Decision
from archsmith.spaces.macro.wiring import read_skips
from archsmith.spaces.macro.wiring_decisions import input_decisions, skip_decisions
from archsmith.testing.spaces import PlainSpace


@pytest.mark.parametrize(("first", "main"), [(0, 1), (0, 2), (0, 4), (3, 4), (3, 6)])
def test_the_decisions_reach_every_set_of_outputs_between_the_first_and_the_main_input(first: int, main: int) -> None:
    join = Decision("join_9", ("none", "sum"))
    space = PlainSpace("plain", (join, *skip_decisions("9", "", (main,), ("sum",), first=first)))
    read = {frozenset(read_skips(space.assignment(a), "9", main, first)) for a in space.enumerate()}
    before = range(first, main)
    assert read == set(map(frozenset, chain.from_iterable(combinations(before, n) for n in range(len(before) + 1))))


def test_a_layer_on_the_stem_alone_has_nothing_to_decide() -> None:
    assert list(input_decisions(1, 3, ("sum",), {})) == []


@pytest.mark.parametrize(("branches", "mains"), [(1, None), (2, (3, 2)), (9, (3, 2, 1, 0))])
def test_the_main_input_is_one_of_the_last_outputs(branches: int, mains: tuple[int, ...] | None) -> None:
    found = {d.name: d.choices for d in input_decisions(4, branches, ("sum", "concat"), {})}
    assert found.get("input_4") == mains
    assert found["join_4"] == ("none", "sum", "concat")
