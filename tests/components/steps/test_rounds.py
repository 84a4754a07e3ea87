from collections.abc import Callable
from typing import Any

from archsmith.search import parse
from archsmith.steps.rounds import all_rounds, open_rounds


def test_a_search_that_goes_on_has_the_rounds_that_are_left(staged: Any) -> None:
    assert open_rounds(staged.search, staged.folder) == range(3)
    staged.run(0.5, 0.6)
    one, two = staged.propose(2)
    assert open_rounds(staged.search, staged.folder) == range(1, 3)
    for proposal in (one, two):
        staged.record(proposal, 0.7)
    assert open_rounds(staged.search, staged.folder) == range(2, 3)
    larger = parse(staged.search.text.replace("trials: 6, rounds: 3", "trials: 60, rounds: 2"))
    assert list(open_rounds(larger, staged.folder)) == []  # whichever ends first


def test_what_was_proposed_beyond_the_rounds_of_the_file_is_run(staged: Any) -> None:
    staged.run(0.5, 0.6)
    staged.propose(2)
    fewer = parse(staged.search.text.replace("rounds: 3", "rounds: 1"))
    assert open_rounds(fewer, staged.folder) == range(1, 2)


def test_a_search_without_rounds_has_one_pass_whatever_is_done(staged_with: Callable[..., Any]) -> None:
    staged = staged_with(("trials: 6, rounds: 3", "trials: 6"))
    assert list(all_rounds(staged.search)) == list(open_rounds(staged.search, staged.folder)) == [-1]
    staged.run(*[0.5] * 6)
    assert list(open_rounds(staged.search, staged.folder)) == [-1]
