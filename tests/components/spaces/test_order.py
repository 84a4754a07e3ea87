"""Which decisions of each space have an order."""

import pytest

from archsmith.spaces import SPACES

ORDERED = {
    "chain": {"layers", "filters", "kernel", "pool", "stride", "dense", "units"},
    "branch": {"layers", "filters", "kernel", "stride"},
    "cell": set(),
    "branch-of-cells": set(),
    "hierarchical": {"layers"},
    "mobile": {"depth", "kernel", "expansion"},
    "nas-bench-201": set(),
    "fabric": {"scale"},
    "tree-cell": {"branches"},
}
"""What the names of those decisions begin with."""


@pytest.mark.parametrize("name", sorted({*SPACES} - {"yaml"}))
def test_what_is_counted_or_measured_has_an_order_and_nothing_else_has(name: str) -> None:
    decisions = SPACES[name]().build().decisions
    assert {d.name.partition("_")[0] for d in decisions if d.ordered} <= ORDERED[name]
    assert not [d.name for d in decisions if not d.ordered and d.name.partition("_")[0] in ORDERED[name]]
