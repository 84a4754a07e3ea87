"""The engine of Kubeflow Pipelines, with a stand-in for it, and one for the pods that it says nothing of."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archsmith.cluster.connection import direct
from archsmith.cluster.controller.config import KfpSettings
from archsmith.cluster.controller.kfp_engine import KfpEngine
from archsmith.cluster.controller.work import ABSENT
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.kube import connect
from archsmith.errors import DataError, SpecError
from archsmith.steps.last_error import leave_error
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.kfp_server import KfpServer, kfp_server
from archsmith.testing.kube_server import KubeServer, kube_server
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import TINY

MakeOrder = Any  # a fixture of the tests around these
MakeEngine = Callable[..., KfpEngine]


@pytest.fixture
def kfp() -> Iterator[KfpServer]:
    with kfp_server() as running:
        yield running


@pytest.fixture
def pods() -> Iterator[KubeServer]:
    with kube_server() as running:
        yield running


@pytest.fixture
def store(minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in minio_server.environ.items():
        monkeypatch.setenv(name, value)
    return f"s3://{minio_server.new_bucket()}/team"


@pytest.fixture
def engine(kfp: KfpServer, pods: KubeServer, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpEngine]:
    monkeypatch.setenv("KUBECONFIG", str(pods.write_kubeconfig(tmp_path / "config", "team")))
    with connect() as kube:
        yield KfpEngine(KfpApi(direct(kfp.url)), kube, KfpSettings(pods_namespace="kubeflow"), store)


def put_pod(pods: KubeServer, phase: str, **status: Any) -> None:
    labels = {"archsmith.dev/search": "tiny"}
    pods.put("pods", "kubeflow", "tiny-estimate", metadata={"labels": labels}, status={"phase": phase, **status})


def test_a_run_is_submitted_followed_and_done(engine: KfpEngine, kfp: KfpServer, order: MakeOrder) -> None:
    assert engine.look(order(), "") is ABSENT
    id_ = engine.start(order())
    (run,) = kfp.runs
    seen = [engine.look(order(), id_)]
    for state in ("RUNNING", "SUCCEEDED"):
        kfp.set_state(run, state)
        seen.append(engine.look(order(), id_))
    assert [work.state for work in seen] == ["waiting", "running", "succeeded"]
    assert {work.id for work in seen} == {run["run_id"]}
    assert all(work.link.endswith(run["run_id"]) for work in seen)


def test_a_run_whose_id_is_lost_is_found_while_it_is_under_way(engine: KfpEngine, kfp: KfpServer, order: MakeOrder) -> None:
    id_ = engine.start(order())
    assert engine.look(order(), "").id == id_
    kfp.set_state(kfp.runs[0], "FAILED")
    assert engine.look(order(), "") is ABSENT


def test_why_a_pod_waits_is_read_from_the_pod(engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder) -> None:
    id_ = engine.start(order())
    kfp.set_state(kfp.runs[0], "RUNNING")  # as KFP has it for ever
    state = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "wandb" not found'}}
    put_pod(pods, "Pending", containerStatuses=[{"state": state}])
    work = engine.look(order(), id_)
    assert (work.state, work.reason) == ("waiting", "CreateContainerConfigError")
    assert 'secret "wandb" not found' in work.message


def test_a_failed_run_is_lost_with_the_reason_of_its_pod_until_it_was_tried_too_often(
    engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder
) -> None:
    id_ = engine.start(order())
    kfp.set_state(kfp.runs[0], "FAILED")
    put_pod(pods, "Failed", containerStatuses=[{"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}])
    work = engine.look(order(), id_)
    assert (work.state, work.reason) == ("lost", "RunFailed")
    assert "resources.memory" in work.message
    last = engine.look(replace(order(), submitted=3), id_)
    assert last.state == "failed"
    assert "3 times" in last.message


def test_what_a_step_has_left_is_why_it_failed(engine: KfpEngine, kfp: KfpServer, store: str, order: MakeOrder) -> None:
    id_ = engine.start(order())
    leave_error("sample_space", (TINY, store), DataError("there are no images"))
    kfp.set_state(kfp.runs[0], "FAILED")
    work = engine.look(order(), id_)
    assert (work.state, work.reason) == ("failed", "DataError")
    assert "there are no images" in work.message


def test_a_run_that_somebody_cancelled_is_cancelled(engine: KfpEngine, kfp: KfpServer, order: MakeOrder) -> None:
    id_ = engine.start(order())
    kfp.set_state(kfp.runs[0], "CANCELED")
    assert (engine.look(order(), id_).state, engine.look(order(), id_).reason) == ("failed", "Cancelled")


def test_the_store_knows_that_a_search_is_done(engine: KfpEngine, kfp: KfpServer, store: str, order: MakeOrder) -> None:
    id_ = engine.start(order())
    SearchFolder(open_store(store), "tiny").mark(done=True)
    kfp.kept["runs"].clear()
    assert engine.look(order(), id_).state == "succeeded"


def test_to_stop_ends_runs_and_schedule(engine: KfpEngine, kfp: KfpServer, order: MakeOrder) -> None:
    engine.start(order())
    engine.schedule(order(schedule="0 2 * * *"))
    assert [s["trigger"]["cron_schedule"]["cron"] for s in kfp.schedules] == ["0 0 2 * * *"]
    assert not engine.stop(order())  # its pods may still write
    assert (kfp.schedules, kfp.runs[0]["state"]) == ([], "CANCELING")
    assert (engine.look(order(), "").state, engine.look(order(), "").reason) == ("waiting", "Ending")
    kfp.set_state(kfp.runs[0], "CANCELED")
    assert engine.stop(order())
    assert engine.look(order(), "") is ABSENT


def test_equal_names_in_two_namespaces_are_two_searches(engine: KfpEngine, kfp: KfpServer, order: MakeOrder) -> None:
    ours = order(schedule="0 2 * * *")
    theirs = replace(ours, owner={**ours.owner, "metadata": {**ours.owner["metadata"], "namespace": "other"}})
    engine.start(theirs)
    engine.schedule(theirs)
    assert engine.look(ours, "") is ABSENT
    assert engine.stop(ours)
    engine.schedule(ours)
    assert len(kfp.schedules) == 2
    assert kfp.runs[0]["state"] == "PENDING"


def test_gpus_are_those_of_the_order(engine: KfpEngine, kfp: KfpServer, order: MakeOrder) -> None:
    wanted = order(resources={"gpu": 1})
    engine.start(wanted)
    engine.start(replace(wanted, gpus=0))
    assert ["nvidia.com/gpu" in str(run["pipeline_spec"]) for run in kfp.runs] == [True, False]


def test_a_search_that_kubeflow_can_not_run_is_refused(engine: KfpEngine, kfp: KfpServer, order: MakeOrder) -> None:
    with pytest.raises(SpecError, match="priority_class"):
        engine.start(order(cluster={"priority_class": "high"}))
    assert kfp.runs == []


def test_it_answers_where_there_is_a_kubeflow_even_one_that_refuses_us(engine: KfpEngine, kfp: KfpServer) -> None:
    assert engine.answers()
    kfp.refuse(401)
    assert engine.answers()
    for fault in (lambda: kfp.refuse(404), lambda: kfp.refuse(503), kfp.drop):
        fault()
        assert not engine.answers()
