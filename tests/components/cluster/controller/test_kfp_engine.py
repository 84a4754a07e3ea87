"""The engine of Kubeflow Pipelines, with a stand-in for it, and one for the pods that it says nothing of."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsmith.cluster.connection import direct
from archsmith.cluster.controller.config import KfpSettings, PodSettings
from archsmith.cluster.controller.kfp_engine import KfpEngine, with_defaults
from archsmith.cluster.controller.work import ABSENT
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.kube import connect
from archsmith.errors import DataError, PermanentError, SpecError
from archsmith.search import parse
from archsmith.steps.last_error import leave_error
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.kfp_server import KfpServer, kfp_server
from archsmith.testing.kube_server import KubeServer, kube_server
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import TINY
from archsmith.values import EpochRecord
from archsmith_pipelines.pods import QUEUE_LABEL

MakeOrder = Any  # a fixture of the tests around these
MakeEngine = Callable[..., KfpEngine]


@pytest.fixture
def pods() -> Iterator[KubeServer]:
    with kube_server() as running:
        yield running


@pytest.fixture
def kfp(pods: KubeServer) -> Iterator[KfpServer]:
    """Run a KFP whose Workflows are in the cluster; who may list pods there may not always list Workflows."""
    with kfp_server(kube=pods) as running:
        pods.forbidden = {"workflows"}
        yield running


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in minio_server.environ.items():
        monkeypatch.setenv(name, value)
    return f"s3://{minio_server.new_bucket()}/team"


@pytest.fixture
def make(
    kfp: KfpServer, pods: KubeServer, store: str, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeEngine]:
    """Make an engine with settings of its own."""
    monkeypatch.setenv("KUBECONFIG", str(pods.write_kubeconfig(tmp_path / "config", "team")))
    with connect() as kube:
        yield lambda **settings: KfpEngine(KfpApi(direct(kfp.url)), kube, KfpSettings(**settings), store, clock)


@pytest.fixture
def engine(make: MakeEngine) -> KfpEngine:
    return make(pods_namespace="kubeflow")


def put_pod(pods: KubeServer, kfp: KfpServer, phase: str, run: int = -1, **status: Any) -> None:
    labels = {"archsmith.dev/search": "tiny", "pipeline/runid": kfp.runs[run]["run_id"]}
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
    put_pod(pods, kfp, "Pending", containerStatuses=[{"state": state}])
    work = engine.look(order(), id_)
    assert (work.state, work.reason) == ("waiting", "CreateContainerConfigError")
    assert 'secret "wandb" not found' in work.message


def test_while_a_pod_works_another_one_that_waits_holds_nothing_up(
    engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder
) -> None:
    id_ = engine.start(order())
    kfp.set_state(kfp.runs[0], "RUNNING")
    put_pod(pods, kfp, "Running")
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "1 Insufficient nvidia.com/gpu"}
    labels = pods.kept["pods", "kubeflow", "tiny-estimate"]["metadata"]["labels"]
    pods.put("pods", "kubeflow", "tiny-2", metadata={"labels": labels}, status={"phase": "Pending", "conditions": [full]})
    work = engine.look(order(), id_)
    assert (work.state, work.reason) == ("running", "RunRunning")
    assert "Another pod of it waits: No node takes the pod: 1 Insufficient nvidia.com/gpu." in work.message


def test_runs_have_what_the_chart_gives_all_pods_of_searches(order: MakeOrder) -> None:
    pod = PodSettings.model_validate({
        "nodeSelector": {"pool": "gpu", "zone": "a"},
        "tolerations": [{"key": "gpu", "operator": "Exists", "value": "", "tolerationSeconds": 5}],
        "imagePullSecrets": [{"name": "registry"}],
        "labels": {QUEUE_LABEL: "team"},
        "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"memory": "4Gi"}},
    })  # fmt: skip
    plain = with_defaults(order().search, pod).spec
    assert plain.cluster.node_selector == {"pool": "gpu", "zone": "a"}
    assert [toleration.key for toleration in plain.cluster.tolerations] == ["gpu"]
    assert (plain.cluster.image_pull_secrets, plain.cluster.queue) == (("registry",), "team")
    assert (plain.resources.memory, plain.resources.cpu) == (None, None)  # what a Job asks for would be a limit here
    own = order(cluster={"node_selector": {"zone": "b"}, "queue": "mine"}).search
    made = with_defaults(own, pod)
    assert made.spec.cluster.node_selector == {"pool": "gpu", "zone": "b"}
    assert made.spec.cluster.queue == "mine"
    assert made.text == own.text
    with pytest.raises(PermanentError, match=r"`searches\.tolerations` of the chart can't be used"):
        with_defaults(own, PodSettings.model_validate({"tolerations": [{"operator": "Equal"}]}))


def test_a_failed_run_is_lost_with_the_reason_of_its_pod_until_it_was_tried_too_often(
    engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder
) -> None:
    id_ = engine.start(order())
    kfp.set_state(kfp.runs[0], "FAILED")
    put_pod(pods, kfp, "Failed", containerStatuses=[{"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}])
    work = engine.look(order(), id_)
    assert (work.state, work.reason, work.deaths, work.was_killed) == ("lost", "OOMKilled", 1, True)
    assert "resources.memory" in work.message
    last = engine.look(replace(order(), submitted=3), id_)
    assert (last.state, last.reason) == ("failed", "OOMKilled")
    assert "3 times" in last.message


def test_a_pod_that_died_of_its_memory_is_told_with_its_step_and_its_trials_always_in_the_same_words(
    engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder, store: str
) -> None:
    id_ = engine.start(order())
    folder, run = SearchFolder(open_store(store), "tiny"), kfp.runs[0]
    asked = parse(TINY).strategy().ask(folder.history(), 2, np.random.default_rng(0))
    for number, proposal in zip((9, 7), asked, strict=True):
        folder.write_progress(replace(proposal, number=number), (EpochRecord(1, 10, 2.5, 2.0, 0.3, 1.5),))
    nodes = ["root", "tiny-x", "estimate-2", "estimate-2-driver", "estimate", "tiny-x-exit", "propose-driver", "retrain"]
    main = {"name": "main", "args": ["--function_to_execute", "estimate"]}
    killed = {"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
    put_pod(pods, kfp, "Failed", containerStatuses=[killed])
    pods.kept["pods", "kubeflow", "tiny-estimate"]["spec"] = {"containers": [main]}
    kfp.set_state(run, "FAILED")
    said = set()
    for turn in range(4):
        names = nodes[turn:] + nodes[:turn]  # KFP has them in another order each time
        run["run_details"] = {"task_details": [{"display_name": name, "state": "FAILED"} for name in names]}
        said.add(engine.look(replace(order(), submitted=3), id_).message)
    (message,) = said
    assert message.startswith("The pod tiny-estimate of the step estimate needed more memory than it may have. Give it more in")
    assert " It measured the trials 0007, 0009. estimate failed; estimate-2 failed; retrain failed." in message
    assert "root" not in message


def test_after_an_outage_the_pods_show_that_a_run_has_begun(
    engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder
) -> None:
    id_ = engine.start(order())
    assert (kfp.runs[0]["state"], engine.look(order(), id_).state) == ("PENDING", "waiting")
    put_pod(pods, kfp, "Running")
    assert (kfp.runs[0]["state"], engine.look(order(), id_).state) == ("PENDING", "running")


def test_a_step_without_a_gpu_shows_none(engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder) -> None:
    id_ = engine.start(order(resources={"gpu": 1, "fallback": "none"}))
    kfp.set_state(kfp.runs[0], "RUNNING")
    put_pod(pods, kfp, "Running")
    pod = pods.kept["pods", "kubeflow", "tiny-estimate"]
    pod["spec"] = {"nodeName": "n", "containers": [{"name": "main"}]}
    assert not engine.look(order(), id_).has_gpu
    pod["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "1"}}
    assert engine.look(order(), id_).has_gpu


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


def test_to_stop_ends_runs_and_waits_for_their_pods(
    engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder, clock: Clock
) -> None:
    engine.start(order())
    put_pod(pods, kfp, "Running")
    assert not engine.stop(order())  # its pods may still write
    assert kfp.runs[0]["state"] == "CANCELING"
    assert (engine.look(order(), "").state, engine.look(order(), "").reason) == ("waiting", "Ending")
    kfp.set_state(kfp.runs[0], "CANCELED")
    assert engine.stop(order())
    assert engine.look(order(), "") is ABSENT


@pytest.mark.parametrize(("seen", "most_s"), [("pods", 120), ("nothing", 60), ("no pods", 5)])
def test_a_run_that_kfp_calls_canceling_for_ever_holds_up_nobody_for_long(
    make: MakeEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder, clock: Clock, seen: str, most_s: float
) -> None:
    engine = make(pods_namespace="kubeflow" if seen != "nothing" else "")
    engine.start(order())
    if seen == "pods":
        put_pod(pods, kfp, "Running")  # its node is gone, so it never ends
    assert not engine.stop(order())
    assert engine.look(order(), "").reason == "Ending"
    clock.now = most_s - 1
    assert not engine.stop(order())
    clock.now = most_s
    assert engine.stop(order())
    assert engine.look(order(), "") is ABSENT
    assert kfp.runs[0]["state"] == "CANCELING"


def test_to_stop_what_kubernetes_has_lost_is_no_error(
    engine: KfpEngine, kfp: KfpServer, order: MakeOrder, clock: Clock
) -> None:  # fmt: skip
    engine.start(order())
    kfp.lose_workflow(kfp.runs[0])
    engine.stop(order())
    clock.now = 5
    assert engine.stop(order())


def test_to_stop_needs_no_store(
    engine: KfpEngine, kfp: KfpServer, order: MakeOrder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    engine.start(order())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "two\nlines")  # as where its Secret is gone
    assert not engine.stop(order())
    clock.now = 5
    assert engine.stop(order())
    assert kfp.runs[0]["state"] == "CANCELING"


@pytest.mark.parametrize("workflows", [True, False])
def test_a_run_whose_workflow_was_deleted_is_lost_and_another_one_begins(
    engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder, clock: Clock, workflows: bool
) -> None:
    pods.forbidden = set() if workflows else {"workflows"}
    id_ = engine.start(order())
    kfp.set_state(kfp.runs[0], "RUNNING")
    put_pod(pods, kfp, "Running")
    clock.now = 3600
    assert engine.look(order(), id_).state == "running"
    kfp.lose_workflow(kfp.runs[0])
    if not workflows:
        assert engine.look(order(), id_).state == "running"
        clock.now += 95
    lost = engine.look(order(), id_)
    assert (lost.state, lost.reason) == ("lost", "RunFailed")
    assert "though Kubeflow Pipelines calls it running" in lost.message
    second = engine.start(replace(order(), submitted=1))
    assert [run["state"] for run in kfp.runs] == ["CANCELING", "PENDING"]
    assert engine.look(order(), "").id == second


def test_a_run_that_argo_has_not_begun_yet_is_not_lost(
    engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder, clock: Clock
) -> None:
    pods.forbidden = set()
    id_ = engine.start(order())
    for clock.now in (0, 600, 6000):
        assert engine.look(order(), id_).state == "waiting"
    (workflow,) = (found for (plural, _, _), found in pods.kept.items() if plural == "workflows")
    workflow["status"]["message"] = "exceeded quota: pods=10"
    assert "exceeded quota" in engine.look(order(), id_).message


def test_where_no_pods_may_be_read_a_run_is_believed_until_the_store_is_silent_for_long(
    make: MakeEngine, kfp: KfpServer, store: str, order: MakeOrder, clock: Clock
) -> None:
    engine = make()
    id_ = engine.start(order())
    kfp.set_state(kfp.runs[0], "RUNNING")
    assert engine.look(order(), id_).state == "running"
    clock.now = 1790
    SearchFolder(open_store(store), "tiny").write_json("rounds/000000/proposals.json", [])
    assert engine.look(order(), id_).state == "running"
    clock.now = 1790 + 1790
    assert engine.look(order(), id_).state == "running"
    clock.now = 1790 + 1800
    assert engine.look(order(), id_).state == "lost"


def test_with_several_users_the_pods_are_in_the_namespace_of_the_search(
    make: MakeEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder
) -> None:
    engine = make(multi_user=True)
    id_ = engine.start(order())
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    labels = {"pipeline/runid": id_}
    pods.put(
        "pods", "team", "p", metadata={"labels": labels}, status={"phase": "Pending", "containerStatuses": [{"state": state}]}
    )
    assert engine.look(order(), id_).reason == "ImagePullBackOff"


def test_where_no_namespace_is_named_pods_are_looked_for_where_kubeflow_is(
    make: MakeEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder, clock: Clock
) -> None:
    engine = make(url="http://ml-pipeline.kubeflow:8888")
    id_ = engine.start(order())
    kfp.set_state(kfp.runs[0], "RUNNING")
    pods.forbidden = {"workflows", "pods"}
    assert engine.look(order(), id_).namespace == "kubeflow"  # where people look, who may have the right
    clock.now = 300
    assert engine.look(order(), id_).state == "running"
    pods.forbidden = {"workflows"}
    clock.now = 600
    assert engine.look(order(), id_).state == "running"  # that there are none proves nothing yet
    put_pod(pods, kfp, "Running")
    engine.look(order(), id_)
    kfp.lose_workflow(kfp.runs[0])
    engine.look(order(), id_)
    clock.now = 700
    assert engine.look(order(), id_).state == "lost"


def test_the_reason_that_only_the_workflow_has_is_told_and_not_tried_again(
    engine: KfpEngine, kfp: KfpServer, pods: KubeServer, order: MakeOrder
) -> None:
    pods.forbidden = set()
    kfp.plugin = {"ARCHSMITH_S3_ENDPOINT": "somebody else's"}
    work = engine.look(order(), engine.start(order()))
    assert work.state == "failed"
    assert "may not be specified when `value` is not empty" in work.message
    pods.forbidden = {"workflows"}
    assert engine.look(order(), work.id).state == "lost"  # and is submitted again, as nobody says why


@pytest.mark.parametrize("namespace", ["other", "my-team"])  # ours is team
def test_equal_names_in_two_namespaces_are_two_searches(
    engine: KfpEngine, kfp: KfpServer, order: MakeOrder, namespace: str
) -> None:  # fmt: skip
    ours = order()
    theirs = replace(ours, owner={**ours.owner, "metadata": {**ours.owner["metadata"], "namespace": namespace}})
    engine.start(theirs)
    assert engine.look(ours, "") is ABSENT
    assert engine.stop(ours)
    engine.start(ours)
    assert [run["state"] for run in kfp.runs] == ["PENDING", "PENDING"]


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
