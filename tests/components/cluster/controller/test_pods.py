"""What pods say of themselves, in the words of real ones: copied from clusters, shortened."""

import json
from typing import Any

import pytest

from archsmith import errors
from archsmith.cluster.controller.pods import deaths, waits_for, with_gpu
from archsmith.errors import DataError

Pod = dict[str, Any]


def pod(phase: str, created: str = "2026-01-01T00:00:00Z", name: str = "tiny-x", **status: Any) -> Pod:
    return {"metadata": {"name": name, "creationTimestamp": created}, "status": {"phase": phase, **status}}


def container(which: str, **state: Any) -> list[dict[str, Any]]:
    return [{"name": "search", "restartCount": 0, "ready": False, "state": {which: state}}]


def ended(code: int, reason: str = "Error", **state: Any) -> Pod:
    return pod("Failed", containerStatuses=container("terminated", exitCode=code, reason=reason, **state))


UNSCHEDULABLE = pod(
    "Pending",
    conditions=[
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: "
            "1 No preemption victims found for incoming pod.",
        }
    ],
)
GATED = pod(
    "Pending",
    conditions=[
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
        }
    ],
)
SCHEDULED = [{"type": "PodScheduled", "status": "True"}]
NO_SECRET = pod(
    "Pending",
    conditions=SCHEDULED,
    containerStatuses=container("waiting", reason="CreateContainerConfigError", message='secret "wandb" not found'),
)
NO_IMAGE = pod(
    "Pending",
    conditions=SCHEDULED,
    containerStatuses=container("waiting", reason="ImagePullBackOff", message='Back-off pulling image "team/none:1"'),
)
REFUSED_IMAGE = pod(
    "Pending", conditions=SCHEDULED, containerStatuses=container("waiting", reason="ErrImagePull", message="connection refused")
)


@pytest.mark.parametrize(
    ("waiting", "reason", "said"),
    [
        (UNSCHEDULABLE, "Unschedulable", "1 Insufficient nvidia.com/gpu"),
        (GATED, "Queued", "Its queue has not admitted the pod."),
        (NO_SECRET, "CreateContainerConfigError", 'The pod can not start: secret "wandb" not found. Make what it names'),
        (NO_IMAGE, "ImagePullBackOff", "Check `cluster.image` and `cluster.image_pull_secrets`"),
        (REFUSED_IMAGE, "ImagePullBackOff", "connection refused. Check `cluster.image`"),  # Kubernetes says both in turn
    ],
)
def test_a_pod_that_waits_says_for_what(waiting: Pod, reason: str, said: str) -> None:
    trouble = waits_for([pod("Running"), waiting])
    assert trouble is not None
    assert trouble.reason == reason
    assert said in trouble.message
    assert ".." not in trouble.message


@pytest.mark.parametrize(
    "calm",
    [
        pod("Pending", conditions=SCHEDULED, containerStatuses=container("waiting", reason="ContainerCreating")),
        pod("Pending"),  # before the scheduler has seen it
        pod("Pending", conditions=None, containerStatuses=None),
        pod("Running", conditions=SCHEDULED, containerStatuses=container("running", startedAt="2026-01-01T00:00:00Z")),
        pod("Succeeded", containerStatuses=container("terminated", exitCode=0, reason="Completed")),
    ],
)
def test_a_pod_that_is_about_to_start_or_runs_waits_for_nothing(calm: Pod) -> None:
    assert waits_for([calm]) is None
    assert deaths([calm]) == []


def test_a_container_that_was_out_of_memory_names_the_settings() -> None:
    (death,) = deaths([ended(137, "OOMKilled")])
    assert death.reason == "OOMKilled"
    assert "resources.memory" in death.message


def of_kfp(step: str, *states: dict[str, Any], created: str = "2026-01-01T00:00:00Z", phase: str = "Failed", **spec: Any) -> Pod:
    """A pod of a run, as Argo makes it for KFP: the container of the step, and one that waits for its end."""
    args = ["--component_spec", "{}", "--", "sh", "-ec", "python -m kfp.dsl.executor_main", "--executor_input", "{{$}}"]
    main = {"name": "main", "command": ["/kfp-launcher/launch"], "args": [*args, "--function_to_execute", step]}
    main["resources"] = {"limits": spec.pop("limits", {})}
    found = pod(phase, created, name=f"tiny-{step}-impl-1", containerStatuses=[{"name": "c", "state": s} for s in states])
    return {**found, "spec": {"containers": [{"name": "wait", "args": ["wait"]}, main], **spec}}


def test_a_pod_of_kfp_that_was_out_of_memory_says_so_whatever_its_other_container_says() -> None:
    other = {"terminated": {"exitCode": 64, "reason": "Error", "message": "failed to save outputs"}}
    killed = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    for states in ((other, killed), (killed, other)):
        (death,) = deaths([of_kfp("estimate", *states)])
        assert (death.reason, death.was_killed) == ("OOMKilled", True)
        assert death.message.startswith("The pod tiny-estimate-impl-1 of the step estimate needed more memory")


def test_a_gpu_is_had_by_a_pod_that_asks_for_one_and_has_a_node() -> None:
    light, heavy = of_kfp("propose", phase="Running", nodeName="n"), {"limits": {"nvidia.com/gpu": "1"}}
    assert not with_gpu([light], "nvidia.com/gpu")
    assert not with_gpu([light, of_kfp("estimate", phase="Pending", **heavy)], "nvidia.com/gpu")
    assert with_gpu([light, of_kfp("estimate", phase="Running", nodeName="n", **heavy)], "nvidia.com/gpu")


def test_an_evicted_pod_says_why() -> None:
    message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 52Mi. "
    (death,) = deaths([pod("Failed", reason="Evicted", message=message, containerStatuses=container("terminated", exitCode=137))])
    assert death.reason == "Evicted"
    assert "low on resource: memory" in death.message


def test_what_the_command_has_left_is_the_reason() -> None:
    left = json.dumps(errors.to_dict(DataError("There are no images in /data.")))
    (death,) = deaths([ended(2, message=left)])
    assert (death.reason, death.message) == ("DataError", "There are no images in /data.")
    assert isinstance(death.error, DataError)


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        "",
        "Killed",
        "{",
        "[]",
        "7",
        "null",
        '"text"',
        "{}",
        '{"kind": "DataError"}',
        '{"kind": ["DataError"], "message": "m"}',
    ],
)
def test_garbage_in_its_message_is_no_error_of_ours(garbage: str | None) -> None:
    (death,) = deaths([ended(2, message=garbage)])
    assert death.reason == "PodFailed"
    assert "ended with the status 2" in death.message
    assert death.error is None


def test_an_unknown_kind_of_error_is_still_told() -> None:
    for kind in ("NewerError", "Mapping", "unknown", "__name__", "__builtins__"):
        (death,) = deaths([ended(1, message=json.dumps({"kind": kind, "message": "told"}))])
        assert (death.reason, death.message) == ("PermanentError", "told")


def test_a_pod_that_failed_before_its_container_began_says_so() -> None:
    (death,) = deaths([pod("Failed")])
    assert "before its container began" in death.message


def test_deaths_are_in_the_order_in_which_the_pods_were_made() -> None:
    late = pod("Failed", "2026-01-02T00:00:00Z", "late", reason="Evicted")
    early = pod("Failed", "2026-01-01T00:00:00Z", "early", reason="Evicted")
    assert ["early" in death.message for death in deaths([late, pod("Running"), early])] == [True, False]
