"""Searches run for real, through KFP's local runner."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

import archsmith
from archsmith.errors import DataError, KilledError, PermanentError, SearchConflictError, SpecError
from archsmith.runner import _only_one, log_path
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import looked_up, run_steps, tiny
from archsmith.views.result import Result
from archsmith.views.snapshot import Snapshot

pytestmark = pytest.mark.usefixtures("as_a_user")


TRACKED = ("tracking: {enabled: false}", "tracking: {enabled: true}")
FEW = ("{name: digits}", "{name: digits, test: 0.02}")
"""A data set that there is something to say of."""
BRIEF = ("retrain: {epochs: 3}", "retrain: {epochs: 1}")
"""A file that there is something to say of."""
FOUR = ("trials: 6, rounds: 3", "trials: 4, rounds: 2")


@dataclass(frozen=True)
class Finished:
    """A search that was run to its end."""

    folder: Path
    """Its file and its store, `runs`, lie in it."""
    result: Result
    """What it returned."""
    seen: list[Snapshot]
    """What was watched of it."""
    warned: list[str]
    """What was warned of."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Run a search of four trials, which is tracked."""
    folder, seen, warned = tmp_path_factory.mktemp("finished"), list[Snapshot](), list[str]()
    with pytest.MonkeyPatch.context() as patch:  # as `as_a_user` does for a test
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("OMP_NUM_THREADS", raising=False)
        patch.chdir(folder)
        file = tiny(folder, FOUR, TRACKED, FEW, BRIEF)
        result = archsmith.run(file, store=str(folder / "runs"), watch=seen.append, warn=warned.append)
    return Finished(folder, result, seen, warned)


@pytest.mark.filterwarnings("ignore:The ``noload``")  # MLflow's use of SQLAlchemy
def test_a_search_ends_with_a_model_a_report_and_its_runs_in_mlflow(finished: Finished) -> None:
    import mlflow
    import numpy as np
    import torch

    result = finished.result
    assert list(result.trials["status"]) == ["complete"] * 4
    assert result.best.metrics["n_params"] <= 20000
    assert Path(result.report).read_text().count("<svg")
    assert finished.seen[-1].phase == "done"
    images = torch.rand(3, 1, 8, 8)
    logits = result.best.model()(images)
    assert logits.shape == (3, 10)
    uri = f"sqlite:///{finished.folder}/runs/mlflow.db"
    client = mlflow.MlflowClient(uri)
    version = client.get_model_version_by_alias("archsmith-tiny", "champion")
    training = client.get_run(version.run_id)
    parent = client.get_run(training.data.tags["mlflow.parentRunId"])
    assert (parent.info.run_name, parent.info.status) == ("tiny", "FINISHED")
    assert parent.data.params["images.train"] == str(result.folder.data_facts().n("train"))
    runs = client.search_runs([parent.info.experiment_id], "tags.archsmith.of = 'tiny'")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {parent.info.run_id}
    assert len(runs) == 4
    mlflow.set_tracking_uri(uri)
    loaded = mlflow.onnx.load_model("models:/archsmith-tiny@champion")
    import onnxruntime

    session = onnxruntime.InferenceSession(loaded.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"images": images.numpy()})[0], logits.detach().numpy(), atol=1e-4)


def test_what_is_hardly_meant_in_the_file_and_what_is_odd_of_the_data_is_told_once(finished: Finished) -> None:
    by_file, by_data = finished.warned
    assert by_file == "`retrain.epochs` is 1, less than `estimation.epochs`, which is 2."
    assert by_data.startswith("There are 36 test images only")


@pytest.mark.cluster  # for its length; it needs none
def test_a_search_that_is_run_again_trains_nothing_and_a_larger_budget_goes_on(finished: Finished, tmp_path: Path) -> None:
    store, first = str(tmp_path / "runs"), finished.result
    shutil.copytree(finished.folder / "runs", store)
    log = Path(store, "searches/tiny/run.log")
    before = log.read_bytes()
    again = archsmith.run(tiny(tmp_path, FOUR, TRACKED, FEW, BRIEF), store=store)
    assert log.read_bytes() == before  # no pipeline has run
    assert again.snapshot.model == first.snapshot.model
    assert again.snapshot.history == first.snapshot.history
    seen: list[Snapshot] = []
    larger = archsmith.run(tiny(tmp_path, FEW, BRIEF), store=store, watch=seen.append)
    assert [s.phase == "done" for s in seen] == [False] * (len(seen) - 1) + [True]  # at first, the store says "done" still
    assert larger.snapshot.history.trials[:4] == first.snapshot.history.trials
    assert len(larger.trials) == 6


