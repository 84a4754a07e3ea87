"""Nights of a series on KFP: a stand-in for it and for Kubernetes, and real steps, MinIO and MLflow behind them.

What they are as Jobs is seen on a real cluster.
"""

import io
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from archsmith.cluster.controller.children import SERIES_LABEL
from archsmith.stores import open_store
from archsmith.testing.kfp_server import KfpServer
from archsmith.tracking.registry import Registry

Cluster = Any  # a fixture of the tests around these

FIRST, SECOND, THIRD, FOURTH = (f"tiny-2026010{day}0200" for day in (1, 2, 3, 4))


def write_digits(store: str, n: int) -> None:
    """Put the first images of the digits into the store, with the same test images each time."""
    x, y = (load_digits()[key] for key in ("images", "target"))
    x, file = (x * 255 / 16).astype(np.uint8), io.BytesIO()
    np.savez(file, x_train=x[:n], y_train=y[:n], x_test=x[-300:], y_test=y[-300:])
    open_store(store).put("data/digits.npz", file.getvalue())


class Nights:
    """Goes from night to night, and does what pods do."""

    def __init__(self, cluster: Cluster, kfp: KfpServer, folder: Path) -> None:
        self.cluster, self.kfp, self.folder = cluster, kfp, folder
        self.told: list[str] = []

    def passes(self) -> list[str]:
        """Let a night pass; return the reasons of what the series has told."""
        cluster, self.told = self.cluster, []
        cluster.now = (cluster.now + timedelta(days=1)).replace(hour=2, minute=0, second=0)
        self.look()
        for name in self.children():
            if cluster.kube.search(name)["status"].get("phase") != "Succeeded":
                self.runs(name)
        self.look()
        return self.told

    def look(self) -> None:
        """Look at all searches, each time by a controller that remembers nothing."""
        for _ in range(2):
            self.cluster.restart("kfp")
            self.told += self.look_at("tiny")
            for name in self.children():
                self.look_at(name)
            self.cluster.now += timedelta(seconds=5)

    def look_at(self, name: str) -> list[str]:
        outcome = self.cluster.reconciler.reconcile(self.cluster.kube.search(name))
        if outcome.patch:
            self.cluster.kube.patch_search(name, {"status": outcome.patch}, status=True)
        return [event.reason for event in outcome.events]

    def children(self) -> list[str]:
        return sorted(found["metadata"]["name"] for found in self.cluster.kube.searches(f"{SERIES_LABEL}=tiny"))

    def runs(self, name: str) -> None:
        """Do what the pods of a search do, with the file that they are given."""
        (self.folder / name).mkdir()
        file, cluster = self.folder / name / "search.yaml", self.cluster
        run = next(run for run in self.kfp.runs if run["display_name"] == name)
        file.write_text(run["runtime_config"]["parameters"]["search"], encoding="utf-8")
        command = [sys.executable, "-m", "archsmith", "run", str(file), "--store", cluster.store]
        subprocess.run(command, check=True, cwd=file.parent, capture_output=True, timeout=1200)
        self.kfp.set_state(run, "SUCCEEDED")


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_series_searches_where_the_data_have_changed_and_crowns_only_what_is_better(
    cluster: Cluster, kfp: KfpServer, tmp_path: Path
) -> None:
    cluster.kfp = kfp.url
    nights = Nights(cluster, kfp, tmp_path)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    small = {
        "data": {"name": "npz", "path": f"{cluster.store}/data/digits.npz"}, "estimation": {"epochs": 1}, "budget": {"trials": 1},
        "retrain": {"epochs": 6}, "baseline": "none", "tracking": {"uri": uri}, "schedule": "0 2 * * *",
        "series": {"keep": 1, "warm_start": True}, "resources": {"workers": 1},
    }  # fmt: skip
    write_digits(cluster.store, 150)
    cluster.apply(**small)
    cluster.now = cluster.now - timedelta(days=1)
    nights.look()
    assert nights.passes() == ["Began"]
    assert nights.passes() == ["Unchanged"]
    assert nights.children() == [FIRST]
    write_digits(cluster.store, 1400)
    assert nights.passes() == ["Began"]
    found = cluster.kube.search(THIRD)["status"]
    assert (found["promotion"]["alias"], found["promotion"]["version"]) == ("champion", "2")
    assert cluster.kube.search(THIRD)["spec"]["warm_start"] == FIRST
    worse = {**small, "retrain": {"epochs": 1, "training": {"learning_rate": 1e-6}}}
    cluster.apply(**worse)
    assert nights.passes() == ["Began"]
    nights.look()
    assert cluster.kube.search(FOURTH)["status"]["promotion"]["alias"] == "challenger"
    assert nights.children() == [FOURTH]
    versions = {version.number: version.aliases for version in Registry("tiny", uri).versions()}
    assert versions == {"3": ("challenger",), "2": ("champion",), "1": ()}
    best = found["incumbent"]["test"]["test_accuracy"]
    assert cluster.status["champion"] == {"search": THIRD, "version": "2", "accuracy": f"{best:.4f}"}
    assert len(kfp.runs) == 3
