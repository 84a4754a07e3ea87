"""Searches whose architectures share weights, from `kubectl apply` to a model; a pod dies while they are trained."""

from typing import Any

import pytest
import torch

from archsmith.evaluation.checkpoint import loaded
from cluster import Cluster, Note, Object, Start, digits
from faults import deaths

EPOCHS = 8


def _shared(name: str, **spec: Any) -> Object:
    """Return a search that shares weights: some seconds of their training, and two networks alone."""
    small = {
        "space": {"name": "nas-bench-201", "cells": 1, "channels": 4},
        "strategy": {"name": "darts", "epochs": EPOCHS, "top": 2},
        "estimation": {"epochs": 1},
        "training": {"batch_size": 16},
        "budget": {},
        "resources": {"workers": 2},
        "retrain": {"epochs": 1},
    }
    return digits(name, **{**small, **spec})


@pytest.fixture(scope="module")
def undisturbed(cluster: Cluster) -> dict[str, Any]:
    """Return what a search that nobody disturbs leaves of its shared weights."""
    cluster.remove("calm-darts")
    cluster.apply(_shared("calm-darts"))
    status = cluster.until("calm-darts", "Succeeded", 900)["status"]
    assert (status["trials"], status["failed"]) == ("2/2", 0)
    folder = cluster.folder("calm-darts")
    assert len(folder.supernet_epochs()) == EPOCHS
    assert folder.read("best/model.pt2")
    left = {"state": loaded(folder.supernet_state() or b""), "derived": folder.derived()}
    cluster.remove("calm-darts")
    return left


@pytest.mark.long
def test_a_search_whose_pod_is_killed_while_weights_are_trained_succeeds_and_has_the_same_weights(
    cluster: Cluster, undisturbed: dict[str, Any], start: Start, note: Note
) -> None:
    name = start(_shared("killed-darts"))
    folder = cluster.folder(name)
    cluster.wait(lambda: len(folder.supernet_epochs()) >= 3, f"three epochs of {name} are trained", 300)
    cluster.kubectl("delete", "pod", cluster.pod(name), "--grace-period=0", "--force")
    before = len(folder.supernet_epochs())
    found = cluster.until(name, "Succeeded", 900)
    assert 3 <= before < EPOCHS, "the weights were trained before the fault"
    assert deaths(found) == 1
    assert [epoch.epoch for epoch in folder.supernet_epochs()] == [*range(1, EPOCHS + 1)]
    assert folder.derived() == undisturbed["derived"]
    _same(loaded(folder.supernet_state() or b""), undisturbed["state"])
    note(f"{name}: its pod was killed after epoch {before} of {EPOCHS}, and its weights are those of an undisturbed search")


def test_a_search_that_looks_with_shared_weights_succeeds(cluster: Cluster, start: Start) -> None:
    estimation = {"name": "supernet", "epochs": 2, "then": {"epochs": 1, "top": 2}}
    name = start(_shared("looks", strategy={"name": "random"}, estimation=estimation, budget={"trials": 6}))
    status = cluster.until(name, "Succeeded", 900)["status"]
    history = cluster.folder(name).history()
    assert (len(history), status["failed"]) == (8, 0)
    assert sum(trial.proposal.is_look for trial in history) == 6


def _same(found: Any, wanted: Any) -> None:
    """Check that two states are the same, bit for bit, but for the seconds that they took."""
    if isinstance(wanted, torch.Tensor):
        assert torch.equal(found, wanted)
    elif isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key in wanted.keys() - {"seconds"}:
            _same(found[key], wanted[key])
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            _same(one, other)
    else:
        assert found == wanted or (found != found and wanted != wanted)
