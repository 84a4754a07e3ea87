import json
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from archsmith import __version__
from archsmith.cli import cli, main
from archsmith.evaluation import ESTIMATORS
from archsmith.search import load, schema
from archsmith.spaces import SPACES
from archsmith.strategies import STRATEGIES
from archsmith.template import TEMPLATE
from archsmith.testing.searches import tiny

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run the command in this process, in an empty folder; return its status, its output and its errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARCHSMITH_STORE", raising=False)

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["archsmith", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


def test_init_prints_a_search_file_that_check_accepts(run: Run, tmp_path: Path) -> None:
    status, text, _ = run("init")
    assert (status, text) == (0, TEMPLATE)
    (tmp_path / "search.yaml").write_text(text)
    status, said, _ = run("check", "search.yaml")
    size = load(tmp_path / "search.yaml").space.size()
    assert status == 0
    assert said == (
        f"search.yaml is a valid search named 'my-search': evolution over {size:.3g} architectures (chain) on digits; "
        "24 trials of 4 epochs in 3 rounds; the winner is retrained for 30 epochs.\n"
    )


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


@pytest.mark.parametrize(("kind", "registry"), [("strategies", STRATEGIES), ("estimators", ESTIMATORS)], ids=lambda v: str(v)[:9])
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
        (("yaml", "--sample", "1"), "The space 'yaml' has no defaults for decisions and network"),
        (("chain", "--draw", "out.gif"), "got 'out.gif', but must end in .svg or .png"),
        (("chain", "--sample", "1", "--shape", "32"), "got '32', but must be channels, height and width, as in 3,32,32"),
    ],
)
def test_spaces_refuses_wrong_use_with_status_2(run: Run, arguments: tuple[str, ...], said: str) -> None:
    status, out, err = run("spaces", *arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_a_search_that_is_not_there_is_told_from_those_that_are(run: Run, staged: Any) -> None:
    for command in ("show", "watch", "sync", "delete"):
        status, _, err = run(command, "tinny", "--store", staged.store)
        assert status == 2
        assert err == f"archsmith: There is no search 'tinny' in the store {staged.store!r}; it has: tiny.\n"


def test_show_prints_json_for_programs(run: Run, staged: Any) -> None:
    trials = staged.run(0.7, 0.9)
    staged.select()
    staged.train(trials[1])
    staged.report()
    status, out, _ = run("show", "tiny", "--store", staged.store, "--json")
    shown = json.loads(out)
    assert status == 0
    assert (shown["phase"], shown["test_accuracy"], shown["n_params"]) == ("done", 0.975, 1500)
    assert {"model", "onnx", "report", "store", "mlflow"} <= set(shown["places"])
    assert shown["places"]["report"].endswith("searches/tiny/report/index.html")


def test_show_prints_the_leaderboard_the_winner_and_the_places(run: Run, staged: Any) -> None:
    trials = staged.run(0.7, "OutOfMemoryError: [x].", 0.9)
    staged.select()
    staged.train(trials[2])
    staged.report()
    status, out, _ = run("show", "tiny", "--store", staged.store)
    assert status == 0
    assert "tiny: the best of 3 trials, 1 failed" in out
    assert out.index("★ 2") < out.index("0.7000")
    assert "The winner reaches 97.50% on the test images with 1,500 parameters" in " ".join(out.split())
    assert "classifier" in out
    assert any(line.startswith("report ") and line.endswith("report/index.html") for line in out.splitlines())


def test_show_and_the_report_tell_how_the_winner_chose_to_be_trained(run: Run, staged_with: Any) -> None:
    joint = ("strides: [1, 2]}", "strides: [1, 2], training: {learning_rate: [0.05], augment: [flip+crop]}}")
    staged = staged_with(joint)
    trials = staged.run(0.7, 0.9)
    staged.select()
    staged.train(trials[1])
    staged.report()
    status, out, _ = run("show", "tiny", "--store", staged.store)
    assert status == 0
    assert "It chose how it is trained: learning_rate 0.05, augment flip+crop." in " ".join(out.split())
    decisions = json.loads(run("show", "tiny", "--store", staged.store, "--json")[1])["winner"]["decisions"]
    assert (decisions["training.learning_rate"], decisions["training.augment"]) == (0.05, "flip+crop")


def test_show_says_why_there_is_no_winner(run: Run, staged: Any) -> None:
    staged.run("OutOfMemoryError: held [12] MB.")
    status, out, _ = run("show", "tiny", "--store", staged.store)
    assert status == 0
    assert "No trained winner (searching): all 1 trials failed; the last one: OutOfMemoryError: held [12] MB" in " ".join(
        out.split()
    )


def test_watch_ends_with_the_search(run: Run, staged: Any) -> None:
    trials = staged.run(0.9, "OutOfMemoryError: x.")
    staged.select()
    staged.train(trials[0])
    staged.report()
    status, out, _ = run("watch", "tiny", "--store", staged.store)
    assert status == 0
    assert out.splitlines()[:3] == [
        "trial 0000  complete  accuracy 0.9000  n_params 1500  10.0 s",
        "trial 0001  failed  OutOfMemoryError: x.",
        "done",
    ]


def test_the_store_may_come_from_the_environment(run: Run, staged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHSMITH_STORE", staged.store)
    assert run("show", "tiny", "--json")[0] == 0


def test_delete_asks_and_deletes(run: Run, staged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO("n\n"))
    status, out, _ = run("delete", "tiny", "--store", staged.store)
    assert status == 0
    assert out.endswith("tiny is kept.\n")
    assert run("show", "tiny", "--store", staged.store, "--json")[0] == 0
    assert run("delete", "tiny", "--store", staged.store, "--yes")[:2] == (0, "Deleted tiny.\n")
    assert run("show", "tiny", "--store", staged.store)[0] == 2


def test_predict_says_what_is_missing_or_wrong(run: Run, tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "x.png")
    (tmp_path / "model.pt2").write_text("hello")
    status, _, err = run("predict", "none.pt2", "x.png")
    assert status == 2
    assert err == "archsmith: There is no model at 'none.pt2'; `archsmith show NAME` says where a search has put its own.\n"
    status, _, err = run("predict", "model.pt2", "x.png")
    assert status == 1
    assert err.startswith("archsmith: This is no model exported by Archsmith, or it is damaged: ")
    status, _, err = run("predict", "model.pt2")
    assert status == 2
    assert "Missing argument 'IMAGES...'" in err


@pytest.mark.parametrize("arguments", [["nothing"], ["show"], ["show", "a", "b"], ["init", "--nothing"]], ids=" ".join)
def test_wrong_use_exits_with_2(run: Run, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert "Usage: archsmith" in err


def test_without_a_command_it_says_what_there_is(run: Run) -> None:
    status, out, err = run()
    assert status == 2
    assert "Commands:" in out + err


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version")[:2] == (0, f"archsmith, version {__version__}\n")


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_a_help_with_an_example(run: Run, name: str) -> None:
    status, out, _ = run(name, "--help")
    assert status == 0
    assert f"Example:\n    archsmith {name}" in out


def test_the_installed_command_is_this_one(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("archsmith")), "check", "none.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    as_module = subprocess.run([sys.executable, "-m", "archsmith", "--version"], capture_output=True, text=True, check=True)
    assert as_module.stdout.split()[-1] == __version__
