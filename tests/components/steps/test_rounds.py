from collections.abc import Callable
from typing import Any

from archsmith.search import parse
from archsmith.steps.rounds import open_rounds


def test_a_larger_budget_of_trials_has_rounds_for_all_of_them(staged_with: Callable[..., Any]) -> None:
    # 20 trials are 3 rounds of 7, and so are 24 of 8: with those rounds alone nothing would be left to run.
    staged = staged_with(("trials: 6, rounds: 3", "trials: 20"))
    for _ in range(3):
        for proposal in staged.propose(min(7, 20 - len(staged.folder.history()))):
            staged.record(proposal, 0.5)
    assert list(open_rounds(staged.search, staged.folder)) == []
    larger = parse(staged.search.text.replace("trials: 20", "trials: 24"))
    assert list(open_rounds(larger, staged.folder)) == [3]
    largest = parse(staged.search.text.replace("trials: 20", "trials: 60"))
    assert list(open_rounds(largest, staged.folder)) == [3, 4, 5, 6, 7]
    fixed = parse(staged.search.text.replace("trials: 20", "trials: 60, rounds: 3"))
    assert list(open_rounds(fixed, staged.folder)) == []  # whichever ends first
