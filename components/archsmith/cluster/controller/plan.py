"""What to do next for a search: a pure function of what is wanted, what was noted, and how the work stands."""

from dataclasses import dataclass
from typing import Literal

from archsmith.cluster.controller.work import Work
from archsmith.cluster.following import pause_s
from archsmith.cluster.status import FINAL
from archsmith.spec import SearchSpec

Action = Literal["nothing", "start", "start again", "stop"]

PATIENCE_FOR_GPU_S = 60.0
"""How long a pod waits for a GPU before a search falls back to the CPU, where the nodes themselves can't be looked at."""

PATIENCE_FOR_POD_S = 60.0
"""How long a Job may be without its pod before that is told."""


OURS = frozenset({"InvalidSearch", "NoEngineError"})
"""Reasons of a failure that may be the controller's, and not the search's: an older one does not know a key of the file, and
one with other settings has not the engine. So it is looked at again."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What the controller has noted in the status: all that it remembers."""

    phase: str = ""
    """The phase."""
    digest: str = ""
    """The digest of the search that was begun last."""
    id: str = ""
    """The id of its work."""
    submitted: int = 0
    """How often it was begun again for a pod's sake."""
    on_cpu: bool = False
    """Whether it has fallen back to the CPU."""
    reason: str = ""
    """Why it was in its phase."""
    waiting_s: float = 0.0
    """Since how many seconds it waits for the same reason."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, and what to say."""

    action: Action
    """What the engine is to do."""
    phase: str
    """The phase, once that is done."""
    reason: str
    """Why, in a word for programs."""
    message: str
    """Why, and what people can do about it."""
    on_cpu: bool = False
    """Whether what is started falls back to the CPU."""


def plan(spec: SearchSpec, digest: str, noted: Noted, work: Work, *, gpu_missing: bool | None = False) -> Plan:
    """Decide what to do for a search that is run once; one with a schedule is a series (`archsmith.cluster.controller.series`).

    Args:
        spec: What is wanted.
        digest: The digest of it.
        noted: What was noted before.
        work: How the work stands.
        gpu_missing: Whether GPUs are wanted and no node has them, busy or not; None where that can't be known.
    """
    if spec.suspend:
        return _held(digest, noted, work)
    if work.state != "absent" and _other(work, digest, noted):
        return Plan("stop", "Pending", "SpecChanged", "The spec has changed: what ran is ended, and goes on as the new one says.")
    if noted.phase in FINAL and noted.digest == digest and noted.reason not in OURS:
        return Plan("nothing", noted.phase, "", "")
    if work.state == "absent":
        return _begin(spec, digest, noted, gpu_missing=gpu_missing)
    if work.state == "lost":
        return _again(noted, work)
    if gpu_missing is not False and _falls_back(spec, noted, work):
        return Plan("stop", "Pending", "NoGpu", _fallback(spec), on_cpu=True)
    if work.reason == "NoPod" and _is_soon(noted):
        return Plan("nothing", "Pending", "Starting", "Its pod is about to start.")
    return _as_it_stands(work)


def _held(digest: str, noted: Noted, work: Work) -> Plan:
    """Hold a search: all of its work is ended, so that one that has failed is begun anew when it goes on."""
    if noted.phase == "Succeeded" and noted.digest == digest:
        return Plan("nothing", noted.phase, "", "")
    message = "spec.suspend is true. Set it to false, and it goes on from what the store has."
    return Plan("stop" if work.state != "absent" else "nothing", "Suspended", "Suspended", message)


def _other(work: Work, digest: str, noted: Noted) -> bool:
    """Tell whether the work is that of an earlier spec."""
    of = work.digest or noted.digest
    return bool(of) and of != digest


def _begin(spec: SearchSpec, digest: str, noted: Noted, *, gpu_missing: bool | None) -> Plan:
    """Begin a search that nothing works on."""
    if (noted.on_cpu and noted.digest == digest) or (gpu_missing and spec.resources.fallback == "cpu"):
        return Plan("start", "Pending", "NoGpu", _fallback(spec), on_cpu=True)
    if gpu_missing:
        return Plan("start", "Pending", "NoGpu", _no_gpu(spec, "It waits for one, as `resources.fallback` is none."))
    return Plan("start", "Pending", "Started", "It is being started.")


def _again(noted: Noted, work: Work) -> Plan:
    """Begin what is left of a search again: at once the first time, and later each further time."""
    pause, what = pause_s(noted.submitted), f"{work.message} What is left of the search is started again"
    waited_s = noted.waiting_s if noted.reason == work.reason else 0.0
    if waited_s < pause:
        return Plan("nothing", "Pending", work.reason, f"{what} after {pause:.0f} s.")
    return Plan("start again", "Pending", work.reason, f"{what}.")


def _falls_back(spec: SearchSpec, noted: Noted, work: Work) -> bool:
    """Tell whether a pod has waited long enough for a GPU that the scheduler can't find."""
    return (
        spec.resources.gpu > 0
        and spec.resources.fallback == "cpu"
        and not noted.on_cpu
        and work.state == "waiting"
        and not work.has_gpu
        and spec.cluster.gpu_resource in work.message
        and noted.waiting_s >= PATIENCE_FOR_GPU_S
    )


def _is_soon(noted: Noted) -> bool:
    """Tell whether a Job has waited for its pod for no longer than Kubernetes may take to make one."""
    return noted.reason != "NoPod" and not (noted.reason == "Starting" and noted.waiting_s >= PATIENCE_FOR_POD_S)


def _fallback(spec: SearchSpec) -> str:
    return _no_gpu(spec, "It runs on the CPU, as `resources.fallback` says.")


def _no_gpu(spec: SearchSpec, then: str) -> str:
    resource, count = spec.cluster.gpu_resource, spec.resources.gpu
    return f"No node that it may run on offers {resource}: {count}. {then}"


def _as_it_stands(work: Work) -> Plan:
    if work.state == "succeeded":
        return Plan("nothing", "Succeeded", "Succeeded", "It is done.")
    if work.state == "failed":
        return Plan("nothing", "Cancelled" if work.reason == "Cancelled" else "Failed", work.reason, work.message)
    return Plan("nothing", "Running" if work.state == "running" else "Pending", work.reason, work.message)
