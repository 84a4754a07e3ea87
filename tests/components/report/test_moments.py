"""What would have been derived at some moments."""

import numpy as np
import pytest

from archsmith.report.moments import moments, searched
from archsmith.spaces import SPACES
from archsmith.values import Architecture, SupernetEpoch


def course(derived: str) -> list[SupernetEpoch]:
    """An epoch a letter; a dot derives nothing."""
    found = [None if letter == "." else Architecture("s", (letter,)) for letter in derived]
    return [SupernetEpoch(e, e, 1.0, 1.0, derived=architecture) for e, architecture in enumerate(found, 1)]


@pytest.mark.parametrize(
    ("derived", "said"),
    [
        ("", []),
        ("..", []),
        ("a", [("a", "after epoch 1")]),
        ("ab", [("a", "after epoch 1"), ("b", "after epoch 2")]),
        ("abcde", [(letter, f"after epoch {k}") for k, letter in enumerate("abcde", 1)]),
        # epochs 1, 3, 5, 7 and 9; what was there between them is not seen
        ("axbybzcwc", [("a", "after epoch 1"), ("b", "after epochs 3 to 5"), ("c", "after epochs 7 to 9")]),
        ("a" * 50, [("a", "after epochs 1 to 50")]),
    ],
)
def test_there_are_five_moments_from_the_first_to_the_last_and_equal_neighbours_are_one(
    derived: str, said: list[tuple[str, str]]
) -> None:
    assert [(moment.architecture.choices[0], moment.words) for moment in moments(course(derived))] == said


def test_only_what_is_searched_is_drawn() -> None:
    rng = np.random.default_rng(0)
    cell, chain = SPACES["cell"]().build(), SPACES["chain"]().build()
    assert [inset.title for inset in searched(cell, cell.sample(rng)).insets] == ["normal cell", "reduction cell"]
    assert not searched(cell, cell.sample(rng)).nodes
    assert searched(chain, architecture := chain.sample(rng)) == chain.graph(architecture)
