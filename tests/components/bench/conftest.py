"""A small table with a known landscape: six ternary decisions, better the more of them are at their last choice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from archsmith.bench import Task
from archsmith.evaluation.measurements import measurements
from archsmith.evaluation.sheet import Sheet
from archsmith.spaces.decisions import Decision
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import one_max

SPACE = PlainSpace("plain", [Decision(f"d{k}", (0, 1, 2)) for k in range(6)])

MakeTask = Callable[..., Task]


@pytest.fixture
def make_task(tmp_path: Path) -> MakeTask:
    """Make the task of finding the best of 729 architectures; `without` leaves the best ones out of the table."""

    def make(*, goal: str = "maximize", without: float = 2.0) -> Task:
        path = tmp_path / "t.csv"
        scores = {a: one_max(SPACE, a) for a in SPACE.enumerate()}
        kept = {a: score for a, score in scores.items() if score < without}
        rows = (f"{SPACE.to_text(a)},{100 * s if goal == 'maximize' else 1 - s},{90 * s}" for a, s in kept.items())
        path.write_text("\n".join(["arch,valid,test", *rows]))
        table = measurements(Sheet.read(path), SPACE, ["valid", "test"], architecture="arch")
        return Task("plain", "valid", "test", table, goal)  # type: ignore[arg-type]

    return make


@pytest.fixture
def task(make_task: MakeTask) -> Task:
    return make_task()
