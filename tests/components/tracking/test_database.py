"""MLflow's sqlite file under several processes, under any name, and after it was moved."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

from archsmith.errors import UnavailableError
from archsmith.tracking import Ended, Tracker, look_after, resolve_uri
from archsmith.tracking.database import one_writer
from archsmith.values.outcome import UntrainedWinner

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

ENDED = Ended(1_700_000_100.0, "all")
NAMES = ["q?x", "p%20q", "h#x", "100%", "é ü", "a:b", """it's "x" """, "$HOME;a&b@c"]


@contextmanager
def process_of(do: Callable[..., object], *arguments: object) -> Iterator[BaseProcess]:
    """A process that does something and has MLflow imported already."""
    import mlflow  # noqa: F401

    process = get_context("fork").Process(target=do, args=arguments)
    process.start()
    yield process
    process.join()
    assert process.exitcode == 0


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_processes_that_begin_at_once_in_a_fresh_store_log_all_of_it(search, make_trial, look, tmp_path) -> None:
    trials = [make_trial(n) for n in range(3)]
    winner = UntrainedWinner(trials[0].id, trials[0].proposal.architecture, {"test_accuracy": 0.9375})
    uri = resolve_uri(None, str(tmp_path / "runs"))

    def track(name: str) -> None:
        Tracker(replace(search, name=name), uri).sync(trials)

    def report(name: str) -> None:
        track(name)
        Tracker(replace(search, name=name), uri).publish({"report.html": b"<html></html>"}, None, winner, ended=ENDED)

    names = ["one", "two", "three"]
    (tmp_path / "runs").mkdir()
    with closing(sqlite3.connect(tmp_path / "runs" / ".mlflow.db.new")) as half:  # a process was killed that made it
        half.execute("CREATE TABLE experiments (experiment_id INTEGER)")
    with ExitStack() as stack:
        for name in names:
            for what in (track, report):
                stack.enter_context(process_of(what, name))
    mlflow_has = look(uri)
    for name in names:
        (run,) = mlflow_has.runs(name)
        assert (run.info.status, run.data.metrics["test_accuracy"], len(mlflow_has.trials(run))) == ("FINISHED", 0.9375, 3)
        assert "report.html" in mlflow_has.files(run)
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["mlartifacts", "mlflow.db", "mlflow.db.lock"]


def test_any_path_of_a_file_system_holds_the_file_and_its_artifacts(search, make_trial, sqlite_uri, look, tmp_path) -> None:
    stores = tmp_path / "stores"
    for name in NAMES:
        store = stores / name
        store.mkdir(parents=True)
        shutil.copy(tmp_path / "mlflow.db", store)
        uri = resolve_uri(None, str(store))
        Tracker(search, uri).sync([make_trial(0)])
        with one_writer(uri) as place:
            (run,) = look(place).runs()
            assert run.info.artifact_uri == f"{(store / 'mlartifacts').as_uri()}/{run.info.run_id}/artifacts"
        assert (store / "mlartifacts" / run.info.run_id / "artifacts" / "search.yaml").read_text() == search.text
        assert sorted(p.name for p in stores.iterdir()) == [name], "nothing lies beside the store"
        shutil.rmtree(store)


def test_a_store_given_as_a_uri_means_the_same_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a b?"
    assert resolve_uri(None, folder.as_uri()) == resolve_uri(None, str(folder)) == f"sqlite:///{tmp_path}/a b%3F/mlflow.db"


