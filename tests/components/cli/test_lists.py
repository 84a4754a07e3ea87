import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archsmith.evaluation import ESTIMATORS
from archsmith.evaluation.stopping import STOPPERS
from archsmith.spaces import SPACES
from archsmith.strategies import STRATEGIES

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("kind", "registry"),
    [("strategies", STRATEGIES), ("estimators", ESTIMATORS), ("stoppers", STOPPERS)],
    ids=lambda v: str(v)[:9],
)
def test_the_lists_name_what_there_is(run: Run, kind: str, registry: dict[str, Any]) -> None:
    status, out, _ = run(kind, "--json")
    assert status == 0
    assert [row["name"] for row in json.loads(out)] == list(registry)
    status, text, _ = run(kind)
    assert status == 0
    for row in json.loads(out):
        assert f"{row['name']:<12} {row['summary']}" in text
        assert all(setting["name"] in text for setting in row["settings"])


def test_spaces_lists_them_with_their_sizes(run: Run) -> None:
    status, out, _ = run("spaces", "--json")
    assert status == 0
    rows = json.loads(out)
    assert [row["name"] for row in rows] == list(SPACES)
    assert {row["name"]: row["size"] for row in rows}["nas-bench-201"] == 15_625
    status, text, _ = run("spaces")
    assert status == 0
    for row in rows:
        assert any(line.startswith(f"{row['name']} ") and line.endswith(row["summary"]) for line in text.splitlines())
        assert all(f"    {setting['name']}: " in text for setting in row["settings"])


def test_spaces_samples_and_draws_one(run: Run, tmp_path: Path) -> None:
    arguments = ("spaces", "chain", "--sample", "2", "--draw", "out.svg", "--set", "layers={min: 1, max: 2}", "--shape", "1,8,8")
    status, text, _ = run(*arguments)
    assert status == 0
    shown = json.loads(run(*arguments, "--json")[1])
    for sample in shown["samples"]:
        assert sample["text"] in text
        assert f"{sample['n_params']:,} parameters" in text
        assert (tmp_path / sample["picture"]).read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("chian",), "Did you mean 'chain'?"),
        (("--sample", "2"), "--sample, --draw and --set need the NAME of a space, or a --file"),
        (("--set", "cells=3"), "NAME is one of: chain, cell,"),
        (("yaml", "--sample", "1"), "The space 'yaml' has no defaults for decisions;"),
        (("chain", "--draw", "out.gif"), "got 'out.gif', but must end in .svg or .png"),
        (("chain", "--sample", "1", "--shape", "32"), "got '32', but must be channels, height and width, as in 3,32,32"),
    ],
)
def test_spaces_refuses_wrong_use_with_status_2(run: Run, arguments: tuple[str, ...], said: str) -> None:
    status, out, err = run("spaces", *arguments)
    assert (status, out) == (2, "")
    assert said in err
