"""A search over a table, against what a list of its architectures says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from archsmith.bench import Task, play
from archsmith.bench.run import Ask, Tell
from archsmith.values import Architecture


@dataclass(frozen=True)
class Listed:
    """Proposes what it is given, in that order."""

    architectures: Sequence[Architecture]
    label: str = "listed"

    def start(self, task: Task, seed: int, trials: int) -> tuple[Ask, Tell]:
        left = iter(self.architectures)
        return (lambda: next(left, None)), (lambda architecture, value: None)


def architectures(*choices: int) -> list[Architecture]:
    """Return architectures of which so many decisions are at their last choice."""
    return [Architecture("plain", (2,) * n + (0,) * (6 - n)) for n in choices]


def test_the_regret_is_that_of_the_best_so_far(task: Task) -> None:
    run = play(Listed(architectures(1, 3, 2, 6, 0)), task, seed=0, trials=5)
    assert run.regret.tolist() == pytest.approx([500 / 6, 50, 50, 0, 0])
    assert run.test == pytest.approx(90)
    assert (run.ask_s >= 0).all()


def test_the_test_value_is_that_of_the_best_by_validation(task: Task) -> None:
    run = play(Listed(architectures(4, 1)), task, seed=0, trials=2)
    assert run.test == pytest.approx(60)


def test_a_search_that_ends_early_keeps_its_incumbent(task: Task) -> None:
    run = play(Listed(architectures(3)), task, seed=0, trials=4)
    assert run.regret.tolist() == pytest.approx([50] * 4)
    assert np.isnan(run.ask_s).tolist() == [False, True, True, True]


def test_what_the_table_does_not_have_is_evaluated_but_found_nothing(make_task) -> None:
    run = play(Listed(architectures(6, 3)), make_task(without=0.9), seed=0, trials=2)
    assert np.isnan(run.regret[0])
    assert run.regret[1] == pytest.approx(500 / 6 - 50)


def test_a_loss_is_searched_downwards(make_task) -> None:
    run = play(Listed(architectures(1, 6, 3)), make_task(goal="minimize"), seed=0, trials=3)
    assert run.regret.tolist() == pytest.approx([5 / 6, 0, 0])
