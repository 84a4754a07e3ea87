"""Tracking against a real MLflow server, which is also killed and started again."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from archsmith.errors import UnavailableError
from archsmith.tracking import Ended, Tracker

pytestmark = [pytest.mark.cluster, pytest.mark.long]  # for its length; it needs none
ENDED = Ended(1_700_000_100.0, "all")


def test_a_server_gets_the_same_as_a_sqlite_file(search, make_trial, winner, server, sqlite_uri, look) -> None:
    trials = [make_trial(0), make_trial(1, "stopped"), make_trial(2, "failed", n_epochs=1)]
    for uri in (server.uri, sqlite_uri):
        tracker = Tracker(search, uri)
        tracker.sync(trials)
        tracker.publish({"report.html": b"<html></html>", "pictures/winner.png": b"\x89PNG"}, winner, ended=ENDED)
        assert tracker.sync(trials) == 0
    (at_server, *_), (in_file, *_) = look(server.uri).snapshot(), look(sqlite_uri).snapshot()
    assert at_server == in_file


def test_the_model_at_a_server_predicts_as_onnxruntime_does(search, winner, server) -> None:
    import mlflow

    search = replace(search, name="served")
    Tracker(search, server.uri).publish({}, winner, ended=ENDED)
    images = np.random.default_rng(1).random((5, 2, 3, 3)).astype(np.float32)
    previous = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(server.uri)
    try:
        loaded = mlflow.pyfunc.load_model("models:/archsmith-served@champion")
    finally:
        mlflow.set_tracking_uri(previous)
    expected = onnxruntime.InferenceSession(winner.onnx).run(None, {"images": images})[0]
    np.testing.assert_array_equal(loaded.predict(images)["logits"], expected)


def test_what_a_killed_server_missed_is_caught_up_when_it_is_back(search, make_trial, server, look) -> None:
    search = replace(search, name="interrupted")
    trials = [make_trial(n) for n in range(6)]
    tracker = Tracker(search, server.uri)
    tracker.sync(trials[:2])
    server.kill()
    with pytest.raises(UnavailableError, match="archsmith sync"):
        tracker.sync(trials[:4])
    server.start()
    assert tracker.sync(trials) == 4
    mlflow = look(server.uri)
    (run,) = mlflow.runs("interrupted")
    assert [t.info.run_name for t in mlflow.trials(run)] == [f"trial 000{n}" for n in range(6)]
    assert [(step, value) for step, value, _ in mlflow.points(run, "trials")] == [(n, n) for n in range(1, 7)]


def test_nothing_is_shown_while_a_server_is_used(search, make_trial, winner, server, capfd) -> None:
    tracker = Tracker(replace(search, name="quiet"), server.uri)
    tracker.sync([make_trial(0)])
    tracker.publish({"report.html": b""}, winner, ended=ENDED)
    assert capfd.readouterr() == ("", "")
