import json
import re
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archsmith.schema import schema
from archsmith.search import load
from archsmith.spec.template import TEMPLATE
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import TINY, tiny

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.cluster  # for its length; it needs none
def test_init_prints_a_search_file_that_check_accepts(run: Run, tmp_path: Path) -> None:
    status, text, _ = run("init")
    assert (status, text) == (0, TEMPLATE)
    (tmp_path / "search.yaml").write_text(text)
    status, said, _ = run("check", "search.yaml")
    size = load(tmp_path / "search.yaml").space.size()
    assert status == 0
    first, *counted = said.splitlines()
    assert first == (
        f"search.yaml is a valid search named 'my-search': evolution over {size / 1e8:.2f}e+8 architectures (chain) on digits; "
        "24 trials of 4 epochs; the winner is retrained for 30 epochs, and held to a linear model and a small residual network."
    )
    assert counted[0].startswith("  1,797 grey images of 8 x 8 pixels, 10 classes: train 1,150, ")
    assert run("check", "--offline", "search.yaml") == (0, f"{first}\n", "")
    assert {path.name for path in tmp_path.iterdir()} == {"search.yaml"}  # nothing is written


def pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(text.encode())))


def test_check_reads_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, TINY)
    status, said, _ = run("check", "-", "--offline")
    assert status == 0
    assert said.startswith("The search is a valid search named 'tiny': evolution over ")
    pipe(monkeypatch, TINY.replace("trials: 6", "trials: six"))
    status, _, err = run("check", "-")
    assert status == 2
    assert err == "archsmith: standard input:11: spec.budget.trials: got 'six', but must be a whole number.\n"


@pytest.mark.parametrize(
    ("retrain", "said"),
    [
        ("front: 3", "the winner and up to 2 more of the front are retrained for 3 epochs"),
        ("trial: 4", "the winner and trial 4 are retrained for 3 epochs"),
    ],
)
def test_check_says_what_is_retrained_beside_the_winner(run: Run, tmp_path: Path, retrain: str, said: str) -> None:
    goals = ("{metric: n_params, limit: 20000}", "{metric: n_params, goal: minimize}")
    tiny(tmp_path, goals, ("retrain: {epochs: 3}", f"retrain: {{epochs: 3, {retrain}}}"))
    assert said in run("check", "--offline", "search.yaml")[1]


def test_compile_writes_standard_output(run: Run, tmp_path: Path) -> None:
    tiny(tmp_path)
    for arguments in ((), ("--kubernetes",)):
        arguments = (*arguments, "--store", "s3://searches/team")
        status, said, err = run("compile", "search.yaml", "-o", "-", *arguments)
        assert status == 0
        assert run("compile", "search.yaml", "-o", "p.yaml", *arguments)[0] == 0
        assert said == (tmp_path / "p.yaml").read_text()
        assert err.startswith("-: ")


def test_compile_warns_of_a_store_that_pods_do_not_have_and_refuses_a_namespace_of_nothing(run: Run, tmp_path: Path) -> None:
    tiny(tmp_path)
    status, _, err = run("compile", "search.yaml", "-o", "p.yaml")
    assert status == 0
    assert re.match(r"warning: The store is '/.*/runs', a folder of this machine, which the pods of a cluster do not have", err)
    status, _, err = run("compile", "search.yaml", "-o", "p.yaml", "--namespace", "team")
    assert status == 2
    assert "--namespace is that of what --kubernetes writes" in err


def test_check_warns_of_what_is_hardly_meant_and_says_that_the_file_is_valid(run: Run, tmp_path: Path) -> None:
    tiny(tmp_path, ("accuracy, goal: maximize", "accuracy, goal: minimize"), ("{workers: 2}", "{workers: 64}"))
    status, said, err = run("check", "search.yaml")
    assert status == 0
    assert "valid" in said
    assert [line.partition(": ")[0] for line in err.splitlines()] == ["warning", "warning"]
    assert "is maximize meant?" in err
    assert "`resources.workers` is 64, but this machine has" in err


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        (("{name: digits}", "{name: npz, path: none.npz}"), (), "There is nothing at .*none.npz; `data.path` is 'none.npz'"),
        (
            ("limit: 20000", "limit: 20"),
            (),
            "spec.objectives: none of 500 architectures drawn .* n_params must be <= 20, but lies ",
        ),
        (
            ("{workers: 2}", "{gpu: 1, fallback: none}"),
            (),
            "`resources.gpu` is 1, but torch finds no GPU; set `resources.fallback",
        ),
        (("", ""), ("--store", "search.yaml"), r"'.*/search.yaml' is a file, but a store is a folder"),
        (("", ""), ("--store", "ftp://there"), "'ftp://there' is no store; valid: a path, file:///path, or s3://bucket/prefix"),
    ],
)
def test_check_refuses_what_run_would_fail_at_once_for_in_its_words(
    run: Run, tmp_path: Path, change: tuple[str, str], arguments: tuple[str, ...], said: str
) -> None:
    tiny(tmp_path, *([change] if change[0] else []))
    status, out, err = run("check", "search.yaml", *arguments)
    assert (status, out) == (2, "")
    assert re.match(f"archsmith: {said}", err)
    assert run("check", "search.yaml", "--offline", *arguments)[0] == 0


