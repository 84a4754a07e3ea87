"""A search from `kubectl apply` to a model that predicts."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from mlflow import MlflowClient
from PIL import Image
from sklearn.datasets import load_digits

from archsmith.evaluation.predict import predict
from cluster import Cluster, Object, digits

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NAME = "happy"


@pytest.fixture(scope="module")
def done(cluster: Cluster) -> Iterator[Object]:
    """Return a search that has succeeded; all tests of this file that change nothing look at this one."""
    cluster.remove(NAME)
    client = MlflowClient(cluster.mlflow_uri)
    for model in client.search_registered_models(f"name = 'archsmith-{NAME}'"):  # the very same one would stay that of its run
        client.delete_registered_model(model.name)
    cluster.apply(digits(NAME))
    yield cluster.until(NAME, "Succeeded")
    cluster.remove(NAME)


@pytest.fixture(scope="module")
def client(cluster: Cluster) -> MlflowClient:
    """Return MLflow's own client, over HTTP."""
    return MlflowClient(cluster.mlflow_uri)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, int]]:
    """Write a hundred handwritten digits as files; return each with its class."""
    folder, data = tmp_path_factory.mktemp("digits"), load_digits()
    made = []
    for index, (pixels, label) in enumerate(zip(data.images[-100:], data.target[-100:], strict=True)):
        made.append((folder / f"{index}.png", int(label)))
        Image.fromarray(np.round(pixels * 255 / 16).astype(np.uint8)).save(made[-1][0])
    return made


def test_a_search_succeeds_with_all_its_trials_and_kubectl_shows_it(cluster: Cluster, done: Object) -> None:
    status = done["status"]
    assert (status["trials"], status["failed"]) == ("6/6", 0)
    heads, row = (line.split() for line in cluster.kubectl("get", "searches", NAME).splitlines())
    assert heads == ["NAME", "PHASE", "TRIALS", "FAILED", "BEST", "MODEL", "LAST", "NEXT", "CHAMPION", "ACCURACY", "AGE"]
    assert row[:-1] == [NAME, "Succeeded", "6/6", "0", status["best"], status["model"]]


def test_conditions_and_events_say_what_happened(cluster: Cluster, done: Object) -> None:
    conditions = {c["type"]: (c["status"], c["reason"]) for c in done["status"]["conditions"]}
    assert conditions == {
        "Running": ("False", "Succeeded"),
        "Succeeded": ("True", "Succeeded"),
        "StoreReachable": ("True", "StoreAnswers"),
    }
    assert all(c["observedGeneration"] == done["metadata"]["generation"] for c in done["status"]["conditions"])
    assert cluster.reasons(NAME, "Succeeded") == ["Started", "PodRunning", "Promoted", "Succeeded"]
    assert {event["type"] for event in cluster.events(NAME)} == {"Normal"}
    assert done["status"]["startedAt"] < done["status"]["finishedAt"]


def test_trials_model_and_report_lie_in_minio_where_the_status_says(cluster: Cluster, done: Object) -> None:
    folder, status = cluster.folder(NAME), done["status"]
    history = folder.history()
    assert [trial.status for trial in history] == ["complete"] * 6
    best = max(history, key=lambda trial: trial.metrics["accuracy"])
    assert float(status["best"]) == pytest.approx(best.metrics["accuracy"], rel=1e-5)
    assert status["incumbent"]["metrics"]["accuracy"] == best.metrics["accuracy"]
    assert status["model"] == status["links"]["model"] == folder.uri("best/model.pt2")
    assert status["links"]["report"] == folder.uri("report/index.html")
    assert b"<html" in folder.get("report/index.html")[:200]
    assert {"model", "onnx", "architecture", "report", "store", "mlflow"} <= status["links"].keys()


