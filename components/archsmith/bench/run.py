"""One search over a table, and who may make it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from archsmith.bench.task import Task
from archsmith.values import Architecture

Ask = Callable[[], Architecture | None]
"""Proposes what to measure next; None where nothing is left."""
Tell = Callable[[Architecture, float | None], None]
"""Takes the value of what was proposed last; None where the table has nothing of it."""


@dataclass(frozen=True, eq=False)
class Run:
    """What came out of a search."""

    task: str
    """The name of the task."""
    searcher: str
    """The label of the searcher."""
    seed: int
    """Its seed."""
    regret: np.ndarray
    """The incumbent's regret after each evaluation, (n_trials,), in the column's unit."""
    test: float
    """The test value of the incumbent at the end; NaN where there is none."""
    ask_s: np.ndarray
    """Seconds of each call that proposed, (n_trials,); NaN where none did."""


class Searcher(Protocol):
    """Anything that searches a task: one of our strategies, or a peer."""

    @property
    def label(self) -> str:
        """What it is called in tables and pictures."""
        ...

    def start(self, task: Task, seed: int, trials: int) -> tuple[Ask, Tell]:
        """Begin a search with this seed and budget; return how it is asked, and how it is told."""
        ...


def play(searcher: Searcher, task: Task, seed: int, trials: int) -> Run:
    """Search `task` to the end of the budget.

    An evaluation of what was evaluated before counts as one. A search that has nothing left to propose keeps its
    incumbent to the end.
    """
    ask, tell = searcher.start(task, seed, trials)
    best: tuple[float, Architecture] | None = None
    regret, ask_s = np.full(trials, np.nan), np.full(trials, np.nan)
    for k in range(trials):
        begun = time.perf_counter()
        architecture = ask()
        if architecture is None:
            regret[k:] = regret[k - 1] if k else np.nan
            break
        ask_s[k] = time.perf_counter() - begun
        value = task.value(architecture)
        tell(architecture, value)
        if value is not None and (best is None or task.is_better(value, best[0])):
            best = value, architecture
        regret[k] = task.regret(best[0]) if best else np.nan
    test = task.test(best[1]) if best else None
    return Run(task.name, searcher.label, seed, regret, np.nan if test is None else test, ask_s)
