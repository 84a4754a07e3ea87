"""What many searches come to: regret, regret relative to random search, test value, own time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from archsmith.bench.run import Run

RANDOM = "random"
"""The label of the searcher that the others are compared with."""
ALL = "all"
"""What the mean over several tasks is called."""


@dataclass(frozen=True, slots=True)
class Row:
    """A searcher on a task, or on all of them. A standard error is that of the mean over seeds."""

    task: str
    """The name of the task; `all` is the mean over the tasks, without regrets and test values, whose units differ."""
    searcher: str
    """The searcher's label."""
    seeds: int
    """Searches."""
    regret: float
    """Mean of the final regret, in the column's unit."""
    regret_se: float
    """Its standard error."""
    relative: float
    """Mean final regret divided by that of random search."""
    relative_se: float
    """Its standard error, by the delta method over seeds; both are means of the same seeds."""
    test: float
    """Mean test value of the best by validation; NaN where there is none."""
    test_se: float
    """Its standard error."""
    ask_ms: float
    """Median of a proposal's own time, in milliseconds."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; what is not known is null."""
        return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in asdict(self).items()}


def summarize(runs: Sequence[Run]) -> list[Row]:
    """Return a row for each searcher on each task, and where there are several tasks, one on all of them.

    Args:
        runs: One for each task, searcher and seed; random search is among them.
    """
    groups: dict[str, dict[str, list[Run]]] = {}
    for run in sorted(runs, key=lambda r: r.seed):
        groups.setdefault(run.task, {}).setdefault(run.searcher, []).append(run)
    rows = [_row(task, name, some, by[RANDOM]) for task, by in groups.items() for name, some in by.items()]
    return rows if len(groups) == 1 else [*rows, *_all(groups)]


def influence(runs: Sequence[Run], reference: Sequence[Run]) -> tuple[float, np.ndarray]:
    """Return the ratio of the mean final regrets, and each seed's part in its error, (n_seeds,).

    Where the reference always found the best there is no ratio: NaN. The ratio's standard error is the standard
    deviation of these parts over the square root of their number; parts that belong to the same seed may be added or
    averaged before, for a sum or mean of ratios.
    """
    a, b = (np.array([run.regret[-1] for run in some]) for some in (runs, reference))
    if not b.mean():
        return float("nan"), np.full(len(a), np.nan)
    ratio = float(a.mean() / b.mean())
    return ratio, (a - ratio * b) / b.mean()


def standard_error(values: np.ndarray) -> float:
    """Return the standard error of the mean of `values`; NaN for a single one."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _row(task: str, name: str, runs: Sequence[Run], reference: Sequence[Run]) -> Row:
    regret, test = np.array([r.regret[-1] for r in runs]), np.array([r.test for r in runs])
    relative, parts = influence(runs, reference)
    return Row(
        task, name, len(runs), float(regret.mean()), standard_error(regret), relative, standard_error(parts),
        float(test.mean()), standard_error(test), _ask_ms(runs),
    )  # fmt: skip


def _all(groups: Mapping[str, Mapping[str, Sequence[Run]]]) -> list[Row]:
    """Return the mean over tasks of each searcher's relative regret."""
    nan, rows = float("nan"), list[Row]()
    for name in next(iter(groups.values())):
        pairs = [influence(by[name], by[RANDOM]) for by in groups.values()]
        error = standard_error(np.mean([parts for _, parts in pairs], axis=0))
        runs = [run for by in groups.values() for run in by[name]]
        mean = float(np.mean([ratio for ratio, _ in pairs]))
        rows.append(Row(ALL, name, len(runs) // len(groups), nan, nan, mean, error, nan, nan, _ask_ms(runs)))
    return rows


def _ask_ms(runs: Sequence[Run]) -> float:
    return float(1e3 * np.nanmedian(np.concatenate([run.ask_s for run in runs])))