def test_mlflow_has_the_search_its_trials_and_the_registered_model(cluster: Cluster, done: Object, client: MlflowClient) -> None:
    parent, nested = _runs(client)
    history = cluster.folder(NAME).history()
    assert (parent.info.run_name, parent.info.status) == (NAME, "FINISHED")
    assert {run.data.tags["archsmith.trial"] for run in nested} == {trial.id for trial in history}
    assert {run.info.status for run in nested} == {"FINISHED"}
    accuracies = {run.data.tags["archsmith.trial"]: run.data.metrics["accuracy"] for run in nested}
    assert accuracies == {trial.id: trial.metrics["accuracy"] for trial in history}
    version = client.get_model_version_by_alias(f"archsmith-{NAME}", "champion")
    assert version.status == "READY"
    assert client.get_run(version.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_the_model_from_minio_predicts_digits_with_torch_and_with_onnxruntime(
    cluster: Cluster, done: Object, images: list[tuple[Path, int]], tmp_path: Path
) -> None:
    folder = cluster.folder(NAME)
    model, paths = tmp_path / "model.pt2", [path for path, _ in images]
    model.write_bytes(folder.get("best/model.pt2"))
    found = predict(model, paths)
    right = np.mean([int(p.label) == label for p, (_, label) in zip(found, images, strict=True)])
    assert right > 0.5  # chance is 0.1
    session = onnxruntime.InferenceSession(folder.get("best/model.onnx"), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {session.get_inputs()[0].name: _batch(paths)})
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    ours = [[p.probabilities[str(digit)] for digit in range(10)] for p in found]
    np.testing.assert_allclose(ours, probabilities, atol=1e-4)


def test_a_browser_shows_the_runs_in_mlflow(cluster: Cluster, done: Object, client: MlflowClient, tmp_path: Path) -> None:
    parent, _ = _runs(client)
    page = f"{cluster.mlflow_uri}/#/experiments/{parent.info.experiment_id}/runs"
    folder = Path(os.environ.get("ARCHSMITH_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / "mlflow.png"
    text = _browse(page, tmp_path, "--dump-dom")
    assert re.search(rf">{NAME}<", text), text[:3000]
    _browse(page, tmp_path, f"--screenshot={picture}")
    with Image.open(picture) as opened:
        assert len(set(opened.convert("L").get_flattened_data())) > 20  # more than a blank page


def test_deleting_a_search_keeps_what_it_found_unless_it_says_otherwise(cluster: Cluster, done: Object) -> None:
    kept = cluster.store().list(f"searches/{NAME}/")
    cluster.delete(NAME)
    assert cluster.store().list(f"searches/{NAME}/") == kept
    assert len(cluster.folder(NAME).history()) == 6


def _runs(client: MlflowClient) -> tuple[Any, list[Any]]:
    """Return the run of the search, and those of its trials."""
    experiment = client.get_experiment_by_name("archsmith")
    assert experiment is not None
    of = f"tags.archsmith.search = '{NAME}'"
    found = client.search_runs([experiment.experiment_id], of, order_by=["attributes.start_time DESC"])
    parent = next(run for run in found if "mlflow.parentRunId" not in run.data.tags)  # a kept cluster has those of before, too
    nested = f"tags.mlflow.parentRunId = '{parent.info.run_id}' AND tags.archsmith.of = '{NAME}'"
    return parent, list(client.search_runs([experiment.experiment_id], nested))


def _batch(paths: Sequence[Path]) -> "np.ndarray[Any, Any]":
    """Read images as the exported models take them: (B, 1, 8, 8), float32 in [0, 1]."""
    return np.stack([np.asarray(Image.open(path), dtype=np.float32)[None] / 255 for path in paths])


def _browse(page: str, folder: Path, what: str) -> str:
    """Open a page in a headless browser, let its scripts run, and return what the browser prints."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.fail(f"Found none of {', '.join(BROWSERS)} on PATH. Install one: `apt-get install chromium`.")
    quiet = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--window-size=1500,900",
    )
    own = (f"--user-data-dir={folder / 'browser'}", "--virtual-time-budget=30000")
    done = subprocess.run([browser, *quiet, *own, what, page], capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