def test_check_refuses_images_of_mixed_sizes(run: Run, tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label, side in (("a", 8), ("b", 9)):
            for k in range(4):
                place = tmp_path / "images" / split / label / f"{k}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                pixels = np.random.default_rng(k).integers(0, 256, (side, side), np.uint8)
                Image.fromarray(pixels).save(place)
    tiny(tmp_path, ("{name: digits}", "{name: folder, path: images}"))
    status, out, err = run("check", "search.yaml")
    assert (status, out) == (2, "")
    assert "8 x 8" in err
    assert "9 x 9" in err
    assert "image_size" in err


def test_check_refuses_the_name_of_another_search(run: Run, tmp_path: Path) -> None:
    SearchFolder(open_store(str(tmp_path / "runs")), "tiny").write_search(TINY.replace("epochs: 2", "epochs: 3"))
    tiny(tmp_path)
    status, _, err = run("check", "search.yaml")
    assert status == 2
    assert "holds another search named 'tiny'. It differs in:\n  spec.estimation.epochs: 2 here, 3 there" in err


def test_check_says_whether_there_is_a_search_to_begin_with(run: Run, tmp_path: Path) -> None:
    tiny(tmp_path, ("tracking:", "warm_start: nopes\n  tracking:"))
    status, _, err = run("check", "search.yaml")
    assert status == 0
    assert "warning: spec.warm_start is 'nopes', but no search of that name has begun in the store" in err


def test_check_says_how_a_table_and_a_space_fit(run: Run, tmp_path: Path) -> None:
    space = "{name: yaml, decisions: [{name: kernel, choices: [3, 5, 7]}, {name: wide, choices: [true, false]}]}"
    text = (
        f"apiVersion: archsmith.dev/v1alpha1\nkind: Search\nmetadata: {{name: t}}\nspec:\n  space: {space}\n"
        "  estimation: {name: table, path: t.csv, metrics: {score: s}, misfits: 0.5}\n  strategy: {name: random}\n"
        "  objectives: [{metric: score, goal: minimize}]\n  budget: {trials: 4}\n"
    )
    (tmp_path / "t.csv").write_text("kernel,wide,s\n3.0,1,-1\n5.0,0,-2\n5.0,0,-2\n9.0,1,0\n")
    (tmp_path / "s.yaml").write_text(text)
    status, out, err = run("check", "s.yaml")
    assert status == 0
    assert "over 6 architectures (yaml); 4 trials looked up in a table; nothing is trained." in out
    assert "  4 rows in t.csv: 2 of 6 architectures of the space\n" in out
    assert (
        "warning: 1 of the 4 rows of the table 't.csv' fit no architecture of the space 'yaml', and are not used: line 5:" in err
    )
    assert "warning: 1 row of the table 't.csv' says what another one has said of its architecture.\n" in err
    assert "has a row with all values for 2 of 6 architectures of the space 'yaml'; the others are not proposed." in err
    (tmp_path / "s.yaml").write_text(text.replace("goal: minimize", "goal: minimize, limit: -3"))
    status, _, err = run("check", "s.yaml")
    assert status == 2
    assert "none of 2 architectures of the table keeps the limits: score must be <= -3, but lies between -2 and -1." in err


def test_check_says_what_is_wrong_and_exits_with_2(run: Run, tmp_path: Path) -> None:
    tiny(tmp_path, ("trials: 6", "trials: six"), ("{epochs: 2}", "{epochs: 0}"))
    status, out, err = run("check", "search.yaml")
    assert (status, out) == (2, "")
    assert err == (
        "archsmith: search.yaml:8: spec.estimation.epochs: got 0, but must be >= 1.\n"
        "search.yaml:11: spec.budget.trials: got 'six', but must be a whole number.\n"
    )


def test_a_file_that_is_not_there_is_named(run: Run) -> None:
    for command in ("check", "run", "compile"):
        status, _, err = run(command, "none.yaml")
        assert status == 2
        assert err == (
            "archsmith: The search file 'none.yaml' can't be read: No such file or directory. "
            "`archsmith init` writes one to start from.\n"
        )


def test_schema_prints_the_json_schema(run: Run) -> None:
    status, out, _ = run("schema")
    assert status == 0
    assert json.loads(out) == json.loads(json.dumps(schema()))
