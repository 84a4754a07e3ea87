"""Skips are counted where operations can be one, cell by cell."""

import numpy as np
import pytest

from archsmith.spaces import SPACES
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
