"""Files that say what came out of a benchmark: CSV, Markdown, JSON, and pictures."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from archsmith.bench.run import Run
from archsmith.bench.summary import Row, summarize
from archsmith.bench.task import Task
from archsmith.report.pictures.regret import regret
from archsmith.report.style import png, svg


def write(folder: Path, tasks: Sequence[Task], runs: Sequence[Run], about: Mapping[str, Any]) -> list[Row]:
    """Write summary, single runs and pictures into `folder`; return the summary.

    Args:
        folder: It is made where there is none.
        tasks: What was searched.
        runs: All searches.
        about: What was asked for, for the JSON file.
    """
    rows = summarize(runs)
    folder.mkdir(parents=True, exist_ok=True)
    summary = {**about, "tasks": [_task(t) for t in tasks], "rows": [r.to_dict() for r in rows]}
    (folder / "bench.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    names = [f.name for f in fields(Row)]
    (folder / "bench.csv").write_text(_csv(names, [list(r.to_dict().values()) for r in rows]), encoding="utf-8")
    (folder / "bench.md").write_text(markdown(rows), encoding="utf-8")
    (folder / "runs.csv").write_text(
        _csv(["task", "searcher", "seed", "regret", "test", "ask_ms"], [_run(r) for r in runs]), encoding="utf-8"
    )
    for task, name in zip(tasks, _file_names([task.name for task in tasks]), strict=True):
        curves: dict[str, list[np.ndarray]] = {}
        for run in sorted((r for r in runs if r.task == task.name), key=lambda r: r.seed):
            curves.setdefault(run.searcher, []).append(run.regret)
        figure = regret(task.name, {name: np.array(some) for name, some in curves.items()}, task.column)
        (folder / f"{name}.svg").write_text(svg(figure, name), encoding="utf-8")
        (folder / f"{name}.png").write_bytes(png(figure))
    return rows


def _file_names(tasks: Sequence[str]) -> list[str]:
    """Return what the picture of each task is called, all different; a column may be called `val/acc`."""
    plain = [re.sub(r"[^\w.-]+", "-", task).strip("-.") for task in tasks]
    return [f"regret-{name}" if name and plain.count(name) == 1 else f"regret-{name}~{k}" for k, name in enumerate(plain, 1)]


def markdown(rows: Sequence[Row]) -> str:
    """Return the summary as a Markdown table."""
    lines = ["| task | strategy | seeds | regret | relative to random | test | ask (ms) |", "|---|---|--:|--:|--:|--:|--:|"]
    lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def cells(row: Row) -> tuple[str, ...]:
    """Return a row as people read it, a value with its standard error."""
    return (
        row.task,
        row.searcher,
        str(row.seeds),
        _with_error(row.regret, row.regret_se, 3),
        _with_error(row.relative, row.relative_se, 3),
        _with_error(row.test, row.test_se, 2),
        f"{row.ask_ms:.3g}",
    )


def _with_error(value: float, error: float, digits: int) -> str:
    if np.isnan(value):
        return ""
    return f"{value:.{digits}f}" if np.isnan(error) else f"{value:.{digits}f} ± {error:.{digits}f}"


def _task(task: Task) -> dict[str, Any]:
    return {
        "name": task.name, "column": task.column, "test": task.test_column, "goal": task.goal,
        "best": task.best, "architectures": len(task.table.rows), "space": task.space.name,
    }  # fmt: skip


def _run(run: Run) -> list[Any]:
    return [run.task, run.searcher, run.seed, run.regret[-1], run.test, 1e3 * np.nanmedian(run.ask_s)]


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return buffer.getvalue()
