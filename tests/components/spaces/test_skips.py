"""Skips are counted where operations can be one, cell by cell."""

import numpy as np
import pytest

from archsmith.spaces import SPACES
from archsmith.spaces.macro.hierarchical import HierarchicalConfig
from archsmith.spaces.skips import skips
from archsmith.spaces.space import Space
from archsmith.values.verdicts import Skips


def made(name: str) -> Space:
    return SPACES[name]().build()


@pytest.mark.parametrize(
    ("text", "n", "gaps"),
    [
        ("|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|", 6, 0),
        ("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|nor_conv_1x1~1|avg_pool_3x3~2|", 1, 2),
    ],
)
def test_the_edges_of_nas_bench_201_are_counted(text: str, n: int, gaps: int) -> None:
    space = made("nas-bench-201")
    assert skips(space, space.from_text(text)) == (Skips("the network", n, 6, gaps),)


def test_each_cell_is_counted_by_itself() -> None:
    space = made("cell")
    architecture = space.sample(np.random.default_rng(0))
    chosen = space.assignment(architecture)
    counted = {
        name: sum(choice == "skip_connect" for decision, choice in chosen.items() if decision.startswith(f"{prefix}_op"))
        for name, prefix in (("the normal cell", "normal"), ("the reduction cell", "reduce"))
    }
    assert {s.where: s.n for s in skips(space, architecture)} == counted
    assert {s.of for s in skips(space, architecture)} == {8}


@pytest.mark.parametrize("name", ["mobile", "chain"])
def test_where_nothing_can_be_skipped_nothing_is_counted(name: str) -> None:
    space = made(name)
    assert skips(space, space.sample(np.random.default_rng(0))) == ()


def test_a_cell_that_stands_nowhere_in_the_network_does_not_count() -> None:
    config = HierarchicalConfig.model_validate({"cells": 2, "operations": ["skip_connect", "sep_conv_3x3", "max_pool_3x3"]})
    space, rng = config.build(), np.random.default_rng(0)
    idle = 0
    for architecture in (space.canonical(space.sample(rng)) for _ in range(200)):
        placed = {choice for choice in architecture.choices if isinstance(choice, str) and choice.startswith("cell")}
        counted = {found.where for found in skips(space, architecture) if found.where.startswith("cell")}
        assert counted == placed
        idle += len(placed) < 2
    assert idle > 10
