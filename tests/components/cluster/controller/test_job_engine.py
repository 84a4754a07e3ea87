"""How a Job stands, from statuses as the Job controller of Kubernetes writes them; and what the engine asks for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from archsmith.cluster.controller.config import PodSettings
from archsmith.cluster.controller.job_engine import JOB_LABEL, JobEngine, work_of
from archsmith.cluster.controller.manifests import OWNER, WORK
from archsmith.cluster.controller.work import ABSENT
from archsmith.cluster.kube import Kube
from archsmith.errors import SpecError, UnavailableError
from archsmith.testing.kube_server import KubeServer

MakeOrder = Any  # a fixture of the tests around these


def job(*conditions: str, suspend: bool = False, **status: Any) -> dict[str, Any]:
    """Return a Job for which these conditions hold."""
    made = [{"type": name, "status": "True", "reason": "PodFailurePolicy"} for name in conditions]
    return {
        "metadata": {"name": "tiny-d", "annotations": {WORK: "d", OWNER: "u"}},
        "spec": {"suspend": suspend},
        "status": {**({"conditions": made} if made else {}), **status},
    }


def pod(phase: str, name: str = "tiny-1", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"phase": phase, **status}}


def died(reason: str, code: int = 137, **status: Any) -> dict[str, Any]:
    return pod("Failed", containerStatuses=[{"state": {"terminated": {"exitCode": code, "reason": reason}}}], **status)


DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
FULL = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}


@pytest.mark.parametrize(
    ("found", "pods", "state", "reason"),
    [
        (job(), [], "waiting", "NoPod"),
        (job(failed=1), [], "waiting", "Starting"),
        (job(active=1), [pod("Pending")], "waiting", "Starting"),
        (job(active=1), [pod("Pending", conditions=[FULL])], "waiting", "Unschedulable"),
        (job(active=1), [pod("Running")], "running", "PodRunning"),
        (job(active=1, failed=1), [died("OOMKilled"), pod("Running")], "running", "PodRunning"),
        (job(active=1, failed=1), [died("OOMKilled"), pod("Pending")], "waiting", "Starting"),
        (job("SuccessCriteriaMet"), [pod("Succeeded")], "running", "PodRunning"),
        (job("SuccessCriteriaMet", "Complete", succeeded=1), [pod("Succeeded")], "succeeded", ""),
        (job("Failed", failed=4), [died("OOMKilled")], "failed", "OOMKilled"),
        (job("FailureTarget", failed=1), [died("Error", 2)], "failed", "PodFailed"),
        (job(), [died("Error", 2)], "failed", "PodFailed"),  # the Job says so a moment later
        (job(), [died("Error", 2, conditions=[DISRUPTED])], "waiting", "Starting"),
        (job(), [died("Error", 75)], "waiting", "Starting"),
        (job("Failed"), [], "failed", "JobFailed"),
        (job("Suspended", suspend=True), [], "waiting", "Queued"),
    ],
)
def test_a_job_stands_as_its_conditions_and_its_pods_say(
    found: dict[str, Any], pods: list[dict[str, Any]], state: str, reason: str
) -> None:
    work = work_of(found, pods, NOW)
    assert (work.state, work.reason, work.id, work.digest) == (state, reason, "tiny-d", "d")


def test_a_condition_that_does_not_hold_is_none() -> None:
    found = job(conditions=[{"type": "Failed", "status": "False"}])
    assert work_of(found, [], NOW).state == "waiting"


def test_deaths_are_counted_also_where_the_pods_are_gone() -> None:
    assert work_of(job(failed=2), [pod("Running")], NOW).deaths == 2
    assert work_of(job(failed=2), [pod("Running")], NOW).death == "Its pod was deleted."
    evicted = pod("Failed", reason="Evicted", message="The node was low on resource: memory.")
    assert work_of(job(), [evicted, pod("Running")], NOW).deaths == 1  # a disturbed pod is none of the Job's failures
    assert "low on resource" in work_of(job(), [evicted], NOW).death


def test_the_last_death_says_how_often_it_was_tried() -> None:
    assert "died 4 times" in work_of(job("Failed", failed=4), [died("OOMKilled")], NOW).message
    assert "times" not in work_of(job("Failed", failed=1), [died("OOMKilled")], NOW).message


@pytest.mark.parametrize(("minutes", "state", "reason"), [(1, "running", "PodRunning"), (6, "waiting", "PodDoesNotGo")])
def test_a_pod_that_does_not_end_long_after_it_was_told_to_is_told_of(minutes: int, state: str, reason: str) -> None:
    told = pod("Running")
    told["metadata"]["deletionTimestamp"] = (NOW - timedelta(minutes=minutes)).isoformat()
    told["spec"] = {"nodeName": "far"}
    work = work_of(job(active=1), [told], NOW)
    assert (work.state, work.reason) == (state, reason)
    assert ("its node far may be lost" in work.message) == (minutes == 6)
    assert work_of(job(active=1), [told, pod("Running", "tiny-2")], NOW).state == "running"


@pytest.fixture
def engine(kube: Kube) -> JobEngine:
    return JobEngine(kube, PodSettings())


def test_a_job_that_was_started_is_found_with_its_own_pods(engine: JobEngine, server: KubeServer, order: MakeOrder) -> None:
    wanted = order()
    assert engine.look(wanted, "") is ABSENT
    id_ = engine.start(wanted)
    made = server.get("jobs", "team", id_)
    assert made is not None
    labels = {"archsmith.dev/search": "tiny", "batch.kubernetes.io/job-name": id_}
    old = {**labels, JOB_LABEL: "the-job-of-this-name-before"}
    server.put("pods", "team", "old", metadata={"labels": old}, status={"phase": "Failed", "reason": "Evicted"})
    assert (engine.look(wanted, id_).state, engine.look(wanted, id_).deaths) == ("waiting", 0)
    server.put(
        "pods", "team", "new", metadata={"labels": {**labels, JOB_LABEL: made["metadata"]["uid"]}}, status={"phase": "Running"}
    )
    assert engine.look(wanted, "").state == "running"
    assert engine.look(wanted, "").digest == wanted.digest


def test_a_job_of_another_object_of_this_name_is_none_of_ours(engine: JobEngine, order: MakeOrder) -> None:
    before, now = order(), order()
    before.owner["metadata"]["uid"] = "deleted-before"
    engine.start(before)
    assert engine.look(now, "") is ABSENT
    with pytest.raises(UnavailableError, match="still being removed"):
        engine.start(now)


def test_the_job_of_the_id_comes_before_later_ones_and_else_the_latest(
    engine: JobEngine, server: KubeServer, order: MakeOrder
) -> None:
    first, second = engine.start(order(seed=1)), engine.start(order(seed=2))
    for name, day in ((first, 1), (second, 2)):
        found = server.get("jobs", "team", name)
        assert found is not None
        found["metadata"]["creationTimestamp"] = f"2026-01-0{day}T00:00:00Z"
    assert engine.look(order(), first).id == first
    assert engine.look(order(), "").id == second


def test_to_stop_is_to_delete_the_job_and_to_wait_for_the_pods(
    engine: JobEngine, kube: Kube, server: KubeServer, order: MakeOrder
) -> None:
    wanted = order()
    engine.start(wanted)
    server.put("pods", "team", "p", metadata={"labels": {"archsmith.dev/search": "tiny"}}, status={"phase": "Running"})
    assert not engine.stop(wanted)
    assert kube.jobs() == []
    assert engine.look(wanted, "").reason == "Ending"
    server.put("pods", "team", "p", metadata={"labels": {"archsmith.dev/search": "tiny"}}, status={"phase": "Failed"})
    assert engine.stop(wanted)
    assert engine.look(wanted, "") is ABSENT


def test_what_kubernetes_refuses_is_an_error_of_the_search(engine: JobEngine, server: KubeServer, order: MakeOrder) -> None:
    server.refuse(422, 'Job.batch "tiny" is invalid: spec.template.spec.nodeSelector: Invalid value: "a b"')
    with pytest.raises(SpecError, match="nodeSelector"):
        engine.start(order())


def test_any_cluster_has_what_it_needs(engine: JobEngine) -> None:
    assert engine.answers()
