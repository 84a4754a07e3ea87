"""A schedule: searches of its own, one after the other, on data that change, held to one champion."""

import io
import json
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from sklearn.datasets import load_digits

from archsmith.spec.series import is_of_series
from cluster import Cluster, Note, Object, digits

NAME, MODEL, DATA = "nights", "archsmith-nights", "data/nights.npz"


def write_digits(cluster: Cluster, n: int) -> None:
    """Put the first images of the digits into the bucket, with the same test images each time."""
    images, labels = (load_digits()[key] for key in ("images", "target"))
    images = (images * 255 / 16).astype(np.uint8)
    file = io.BytesIO()
    np.savez(file, x_train=images[:n], y_train=labels[:n], x_test=images[-300:], y_test=labels[-300:])
    cluster.store().put(DATA, file.getvalue())


def children(cluster: Cluster) -> list[Object]:
    """Return the searches of the series by their time."""
    found = cluster.items("searches", "--selector", f"archsmith.dev/series={NAME}")
    return sorted(found, key=lambda search: str(search["metadata"]["name"]))


def ended(cluster: Cluster, n: int) -> Object:
    """Wait until the series has begun `n` searches that are over, and return the last of them."""
    begun: set[str] = set()
    found: list[Object] = []

    def over() -> bool:
        begun.update(search["metadata"]["name"] for search in children(cluster))
        last = cluster.search(NAME).get("status", {}).get("lastSearch")
        if len(begun) >= n and last:
            found[:] = [cluster.search(last)]  # this one: soon another may be the last
        return bool(found) and found[0].get("status", {}).get("phase") in ("Succeeded", "Failed")

    cluster.wait(over, f"search {n} of the series is over", timeout_s=400)
    assert found[0]["status"]["phase"] == "Succeeded", cluster.story(found[0]["metadata"]["name"])
    return found[0]


def told(cluster: Cluster, reason: str) -> int:
    """Return how often the series has told of something; equal events that follow each other are one of Kubernetes'."""
    return sum(event["reason"] == reason for event in cluster.events(NAME))


@pytest.fixture(scope="module", name="cluster")
def _second(second: Cluster) -> Cluster:
    """Use the controller that may be killed."""
    return second


@pytest.fixture(name="client")
def _client(cluster: Cluster) -> MlflowClient:
    client = MlflowClient(cluster.mlflow_uri)
    for model in client.search_registered_models(f"name = '{MODEL}'"):
        client.delete_registered_model(model.name)
    return client


@pytest.fixture(name="removed")
def _removed(cluster: Cluster) -> Any:
    """Leave nothing of the series behind."""
    yield
    cluster.delete(NAME)
    cluster.wait(lambda: not children(cluster), "the searches of a series that is deleted are gone")
    for name in cluster.folder(NAME).names(cluster.store()):
        if is_of_series(name, NAME):
            cluster.folder(name).remove()
    cluster.store().delete([DATA])


def test_a_series_searches_where_the_data_have_changed_and_crowns_only_what_is_better(
    cluster: Cluster, client: MlflowClient, removed: None, note: Note
) -> None:
    write_digits(cluster, 150)
    small = {
        "data": {"name": "npz", "path": cluster.store().uri(DATA)}, "estimation": {"epochs": 1}, "budget": {"trials": 2},
        "retrain": {"epochs": 6}, "baseline": "none", "schedule": "* * * * *", "series": {"keep": 2},
    }  # fmt: skip
    cluster.apply(digits(NAME, **small))
    first = ended(cluster, 1)
    assert first["status"]["promotion"] == {**first["status"]["promotion"], "alias": "champion", "version": "1"}
    cluster.wait(lambda: told(cluster, "Unchanged") >= 1, "a time is skipped, as the data are the same", timeout_s=400)
    assert len(children(cluster)) == 1

    cluster.kubectl("delete", "pod", "--selector", "app.kubernetes.io/component=controller")
    write_digits(cluster, 1400)
    second = ended(cluster, 2)
    assert second["status"]["promotion"] == {**second["status"]["promotion"], "alias": "champion", "version": "2"}
    cluster.wait(lambda: cluster.search(NAME)["status"]["champion"]["version"] == "2", "the series shows the champion")

    cluster.patch(NAME, retrain={"epochs": 1, "training": {"learning_rate": 1e-6}})
    third = ended(cluster, 3)
    assert third["status"]["promotion"] == {**third["status"]["promotion"], "alias": "challenger", "version": "3"}
    aliases = client.get_registered_model(MODEL).aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"champion": "2", "challenger": "3"}
    cluster.wait(lambda: len(children(cluster)) == 2, "the oldest search is deleted, as two are kept")
    assert [search["metadata"]["uid"] for search in children(cluster)] == [s["metadata"]["uid"] for s in (second, third)]

    status = cluster.search(NAME)["status"]
    best = second["status"]["incumbent"]["test"]["test_accuracy"]
    assert status["champion"] == {"search": second["metadata"]["name"], "version": "2", "accuracy": f"{best:.4f}"}
    heads, row = (line.split() for line in cluster.kubectl("get", "searches", NAME).splitlines())
    assert {"LAST", "NEXT", "CHAMPION", "ACCURACY"} <= {*heads}
    assert {"2", f"{best:.4f}"} <= {*row}
    tests = [json.dumps(s["status"]["incumbent"]["test"]["test_accuracy"]) for s in (first, second, third)]
    note(f"series: test accuracy {', '.join(tests)} of three searches; champion the second; two kept")

    jobs = [search["metadata"]["name"] for search in children(cluster)]
    cluster.delete(NAME)
    cluster.wait(lambda: not children(cluster), "the searches go with the series")
    cluster.wait(lambda: not any(cluster.pods(name) for name in jobs), "and so do their pods")
