"""What pods say of themselves: why one waits, and how one died. Kubernetes keeps it in many places."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archsmith import errors
from archsmith.cluster.controller.manifests import WILL_NOT_PASS
from archsmith.errors import ArchsmithError

Pod = Mapping[str, Any]

_WHAT_TO_DO: Mapping[str, str] = {
    "CreateContainerConfigError": "Make what it names, in the pod's namespace; the pod then starts by itself.",
    "ErrImagePull": "Check `cluster.image` and `cluster.image_pull_secrets`, and whether the node reaches the registry.",
    "ImagePullBackOff": "Check `cluster.image` and `cluster.image_pull_secrets`, and whether the node reaches the registry.",
    "ErrImageNeverPull": "Load the image into the node, or let it be pulled.",
    "InvalidImageName": "Check `cluster.image`.",
    "ImageInspectError": "Check `cluster.image`, and the node.",
    "RegistryUnavailable": "Check whether the node reaches the registry; the pod then starts by itself.",
    "SignatureValidationFailed": "Check `cluster.image`, whose signature the node does not accept.",
    "CreateContainerError": "The node can't make the container: `kubectl describe pod` shows what it said.",
}
"""Reasons for which a container waits that do not pass by themselves, and what people can do."""

_SAME_AS = {"ErrImagePull": "ImagePullBackOff"}
"""Reasons that take turns; each turn would be an event."""

_STEP = "--function_to_execute"
"""The argument of KFP's executor before the name of the step."""

_PLACE = "It starts when one does; what it asks for is in `resources`, `cluster.node_selector` and `cluster.tolerations`."

_MEMORY = "Give it more in `resources.memory`, or take fewer `resources.workers` or a smaller `training.batch_size`."


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod waits, or how it died."""

    reason: str
    """In a word for programs."""
    message: str
    """For people."""
    error: ArchsmithError | None = None
    """What the command in the pod has left as its error."""
    final: bool = False
    """Whether another pod would die of it as well, so that its Job makes none."""

    @property
    def was_killed(self) -> bool:
        """Whether the pod was ended from outside, and not by an error of its own."""
        return self.error is None and not self.final


def waits_for(pods: Iterable[Pod]) -> Trouble | None:
    """Return why one of the pods can't start; None where none of them is held up."""
    for pod in pods:
        if pod["status"].get("phase") != "Pending":
            continue
        for condition in pod["status"].get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                if condition.get("reason") == "SchedulingGated":
                    return Trouble("Queued", "Its queue has not admitted the pod.")
                message = _sentence("No node takes the pod", condition.get("message"))
                return Trouble(condition.get("reason", "Unschedulable"), f"{message} {_PLACE}")
        for waiting in _states(pod, "waiting"):
            if hint := _WHAT_TO_DO.get(waiting.get("reason", "")):
                reason = _SAME_AS.get(waiting["reason"], waiting["reason"])
                return Trouble(reason, f"{_sentence('The pod can not start', waiting.get('message'))} {hint}")
    return None


def deaths(pods: Sequence[Pod]) -> list[Trouble]:
    """Return how the pods died that did, in the order in which they were made."""
    ordered = sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    return [replace(_death(pod), final=_is_final(pod)) for pod in ordered if pod["status"].get("phase") == "Failed"]


def _is_final(pod: Pod) -> bool:
    """Tell whether a Job fails with this pod, by the rules of its `podFailurePolicy`."""
    if any(c["type"] == "DisruptionTarget" and c["status"] == "True" for c in pod["status"].get("conditions") or ()):
        return False
    return any(state.get("exitCode") in WILL_NOT_PASS for state in _states(pod, "terminated"))


def _death(pod: Pod) -> Trouble:
    """Return how a pod died."""
    status, name = pod["status"], _called(pod)
    if status.get("reason"):  # such as Evicted, where the containers may say nothing
        return Trouble(status["reason"], _sentence(f"The pod {name} was ended", status.get("message")))
    states = [state for state in _states(pod, "terminated") if state.get("exitCode")]
    # A pod of Argo has a container beside that of the step, which ends with it, and for another reason.
    ended = next((state for state in states if state.get("reason") == "OOMKilled"), states[0] if states else {})
    error = _left(ended.get("message"))
    if ended.get("reason") == "OOMKilled":
        return Trouble("OOMKilled", f"The pod {name} needed more memory than it may have. {_MEMORY}", error)
    if error is not None:
        return Trouble(type(error).__name__, str(error), error)
    if not ended:
        return Trouble("PodFailed", f"The pod {name} failed before its container began.")
    said = _sentence(f"The pod {name} ended with the status {ended['exitCode']}", _last_line(ended.get("message")))
    return Trouble("PodFailed", f"{said} `archsmith logs` shows more.")


def is_running(pod: Pod) -> bool:
    """Tell whether a pod runs, and is not told to end."""
    return pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]


def with_gpu(pods: Iterable[Pod], resource: str) -> bool:
    """Tell whether one of the pods that asks for GPUs has a node."""
    return any(
        resource in (container.get("resources") or {}).get("limits", {})
        for pod in pods
        if pod.get("spec", {}).get("nodeName") and pod["status"].get("phase") in ("Running", "Succeeded")
        for container in pod["spec"].get("containers", ())
    )


def _called(pod: Pod) -> str:
    """Return the name of a pod, and of the step that it does, where KFP has made it."""
    for container in pod.get("spec", {}).get("containers", ()):
        words = [*(container.get("command") or ()), *(container.get("args") or ())]
        if _STEP in words[:-1]:
            return f"{pod['metadata']['name']} of the step {words[words.index(_STEP) + 1]}"
    return str(pod["metadata"]["name"])


def _last_line(text: str | None) -> str:
    """Return the last line of what a container has said at its end, which Kubernetes takes from its log."""
    return next((line.strip() for line in reversed((text or "").splitlines()) if line.strip()), "")


def _states(pod: Pod, which: str) -> Iterator[Mapping[str, Any]]:
    """Yield the state `which` of each container that is in it."""
    for container in (*(pod["status"].get("initContainerStatuses") or ()), *(pod["status"].get("containerStatuses") or ())):
        if state := container.get("state", {}).get(which):
            yield state


def _left(message: str | None) -> ArchsmithError | None:
    """Return the error that the command wrote into the termination message, if it did."""
    try:
        return errors.from_dict(json.loads(message or ""))
    except (ValueError, KeyError, TypeError):
        return None


def _sentence(begin: str, said: str | None) -> str:
    return f"{begin}: {said.rstrip('.')}." if said else f"{begin}."
