"""Strategies compared on a table of measurements: many seeds, one process or several, no pipeline and no store.

`find_tasks` finds out what there is to search in a CSV file, `parse_strategies` reads who searches, and `compare` runs
them and writes what came out. A peer from elsewhere is a `Searcher`, which `run_all` runs beside ours.
"""

from archsmith.bench.compare import compare
from archsmith.bench.find import find_tasks, warnings
from archsmith.bench.ours import Ours, parse_strategies
from archsmith.bench.run import Run, Searcher, play
from archsmith.bench.runs import Job, run_all
from archsmith.bench.summary import Row, summarize
from archsmith.bench.task import Task
from archsmith.bench.write import write

__all__ = [
    "Job", "Ours", "Row", "Run", "Searcher", "Task",
    "compare", "find_tasks", "parse_strategies", "play", "run_all", "summarize", "warnings", "write",
]  # fmt: skip
