"""A whole comparison, and the files that it leaves."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from archsmith.bench import Row, Task, compare, parse_strategies
from archsmith.bench.run import Run
from archsmith.bench.write import write

SEARCHERS = parse_strategies("random,evolution:population=10,sample=5")


def run(task: Task, folder: Path, processes: int) -> list[Row]:
    counted: list[None] = []
    rows = compare(
        [task], SEARCHERS, seeds=4, trials=60, processes=processes, folder=folder, done=lambda: counted.append(None)
    )  # fmt: skip
    assert len(counted) == 8
    return rows


def test_processes_change_nothing_but_the_time(task: Task, tmp_path: Path) -> None:
    one, two = (
        [(r.task, r.searcher, r.seeds, r.regret, r.relative, r.test) for r in run(task, tmp_path / str(n), n)] for n in (1, 2)
    )
    assert one == two


def test_a_task_may_be_called_as_no_file_can_be(task: Task, tmp_path: Path) -> None:
    tasks = [replace(task, name=name) for name in ("val/acc", "val acc", "../x", "/")]
    runs = [Run(each.name, "random", 0, np.ones(3), 1.0, np.ones(3)) for each in tasks]
    write(tmp_path / "out", tasks, runs, {})
    names = ["regret-val-acc~1", "regret-val-acc~2", "regret-x", "regret-~4"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".svg") == [
        f"{name}.svg" for name in names
    ]
    assert [path.name for path in tmp_path.iterdir() if path.name != "t.csv"] == ["out"]


def test_the_files_say_the_same_as_the_rows(task: Task, tmp_path: Path) -> None:
    rows = run(task, tmp_path, 1)
    said = json.loads((tmp_path / "bench.json").read_text())
    assert said["rows"] == [row.to_dict() for row in rows]
    assert (said["seeds"], said["trials"], said["tasks"][0]["best"]) == (4, 60, 100)
    with (tmp_path / "bench.csv").open() as file:
        assert [float(row["regret"]) for row in csv.DictReader(file)] == [row.regret for row in rows]
    with (tmp_path / "runs.csv").open() as file:
        single = list(csv.DictReader(file))
    for row in rows:
        mine = [float(r["regret"]) for r in single if r["searcher"] == row.searcher]
        assert np.mean(mine) == row.regret
    markdown = (tmp_path / "bench.md").read_text().splitlines()
    assert len(markdown) == 2 + len(rows)
    assert markdown[2].startswith("| plain | random | 4 |")


def test_there_is_a_picture_of_each_task(task: Task, tmp_path: Path) -> None:
    run(task, tmp_path, 1)
    assert (tmp_path / "regret-plain.svg").read_text().startswith("<svg")
    assert (tmp_path / "regret-plain.png").read_bytes().startswith(b"\x89PNG")
