"""The published winner, read back by MLflow and checked against a matrix product and onnxruntime."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from archsmith.tracking import Ended, Tracker
from archsmith.values.outcome import UntrainedWinner

ENDED = Ended(1_700_000_100.0, "all")
FILES = {"report.html": b"<html></html>", "pictures/winner.png": b"\x89PNG"}


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).random((5, 2, 3, 3)).astype(np.float32)


def test_the_published_model_predicts_as_onnxruntime_does(search, winner, sqlite_uri, images) -> None:
    import mlflow

    uri = Tracker(search, sqlite_uri).publish(FILES, winner, ended=ENDED)
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
    Tracker(search, sqlite_uri).publish(FILES, winner, ended=ENDED)
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    assert run.info.status == "FINISHED"
    assert mlflow.files(run) == ["pictures/winner.png", "report.html", "search.yaml"]
    assert run.data.metrics["test_accuracy"] == 0.98
    (own,) = mlflow.winners(run)
    assert (own.info.run_name, own.info.status) == ("winner 0003", "FINISHED")
    assert [(s, v) for s, v, _ in mlflow.points(own, "val_accuracy")] == [(1, 0.2), (2, 0.4)]
    assert own.data.metrics["test_accuracy"] == 0.98


def test_the_model_holds_no_pickle_and_has_the_pt2_file_beside_it(search, winner, sqlite_uri, look) -> None:
    Tracker(search, sqlite_uri).publish({}, winner, ended=ENDED)
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
    tracker.publish(FILES, winner, ended=ENDED)
    once = look(sqlite_uri).snapshot()
    assert tracker.publish(FILES, winner, ended=ENDED) == "models:/archsmith-digits-chain/1"
    assert look(sqlite_uri).snapshot() == once


def test_the_alias_follows_the_winner_and_goes_back_to_an_earlier_one(search, winner, sqlite_uri, look) -> None:
    tracker = Tracker(search, sqlite_uri)
    better = replace(winner, model=replace(winner.model, trial="ba9876543210"))
    versions = [tracker.publish({}, w, ended=Ended(ENDED.at, str(n))) for n, w in enumerate((winner, better, winner))]
    assert versions == [f"models:/archsmith-digits-chain/{n}" for n in (1, 2, 1)]
    client = look(sqlite_uri).client
    assert client.get_model_version_by_alias("archsmith-digits-chain", "champion").tags["archsmith.trial"] == "0123456789ab"


def test_a_version_has_what_it_reaches_its_architecture_and_the_datas_fingerprint(
    search, winner, facts, sqlite_uri, look
) -> None:
    Tracker(replace(search, data=facts), sqlite_uri).publish({}, winner, ended=ENDED)
    version = look(sqlite_uri).client.get_model_version_by_alias("archsmith-digits-chain", "champion")
    expected = {
        "archsmith.test_accuracy": "0.98",
        "archsmith.n_params": "72",
        "archsmith.architecture": winner.model.architecture.id,
        "archsmith.notation": "conv 16",
        "archsmith.data": facts.digest,
    }
    assert expected.items() <= version.tags.items()


def test_each_version_leads_to_the_metrics_of_its_own_training(search, make_trial, winner, sqlite_uri, look) -> None:
    better = replace(
        winner,
        number=7,
        model=replace(winner.model, trial="ba9876543210", metrics={"test_accuracy": 0.7, "n_params": 99.0}),
    )
    tracker = Tracker(search, sqlite_uri)
    for n, found in enumerate((winner, better), 1):  # with a larger budget, a search goes on
        trials = [make_trial(k) for k in range(2 * n)]
        tracker.sync(trials)
        tracker.publish({}, found, ended=Ended(ENDED.at + n, str(n)))
    mlflow = look(sqlite_uri)
    versions = {v.version: mlflow.client.get_run(v.run_id) for v in mlflow.client.search_model_versions()}
    assert {version: run.data.metrics["test_accuracy"] for version, run in versions.items()} == {1: 0.98, 2: 0.7}
    assert {version: run.info.run_name for version, run in versions.items()} == {1: "winner 0003", 2: "winner 0007"}
    models = mlflow.client.search_logged_models([mlflow.runs()[0].info.experiment_id])
    found = {m.source_run_id: {metric.key: metric.value for metric in m.metrics}["test_accuracy"] for m in models}
    assert found == {versions[1].info.run_id: 0.98, versions[2].info.run_id: 0.7}
    (run,) = mlflow.runs()
    assert run.data.metrics["test_accuracy"] == 0.7, "the search shows the winner that it has now"
    assert [(step, value) for step, value, _ in mlflow.points(run, "test_accuracy")] == [(2, 0.98), (4, 0.7)]


def test_what_is_trained_beside_the_winner_is_a_version_with_a_run_of_its_own_and_without_the_alias(
    search, winner, sqlite_uri, look
) -> None:
    other = replace(winner, number=7, model=replace(winner.model, trial="ba9876543210", metrics={"test_accuracy": 0.7}))
    tracker = Tracker(search, sqlite_uri)
    for _ in range(2):  # the second time changes nothing
        assert tracker.publish({}, winner, ended=ENDED, others=[other]) == "models:/archsmith-digits-chain/2"
    mlflow = look(sqlite_uri)
    versions = {v.version: mlflow.client.get_run(v.run_id) for v in mlflow.client.search_model_versions()}
    assert {version: run.info.run_name for version, run in versions.items()} == {1: "retrained 0007", 2: "winner 0003"}
    assert {version: run.data.metrics["test_accuracy"] for version, run in versions.items()} == {1: 0.7, 2: 0.98}
    assert mlflow.client.get_registered_model("archsmith-digits-chain").aliases == {"champion": 2}


def test_the_model_says_on_which_data_it_was_measured(search, winner, facts, sqlite_uri, look) -> None:
    Tracker(replace(search, data=facts), sqlite_uri).publish({}, winner, ended=ENDED)
    mlflow = look(sqlite_uri)
    (model,) = mlflow.client.search_logged_models([mlflow.runs()[0].info.experiment_id])
    assert {(m.dataset_name, m.dataset_digest) for m in model.metrics} == {("digits", facts.digest)}
    (own,) = mlflow.winners(mlflow.runs()[0])
    assert [i.dataset.digest for i in own.inputs.dataset_inputs] == [facts.digest]


def test_a_search_without_a_winner_has_failed(search, sqlite_uri, look) -> None:
    assert Tracker(search, sqlite_uri).publish(FILES, None, ended=ENDED) is None
    assert look(sqlite_uri).runs()[0].info.status == "FAILED"


def test_a_winner_that_is_not_trained_ends_the_run_well_with_what_is_known_of_it(search, make_trial, sqlite_uri, look) -> None:
    untrained = UntrainedWinner(make_trial(0).id, make_trial(0).proposal.architecture, {"test_accuracy": 0.9375})
    for _ in range(2):
        assert Tracker(search, sqlite_uri).publish(FILES, None, untrained, ended=ENDED) is None
    run = look(sqlite_uri).runs()[0]
    assert (run.info.status, run.data.metrics["test_accuracy"]) == ("FINISHED", 0.9375)


def test_a_search_that_goes_on_runs_again_until_it_is_published(search, make_trial, winner, sqlite_uri, look) -> None:
    tracker = Tracker(search, sqlite_uri)
    tracker.sync([make_trial(0)])
    tracker.publish(FILES, winner, ended=ENDED)
    tracker.sync([make_trial(0)])
    assert look(sqlite_uri).runs()[0].info.status == "FINISHED"
    tracker.sync([make_trial(0), make_trial(1)])
    assert look(sqlite_uri).runs()[0].info.status == "RUNNING"
    tracker.publish(FILES, winner, ended=ENDED)
    assert look(sqlite_uri).runs()[0].info.status == "FINISHED"
