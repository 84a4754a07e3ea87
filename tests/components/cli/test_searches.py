import fcntl
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from archsmith.runner import log_path
from archsmith.stores.folder import SearchFolder
from archsmith.values import Fidelity
from archsmith.values.data_facts import DataFacts
from archsmith.values.findings import Finding
from archsmith.views import terminal

Run = Callable[..., tuple[int, str, str]]


def test_a_search_that_is_not_there_is_told_from_those_that_are(run: Run, staged: Any) -> None:
    for command in ("show", "watch", "sync", "delete", "logs"):
        status, _, err = run(command, "tinny", "--store", staged.store)
        assert status == 2
        assert err == f"archsmith: There is no search 'tinny' in the store {staged.store!r}; it has: tiny.\n"


def test_a_search_whose_first_step_was_refused_has_not_begun(run: Run, tmp_path: Path) -> None:
    (tmp_path / "runs/searches/tiny").mkdir(parents=True)
    (tmp_path / "runs/searches/tiny/run.log").write_text("why")  # all that such a run leaves
    for command in ("show", "watch", "sync"):
        status, _, err = run(command, "tiny", "--store", str(tmp_path / "runs"))
        assert status == 2
        assert err.startswith("archsmith: The search tiny has not begun: its first step has not ended")
        assert "`archsmith logs tiny`" in err
    assert run("logs", "tiny", "--store", str(tmp_path / "runs"))[:2] == (0, "why")


def test_a_name_that_is_no_text_is_refused(run: Run, staged: Any) -> None:
    for command in ("show", "delete", "sync"):
        status, _, err = run(command, "n\udcc3ne", "--store", staged.store)  # as Python has bytes that are no UTF-8
        assert (status, err.startswith("archsmith: The key 'n\\udcc3ne' can't be stored")) == (1, True)


def test_show_prints_json_for_programs(run: Run, staged: Any) -> None:
    trials = staged.run(0.7, 0.9)
    staged.select()
    staged.train(trials[1])
    staged.report()
    status, out, _ = run("show", "tiny", "--store", staged.store, "--json")
    shown = json.loads(out)
    assert status == 0
    assert (shown["phase"], shown["test_accuracy"], shown["n_params"]) == ("done", 0.975, 1500)
    assert staged.search.space.from_text(shown["winner"]["notation"]) == trials[1].proposal.architecture
    assert {"model", "onnx", "report", "store"} <= set(shown["places"])
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
    assert f"\n  {staged.search.space.to_text(trials[2].proposal.architecture)}\n" in out
    assert "↓\n  classifier\n" in out
    assert any(line.startswith("report ") and line.endswith("report/index.html") for line in out.splitlines())


def test_show_lists_an_architecture_once_where_it_was_trained_furthest(run: Run, staged: Any) -> None:
    (full,) = staged.propose(1)
    low = replace(full, fidelity=Fidelity(1), number=1, round=1)
    staged.folder.write_proposals(1, [low])
    staged.record(full, 0.6)
    staged.record(low, 0.8)
    _, out, _ = run("show", "tiny", "--store", staged.store)
    assert "the best of 2 trials" in out
    assert "0.6000" in out
    assert "0.8000" not in out


def test_show_writes_a_winner_that_is_no_chain_of_layers_in_a_line_and_draws_no_column(run: Run, staged_with: Any) -> None:
    chain = "{name: chain, layers: {min: 1, max: 2}, operations: [conv], filters: [8, 16], kernels: [3], strides: [1, 2]}"
    staged = staged_with((chain, "{name: branch, layers: {min: 6, max: 6}, branches: 3, operations: [conv]}"))
    trials = staged.run(0.7, 0.9)
    staged.select()
    staged.train(trials[1])
    _, out, _ = run("show", "tiny", "--store", staged.store)
    (written,) = [line.strip() for line in out.splitlines() if line.startswith("  layers=6 ")]
    assert staged.search.space.from_text(written) == trials[1].proposal.architecture
    assert "classifier" not in out


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
    assert out.splitlines()[:2] == [
        "tiny: the only trial failed",
        "No trained winner (searching): all 1 trials failed; the last one: OutOfMemoryError: held [12] MB",
    ]


def test_show_says_how_many_images_there_are_and_what_was_found_in_them(run: Run, staged: Any) -> None:
    counts = {"train": (10, 10), "validation": (3, 4), "test": (2, 2)}
    facts = DataFacts((1, 8, 8), ("a", "b"), counts, findings=(Finding("few", "They are few."),))
    staged.folder.write_json("space.json", {"id": "x", "data": facts.to_dict()})
    _, out, _ = run("show", "tiny", "--store", staged.store)
    assert out.splitlines()[1 : 2 + len(facts.summary())] == [*facts.summary(), "They are few."]


