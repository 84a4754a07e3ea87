"""The command `archsmith bench`, in this process."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from archsmith.spaces.chain import ChainConfig
from archsmith.testing.searches import tiny
from archsmith.testing.strategies import one_max

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a folder with a table of 300 chains; return its status, its output and its errors."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as the command does for its own process; here it is undone
    space, rng = ChainConfig().build(), np.random.default_rng(0)
    architectures = {space.sample(rng) for _ in range(300)}
    scores = [(space.to_text(a), 100 * one_max(space, a)) for a in architectures]
    Path("t.csv").write_text("\n".join(["arch,a_valid,a_test", *(f"{text},{s},{s - 1}" for text, s in scores)]))
    return partial(run, "bench")


OPTIONS = ("t.csv", "--strategies", "evolution:population=4,sample=2", "--seeds", "2", "--trials", "6", "--jobs", "1")


def test_it_prints_a_row_a_strategy_and_says_where_the_rest_is(bench: Run, tmp_path: Path) -> None:
    status, out, err = bench(*OPTIONS)
    assert status == 0
    assert re.fullmatch(
        "warning: The table 't.csv' has a row with all values for [0-5] of 500 architectures drawn of the space 'chain'; "
        "the others are failed evaluations.\n",
        err,
    )
    lines = out.splitlines()
    assert lines[0].startswith("2 seeds")
    assert [line.split()[:2] for line in lines[2:4]] == [["a", "random"], ["a", "evolution:population=4,sample=2"]]
    assert lines[-1] == "tables and pictures: bench"
    expected = {"bench.json", "bench.csv", "bench.md", "runs.csv", "regret-a.svg", "regret-a.png"}
    assert {path.name for path in (tmp_path / "bench").iterdir()} == expected


def test_it_prints_json_for_programs(bench: Run, tmp_path: Path) -> None:
    status, out, _ = bench(*OPTIONS, "--json", "-o", "elsewhere")
    assert status == 0
    rows = json.loads(out)
    assert [row["searcher"] for row in rows] == ["random", "evolution:population=4,sample=2"]
    assert rows == json.loads((tmp_path / "elsewhere" / "bench.json").read_text())["rows"]


def test_the_space_may_come_from_a_search_file(bench: Run, tmp_path: Path) -> None:
    tiny(
        tmp_path, ("{min: 1, max: 2}, operations: [conv], filters: [8, 16], kernels: [3], strides: [1, 2]}", "{min: 2, max: 6}}")
    )
    status, out, err = bench("t.csv", "--file", "search.yaml", *OPTIONS[1:])
    assert (status, err.count("\n")) == (0, 1)
    assert "evolution:population=4,sample=2" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.csv",), "archsmith: The table 'none.csv' can't be read: No such file or directory."),
        (("t.csv", "--metric", "b_valid"), "archsmith: Unknown column 'b_valid'; valid: a_test, a_valid, arch."),
        (("t.csv", "--strategies", "evolutoin"), "archsmith: Unknown strategy 'evolutoin'"),
        (("t.csv", "--goal", "up"), "Usage: archsmith bench"),
        (("t.csv", "--space", "chain", "--file", "own.yaml"), "Usage: archsmith bench"),
        (("t.csv", "--file", "none.yaml"), "archsmith: The search file 'none.yaml' can't be read"),
    ],
)
def test_wrong_use_exits_with_2_and_says_what_is_wrong(bench: Run, arguments: tuple[str, ...], said: str) -> None:
    status, out, err = bench(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(said)