@pytest.mark.cluster  # for its length; it needs none
def test_a_store_that_was_moved_has_its_artifacts_where_it_is(search, make_trial, winner, look, sqlite_uri, tmp_path) -> None:
    import mlflow

    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    shutil.copy(tmp_path / "mlflow.db", old)

    def run() -> None:
        tracker = Tracker(search, resolve_uri(None, str(old)))
        tracker.sync([make_trial(0)])
        tracker.publish({"report.html": b"first"}, winner, ended=ENDED)

    with process_of(run):  # for MLflow keeps in mind, as long as a process lives, where a run's artifacts are
        pass
    old.rename(new)
    uri = resolve_uri(None, str(new))
    Tracker(search, uri).sync([make_trial(0), make_trial(1)])
    Tracker(search, uri).publish({"report.html": b"second"}, winner, ended=Ended(1_700_000_200.0, "more"))
    assert not old.exists()
    mlflow_has = look(uri)
    (run,) = mlflow_has.runs()
    (report,) = new.glob("mlartifacts/*/artifacts/report.html")
    assert report.read_bytes() == b"second"
    assert "report.html" in mlflow_has.files(run)
    previous = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        loaded = mlflow.pyfunc.load_model("models:/archsmith-digits-chain@champion")
    finally:
        mlflow.set_tracking_uri(previous)
    assert loaded.predict(np.zeros((1, 2, 3, 3), np.float32))["logits"].tolist() == [[0.0] * 4]


def test_a_copy_of_a_store_leaves_the_artifacts_of_the_first_one_alone(search, make_trial, look, sqlite_uri, tmp_path) -> None:
    first, copy = tmp_path / "first", tmp_path / "copy"
    first.mkdir()
    shutil.copy(tmp_path / "mlflow.db", first)
    with process_of(Tracker(search, resolve_uri(None, str(first))).sync, [make_trial(0)]):
        pass
    shutil.copytree(first, copy)
    changed = replace(search, text="kind: Search # of the copy\n")
    Tracker(changed, resolve_uri(None, str(copy))).sync([make_trial(0)])
    texts = [next(store.glob("mlartifacts/*/artifacts/search.yaml")).read_text() for store in (first, copy)]
    assert texts == [search.text, changed.text]


def test_a_moved_file_to_which_nothing_is_to_be_added_is_looked_after_and_no_other_one_is_touched(
    search, look, sqlite_uri, tmp_path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    shutil.copy(tmp_path / "mlflow.db", old)
    with process_of(Tracker(search, resolve_uri(None, str(old))).sync, []):
        pass
    old.rename(new)
    look_after(uri := resolve_uri(None, str(new)))
    (run,) = look(uri).runs()
    assert run.info.artifact_uri.startswith((new / "mlartifacts").as_uri())
    written = (new / "mlflow.db").stat().st_mtime_ns
    (tmp_path / "other.db").write_bytes(b"no database at all, and longer than its header would be" * 2)
    for other in (uri, f"sqlite:///{tmp_path}/other.db", f"sqlite:///{tmp_path}/none.db", "http://127.0.0.1:1"):
        look_after(other)
    assert (new / "mlflow.db").stat().st_mtime_ns == written
    assert not (tmp_path / "none.db").exists()


def test_artifacts_that_somebody_keeps_elsewhere_stay_there(search, look, sqlite_uri, tmp_path) -> None:
    elsewhere = tmp_path / "disk" / "mlartifacts"
    elsewhere.mkdir(parents=True)
    look(sqlite_uri).client.create_experiment("archsmith", elsewhere.as_uri())
    for _ in range(2):
        Tracker(search, sqlite_uri).sync([])
    (run,) = look(sqlite_uri).runs()
    assert run.info.artifact_uri.startswith(elsewhere.as_uri())


def test_a_file_that_is_half_made_is_named_with_what_to_do(search, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("archsmith.tracking.tracker.PAUSES_S", (0.01,))
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as half:
        half.execute("CREATE TABLE somebody (id INTEGER)")
    with pytest.raises(Exception, match=r"mlflow\.db lacks tables of MLflow's: .* move it away, and `archsmith sync`"):
        Tracker(search, resolve_uri(None, str(tmp_path))).sync([])


def test_a_store_that_may_not_be_written_is_said_at_once(search, tmp_path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UnavailableError, match=r"fails: .*File exists"):
        Tracker(search, resolve_uri(None, str(tmp_path / "runs"))).sync([])