def test_show_names_no_file_that_is_not_there(run: Run, staged: Any) -> None:
    def named() -> set[str]:
        return set(json.loads(run("show", "tiny", "--store", staged.store, "--json")[1])["places"])

    assert named() == {"store"}
    trials = staged.run("DivergedError: d.", "DivergedError: d.", 0.9)
    assert named() == {"store"}
    _, out, _ = run("show", "tiny", "--store", staged.store)
    assert "No trained winner yet: the search is searching." in out
    assert "model" not in out.replace(staged.store, "")
    staged.select()
    staged.train(trials[2])
    assert named() == {"store", "model", "onnx", "architecture"}
    staged.report()
    assert named() == {"store", "model", "onnx", "architecture", "report"}


@pytest.mark.parametrize(
    ("outcomes", "title"),
    [
        ((), "tiny: no trial has ended yet"),
        ((0.5,), "tiny: the only trial"),
        ((0.5, "X: y."), "tiny: the best of 2 trials, 1 failed"),
        (("X: y.", "X: y.", "X: y."), "tiny: 3 trials, all failed"),
    ],
)
def test_the_title_of_the_leaderboard_says_what_it_is_of_and_an_empty_one_is_not_shown(
    run: Run, staged: Any, outcomes: tuple[Any, ...], title: str
) -> None:
    staged.run(*outcomes)
    lines = run("show", "tiny", "--store", staged.store)[1].splitlines()
    assert lines[0] == title
    assert (lines[1].split()[:2] == ["trial", "accuracy"]) == (0.5 in outcomes)


def test_list_shows_how_every_search_of_a_store_stands(run: Run, staged: Any) -> None:
    assert run("list", "--store", "nothing")[1] == f"There is no search in the store {str(Path('nothing').resolve())!r}.\n"
    trials = staged.run(0.7, 0.9, "OutOfMemoryError: x.")
    staged.select()
    staged.train(trials[1])
    staged.report()
    begun = SearchFolder(staged.folder.store, "begun")
    begun.write_search(staged.search.text.replace("tiny", "begun"))
    SearchFolder(staged.folder.store, "broken").write_search("kind: Sea")
    status, out, _ = run("list", "--store", staged.store)
    assert status == 0
    assert [line.split() for line in out.splitlines()[:4]] == [
        ["search", "phase", "trials", "failed", "best", "test", "accuracy"],
        ["begun", "starting", "0", "of", "6"],
        ["broken", "unreadable"],
        ["tiny", "done", "3", "of", "6", "1", "accuracy", "0.9", "97.50%"],
    ]
    assert "broken: The search file in the store is not valid here." in out
    first, second, third = json.loads(run("list", "--store", staged.store, "--json")[1])
    assert (first["name"], first["phase"], first["best"], first["error"]) == ("begun", "starting", None, None)
    assert (second["name"], second["phase"]) == ("broken", None)
    assert "broken/search.yaml" in second["error"]
    assert third == {
        "name": "tiny", "phase": "done", "trials": {"ended": 3, "failed": 1, "looks": 0, "budget": 6},
        "trainings": {"spent": 3.0, "budget": None}, "best": {"accuracy": 0.9},
        "test_accuracy": 0.975, "gained": None, "gains": {}, "error": None,
    }  # fmt: skip


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


def test_watch_ends_with_the_run_where_that_ends_before_the_search(
    run: Run, staged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with log_path(staged.folder).open("ab") as log:
        fcntl.flock(log, fcntl.LOCK_EX)  # as a run does while it goes on
        monkeypatch.setattr(terminal.time, "sleep", lambda _: log.close())
        status, _, err = run("watch", "tiny", "--store", staged.store)
    assert status != 0
    assert "The run of the search 'tiny' has ended, and the search is not done: `archsmith logs tiny` says why." in err


def test_watch_says_that_nobody_runs_the_search_here(run: Run, staged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.time, "sleep", lambda _: staged.folder.mark(done=True))
    status, _, err = run("watch", "tiny", "--store", staged.store)
    assert status == 0
    assert "no run of 'tiny' goes on on this machine" in err


def test_the_store_may_come_from_the_environment(run: Run, staged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHSMITH_STORE", staged.store)
    assert run("show", "tiny", "--json")[0] == 0


def test_delete_asks_and_deletes(run: Run, staged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO("n\n"))
    status, out, _ = run("delete", "tiny", "--store", staged.store)
    assert status == 0
    assert out.endswith("tiny is kept.\n")
    monkeypatch.setattr(sys, "stdin", StringIO(""))
    status, _, err = run("delete", "tiny", "--store", staged.store)
    assert status == 2
    assert "nobody to answer that, so nothing is deleted; --yes deletes without asking." in err
    assert run("show", "tiny", "--store", staged.store, "--json")[0] == 0
    assert run("delete", "tiny", "--store", staged.store, "--yes")[:2] == (0, "Deleted tiny.\n")
    assert run("show", "tiny", "--store", staged.store)[0] == 2
