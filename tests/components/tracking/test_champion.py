"""The published winner, read back by MLflow and checked against a matrix product and onnxruntime."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from archsmith.outcome import UntrainedWinner
from archsmith.tracking import Tracker

FILES = {"report.html": b"<html></html>", "pictures/winner.png": b"\x89PNG"}


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).random((5, 2, 3, 3)).astype(np.float32)


def test_the_published_model_predicts_as_onnxruntime_does(search, winner, sqlite_uri, images) -> None:
    import mlflow

    uri = Tracker(search, sqlite_uri).publish(FILES, winner)
    assert uri == "models:/archsmith-digits-chain/1"
    expected = onnxruntime.InferenceSession(winner.onnx).run(None, {"images": images})[0]
    weights = numpy_helper.to_array(onnx.load_model_from_string(winner.onnx).graph.initializer[0])
    np.testing.assert_allclose(expected, images.reshape(5, 18) @ weights, rtol=1e-4)
    previous = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(sqlite_uri)
    try:
        loaded = mlflow.pyfunc.load_model("models:/archsmith-digits-chain@champion")
        network = mlflow.onnx.load_model("models:/archsmith-digits-chain@champion")
    finally:
        mlflow.set_tracking_uri(previous)
    np.testing.assert_array_equal(loaded.predict(images)["logits"], expected)
    np.testing.assert_array_equal(
        onnxruntime.InferenceSession(network.SerializeToString()).run(None, {"images": images})[0], expected
    )
    assert [(s.shape, s.type) for s in loaded.metadata.signature.inputs] == [((-1, 2, 3, 3), np.float32)]
    assert [(s.shape, s.name) for s in loaded.metadata.signature.outputs] == [((-1, 4), "logits")]
    np.testing.assert_array_equal(loaded.input_example, winner.example[:1])


def test_publishing_logs_files_and_training_and_ends_the_run(search, winner, sqlite_uri, look) -> None:
    Tracker(search, sqlite_uri).publish(FILES, winner)
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    assert run.info.status == "FINISHED"
    assert mlflow.files(run) == ["pictures/winner.png", "report.html", "search.yaml"]
    assert [(s, v) for s, v, _ in mlflow.points(run, "retrain_val_accuracy")] == [(1, 0.2), (2, 0.4)]
    assert run.data.metrics["test_accuracy"] == 0.98


def test_the_model_holds_no_pickle_and_has_the_pt2_file_beside_it(search, winner, sqlite_uri, look) -> None:
    Tracker(search, sqlite_uri).publish({}, winner)
    mlflow = look(sqlite_uri)
    (model,) = mlflow.client.search_logged_models([mlflow.runs()[0].info.experiment_id])
    names = {f.path for f in mlflow.client.list_logged_model_artifacts(model.model_id)}
    assert {"MLmodel", "model.onnx", "input_example.json", "extra_files"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle"))]
    (extra,) = mlflow.client.list_logged_model_artifacts(model.model_id, "extra_files")
    assert extra.path == "extra_files/model.pt2"
    assert model.status == "READY"


def test_publishing_twice_makes_one_version(search, winner, sqlite_uri, look) -> None:
    tracker = Tracker(search, sqlite_uri)
    tracker.publish(FILES, winner)
    once = look(sqlite_uri).snapshot()
    assert tracker.publish(FILES, winner) == "models:/archsmith-digits-chain/1"
    assert look(sqlite_uri).snapshot() == once


def test_the_alias_follows_the_winner_and_goes_back_to_an_earlier_one(search, winner, sqlite_uri, look) -> None:
    tracker = Tracker(search, sqlite_uri)
    better = replace(winner, model=replace(winner.model, trial="ba9876543210"))
    versions = [tracker.publish({}, w) for w in (winner, better, winner)]
    assert versions == [f"models:/archsmith-digits-chain/{n}" for n in (1, 2, 1)]
    client = look(sqlite_uri).client
    assert client.get_model_version_by_alias("archsmith-digits-chain", "champion").tags["archsmith.trial"] == "0123456789ab"


def test_a_search_without_a_winner_has_failed(search, sqlite_uri, look) -> None:
    assert Tracker(search, sqlite_uri).publish(FILES, None) is None
    assert look(sqlite_uri).runs()[0].info.status == "FAILED"


def test_a_winner_that_is_not_trained_ends_the_run_well_with_what_is_known_of_it(search, make_trial, sqlite_uri, look) -> None:
    untrained = UntrainedWinner(make_trial(0).id, make_trial(0).proposal.architecture, {"test_accuracy": 0.9375})
    for _ in range(2):
        assert Tracker(search, sqlite_uri).publish(FILES, None, untrained) is None
    run = look(sqlite_uri).runs()[0]
    assert (run.info.status, run.data.metrics["test_accuracy"]) == ("FINISHED", 0.9375)


def test_a_search_that_goes_on_runs_again_until_it_is_published(search, make_trial, winner, sqlite_uri, look) -> None:
    tracker = Tracker(search, sqlite_uri)
    tracker.sync([make_trial(0)])
    tracker.publish(FILES, winner)
    tracker.sync([make_trial(0)])
    assert look(sqlite_uri).runs()[0].info.status == "FINISHED"
    tracker.sync([make_trial(0), make_trial(1)])
    assert look(sqlite_uri).runs()[0].info.status == "RUNNING"
    tracker.publish(FILES, winner)
    assert look(sqlite_uri).runs()[0].info.status == "FINISHED"