def test_a_search_may_be_a_mapping(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, store = looked_up(tmp_path), str(tmp_path / "runs")
    run_steps(file, store)  # so that nothing is left to run
    given = yaml.safe_load(file.read_text())
    given["spec"]["estimation"]["path"] = tmp_path / "table.csv"
    given["spec"]["budget"]["trials"] = np.int64(6)
    result = archsmith.run(given, store=store)
    assert len(result.trials) == 6
    for wrong, said in (({**given, "kind": object()}, "holds a object"), ({**given, "knd": 1}, "`kind`")):
        with pytest.raises(SpecError, match=said):
            archsmith.run(wrong, store=store)


@pytest.mark.cluster  # for its length; it needs none
def test_a_script_is_told_of_its_search_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archsmith.run(looked_up(tmp_path, ("trials: 6, rounds: 3", "trials: 2, rounds: 1")), store=str(tmp_path / "runs"))
    out, err = capsys.readouterr()
    assert out == ""
    said = [line.split()[0] for line in err.splitlines()]
    assert (said[:3], said[-1]) == (["looked-up:", "trial", "trial"], "done")


@pytest.mark.cluster  # for its length; it needs none
def test_an_error_of_a_step_comes_through_as_it_is_and_a_step_finds_what_lies_beside_the_search_file(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    file = tiny(tmp_path / "elsewhere", ("{name: digits}", "{name: folder, path: empty}"))
    (tmp_path / "elsewhere" / "empty").mkdir()
    with pytest.raises(DataError, match=f"There are no images in folders of classes in {tmp_path}/elsewhere/empty"):
        archsmith.run(file, store=str(tmp_path / "runs"))


def test_another_search_of_this_name_is_refused_before_anything_runs(tmp_path: Path) -> None:
    store = tmp_path / "runs"
    from archsmith.steps.sample_space import sample_space
    from archsmith.testing.searches import TINY

    sample_space(TINY, str(store))
    with pytest.raises(SearchConflictError, match=r"spec\.seed"):
        archsmith.run(tiny(tmp_path, ("retrain: {", "seed: 3\n  retrain: {")), store=str(store))


@pytest.mark.cluster  # for its length; it needs none
def test_two_runs_of_a_search_at_once_are_refused(tmp_path: Path) -> None:
    file, store = tiny(tmp_path, ("epochs: 2", "epochs: 500")), tmp_path / "runs"
    command = [sys.executable, "-m", "archsmith", "run", str(file), "--store", str(store)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 300
        while not (store / "searches/tiny/run.log").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        second = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    finally:
        first.kill()
        first.wait()
    assert second.returncode == 2
    assert "'tiny' is running already" in second.stderr


def test_a_run_that_waited_for_a_deletion_holds_the_log_that_others_see(tmp_path: Path) -> None:
    folder = SearchFolder(open_store(str(tmp_path / "runs")), "tiny")
    folder.put("run.log", b"")
    log = tmp_path / "runs/searches/tiny/run.log"
    with log.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        timer = threading.Timer(0.5, lambda: (folder.remove(), fcntl.flock(held, fcntl.LOCK_UN)))
        timer.start()
        with _only_one(folder, "tiny") as mine:
            assert os.path.samestat(os.fstat(mine.fileno()), log.stat())
        timer.join()


def test_logs_of_searches_of_one_name_in_two_buckets_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("ARCHSMITH_S3_ENDPOINT", "http://localhost:1")
    logs = [log_path(SearchFolder(open_store(f"s3://{bucket}"), "tiny")) for bucket in ("dev", "prod", "dev")]
    assert logs[0] == logs[2] != logs[1]
    assert all(re.fullmatch(r"tiny-[0-9a-f]{8}\.log", str(log)) for log in logs)


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


def test_without_a_place_for_temporary_files_nothing_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(PermanentError, match=r"no place for temporary files: No such file or directory\. Set TMPDIR"):
        archsmith.run(tiny(tmp_path), store=str(tmp_path / "runs"))


def test_a_place_that_can_not_hold_a_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(PermanentError, match=r"runs' is a file, but a store is a folder"):
        archsmith.run(tiny(tmp_path), store=str(tmp_path / "runs"))
    with pytest.raises(PermanentError, match=r"log .*run\.log can't be written: Not a directory"):
        archsmith.run(tiny(tmp_path), store=str(tmp_path / "runs" / "below"))


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
    with pytest.raises(KilledError, match=r"killed \(SIGKILL\).*run\.log"):
        archsmith.run(tiny(tmp_path), store=str(tmp_path / "runs"))
    killer.join()
    assert set(psutil.Process().children()) <= before
    temporary.rmdir()  # which fails where anything is left in it
