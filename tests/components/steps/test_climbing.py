"""Trainings that go on from rung to rung, each rung in a process of its own, through one store."""

import io

import pytest
import torch

from archsmith.search import parse
from archsmith.steps.images import load_images
from archsmith.steps.pool import Limits, Pool
from archsmith.steps.preload import preload
from archsmith.steps.work import Work
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.estimators import outcome
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import TINY
from archsmith.values import Fidelity, GoesOn, Proposal, Trial


@pytest.fixture
def store(minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URI of an empty store on a real MinIO server."""
    for name, value in minio_server.environ.items():
        monkeypatch.setenv(name, value)
    return f"s3://{minio_server.new_bucket()}/runs"


def in_a_pod(work: Work, rung: Proposal) -> Trial:
    """Measure `rung` in a fresh process, which has nothing of the others but what is in the store."""
    ((_, trial),) = Pool[Proposal, Trial](work, workers=1, limits=Limits(), method=preload()).run([rung])
    assert isinstance(trial, Trial)
    return trial


def test_1_3_and_9_epochs_in_three_pods_are_9_at_once_bit_for_bit(store: str) -> None:
    search = parse(TINY.replace("epochs: 2}", "epochs: 9, anneal: once}"))
    architecture = search.space.sample(search.rng(0))
    folder = SearchFolder(open_store(store), search.name)
    work = Work(store, search, load_images(search, folder), 1, 60)
    at_once = Proposal(architecture, Fidelity(9))
    one = Proposal(architecture, Fidelity(1))
    three = Proposal(architecture, Fidelity(3), GoesOn(one.id, 1))
    nine = Proposal(architecture, Fidelity(9), GoesOn(three.id, 3))
    trials = [in_a_pod(work, rung) for rung in (at_once, one, three, nine)]
    assert [len(trial.curve) for trial in trials] == [9, 1, 3, 9]
    assert outcome(trials[-1]) == outcome(trials[0])
    assert folder.read_checkpoint(nine.id) is not None
    assert weights(folder, nine) == weights(folder, at_once)


def weights(folder: SearchFolder, proposal: Proposal) -> dict[str, list[float]]:
    """Return the weights and the state of the optimizer that a trial has left."""
    state = torch.load(io.BytesIO(folder.read_checkpoint(proposal.id) or b""), weights_only=True)
    momenta = {f"momentum {k}": v["momentum_buffer"].tolist() for k, v in state["optimizer"]["state"].items()}
    return {**{name: value.tolist() for name, value in state["network"].items()}, **momenta}
