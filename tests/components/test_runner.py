"""Searches run for real, through KFP's local runner."""

import fcntl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import archsmith
from archsmith.errors import DataError, NoWinnerError, PermanentError, SearchConflictError
from archsmith.runner import open_rounds
from archsmith.search import parse
from archsmith.snapshot import Snapshot
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import tiny

pytestmark = pytest.mark.usefixtures("as_a_user")


TRACKED = ("tracking: {enabled: false}", "tracking: {enabled: true}")


@pytest.mark.filterwarnings("ignore:The ``noload``")  # MLflow's use of SQLAlchemy
def test_a_search_ends_with_a_model_a_report_and_its_runs_in_mlflow(tmp_path: Path) -> None:
    import mlflow
    import numpy as np
    import torch

    seen: list[Snapshot] = []
    result = archsmith.run(tiny(tmp_path, TRACKED), store=str(tmp_path / "runs"), watch=seen.append)
    assert list(result.trials["status"]) == ["complete"] * 6
    assert result.best.metrics["n_params"] <= 20000
    assert Path(result.report).read_text().count("<svg")
    assert seen[-1].phase == "done"
    images = torch.rand(3, 1, 8, 8)
    logits = result.best.model()(images)
    assert logits.shape == (3, 10)
    uri = f"sqlite:///{tmp_path}/runs/mlflow.db"
    client = mlflow.MlflowClient(uri)
    version = client.get_model_version_by_alias("archsmith-tiny", "champion")
    runs = client.search_runs([client.get_run(version.run_id).info.experiment_id])
    assert len([run for run in runs if run.data.tags.get("mlflow.parentRunId") == version.run_id]) == 6
    mlflow.set_tracking_uri(uri)
    loaded = mlflow.onnx.load_model("models:/archsmith-tiny@champion")
    import onnxruntime

    session = onnxruntime.InferenceSession(loaded.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"images": images.numpy()})[0], logits.detach().numpy(), atol=1e-4)


def test_a_search_that_is_run_again_trains_nothing_and_a_larger_budget_goes_on(tmp_path: Path) -> None:
    store = str(tmp_path / "runs")
    first = archsmith.run(tiny(tmp_path), store=store)
    again = archsmith.run(tiny(tmp_path), store=store)
    assert again.snapshot.model == first.snapshot.model
    assert again.snapshot.history == first.snapshot.history
    seen: list[Snapshot] = []
    larger = archsmith.run(tiny(tmp_path, ("trials: 6, rounds: 3", "trials: 8, rounds: 4")), store=store, watch=seen.append)
    assert [s.phase == "done" for s in seen] == [False] * (len(seen) - 1) + [True]  # at first, the store says "done" still
    assert larger.snapshot.history.trials[:6] == first.snapshot.history.trials
    assert len(larger.trials) == 8


def test_an_error_of_a_step_comes_through_as_it_is(tmp_path: Path) -> None:
    file = tiny(tmp_path, ("{name: digits}", "{name: folder, path: nowhere}"))
    with pytest.raises(DataError, match="nowhere"):
        archsmith.run(file, store=str(tmp_path / "runs"))


def test_a_search_in_which_all_fails_says_why_and_has_a_report(tmp_path: Path) -> None:
    file = tiny(tmp_path, ("training: {", "training: {learning_rate: 1e+30, "))
    with pytest.raises(NoWinnerError, match=r"all 6 trials failed.*DivergedError"):
        archsmith.run(file, store=str(tmp_path / "runs"))
    assert (tmp_path / "runs/searches/tiny/report/index.html").is_file()


def test_another_search_of_this_name_is_refused_before_anything_runs(tmp_path: Path) -> None:
    store = tmp_path / "runs"
    from archsmith.steps.sample_space import sample_space
    from archsmith.testing.searches import TINY

    sample_space(TINY, str(store))
    with pytest.raises(SearchConflictError, match=r"spec\.seed"):
        archsmith.run(tiny(tmp_path, ("retrain: {", "seed: 3\n  retrain: {")), store=str(store))


def test_two_runs_of_a_search_at_once_are_refused(tmp_path: Path) -> None:
    file, store = tiny(tmp_path, ("epochs: 2", "epochs: 500")), tmp_path / "runs"
    command = [sys.executable, "-m", "archsmith", "run", str(file), "--store", str(store)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not (store / "searches/tiny/run.log").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        first.kill()
        first.wait()
    assert second.returncode == 2
    assert "'tiny' is running already" in second.stderr


def test_a_run_waits_a_moment_for_one_that_was_just_killed(tmp_path: Path) -> None:
    from archsmith.testing.searches import TINY

    folder = SearchFolder(open_store(str(tmp_path / "runs")), "tiny")
    folder.write_search(TINY)
    with (tmp_path / "runs/searches/tiny/run.log").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        timer = threading.Timer(0.7, fcntl.flock, (held, fcntl.LOCK_UN))
        timer.start()
        with pytest.raises(SearchConflictError, match=r"spec\.seed"):  # which comes after the lock
            archsmith.run(tiny(tmp_path, ("retrain: {", "seed: 3\n  retrain: {")), store=str(tmp_path / "runs"))
        timer.join()


def test_a_place_that_can_not_hold_a_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(PermanentError, match=r"log .*run\.log can't be written: Not a directory"):
        archsmith.run(tiny(tmp_path), store=str(tmp_path / "runs"))


def test_a_pipeline_that_is_killed_is_said_to_be_and_leaves_no_process_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = Path(tempfile.mkdtemp())  # not below tmp_path, whose length a socket's address may not have
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = set(psutil.Process().children())

    def kill() -> None:
        while not (started := set(psutil.Process().children()) - before) or not list(temporary.rglob("steps")):
            time.sleep(0.02)
        started.pop().kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(PermanentError, match=r"killed \(SIGKILL\).*run\.log"):
        archsmith.run(tiny(tmp_path), store=str(tmp_path / "runs"))
    killer.join()
    assert set(psutil.Process().children()) == before
    temporary.rmdir()  # which fails where anything is left in it


def test_a_larger_budget_of_trials_has_rounds_for_all_of_them(staged_with: Callable[..., Any]) -> None:
    # 20 trials are 3 rounds of 7, and so are 24 of 8: with those rounds alone nothing would be left to run.
    staged = staged_with(("trials: 6, rounds: 3", "trials: 20"))
    for _ in range(3):
        for proposal in staged.propose(min(7, 20 - len(staged.folder.history()))):
            staged.record(proposal, 0.5)
    assert list(open_rounds(staged.search, staged.folder)) == []
    larger = parse(staged.search.text.replace("trials: 20", "trials: 24"))
    assert list(open_rounds(larger, staged.folder)) == [3]
    largest = parse(staged.search.text.replace("trials: 20", "trials: 60"))
    assert list(open_rounds(largest, staged.folder)) == [3, 4, 5, 6, 7]
    fixed = parse(staged.search.text.replace("trials: 20", "trials: 60, rounds: 3"))
    assert list(open_rounds(fixed, staged.folder)) == []  # whichever ends first
