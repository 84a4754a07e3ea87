"""The engine for clusters without Kubeflow Pipelines: one Job, whose pod runs the whole search."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from archsmith.cluster.controller.config import PodSettings
from archsmith.cluster.controller.manifests import OWNER, WORK, job
from archsmith.cluster.controller.pods import Pod, Trouble, deaths, waits_for
from archsmith.cluster.controller.series import timestamp
from archsmith.cluster.controller.work import ABSENT, Order, Work
from archsmith.cluster.kube import Kube
from archsmith.cluster.life import LEAVING_S
from archsmith.errors import UnavailableError
from archsmith_pipelines.pods import SEARCH_LABEL

Job = Mapping[str, Any]

JOB_LABEL = "batch.kubernetes.io/controller-uid"
"""The label that Kubernetes gives the pods of a Job."""

ENDING = Work("waiting", reason="Ending", message="The pod of before is still ending.")


class JobEngine:
    """Runs a search as a Job of its namespace.

    Args:
        kube: The namespace.
        pod: What all pods have in common.
    """

    name = "job"

    def __init__(self, kube: Kube, pod: PodSettings) -> None:
        self._kube = kube
        self._pod = pod

    def look(self, order: Order, id_: str) -> Work:
        """Return how the latest Job of the search stands."""
        jobs = self._jobs(order)
        now = datetime.now(UTC)
        if not jobs:
            left = self._left(order)
            return (_stuck(left, now) or ENDING) if left else ABSENT
        latest = max(jobs, key=lambda found: (found["metadata"]["name"] == id_, found["metadata"]["creationTimestamp"]))
        # By its uid, as a Job of the same name may have been deleted just now.
        pods = self._kube.pods(f"{JOB_LABEL}={latest['metadata']['uid']}")
        work = work_of(latest, pods, now)
        asks = order.search.spec.cluster.gpu_resource in str(latest["spec"].get("template", {}).get("spec", {}))
        return replace(work, has_gpu=asks and work.state in ("running", "succeeded"))

    def start(self, order: Order) -> str:
        """Make the Job."""
        made = job(order, self._pod)
        name = str(made["metadata"]["name"])
        if not self._kube.create_job(made):
            raise UnavailableError(f"The Job {name} of an earlier time is still being removed.")
        return name

    def stop(self, order: Order) -> bool:
        """Delete the Jobs of the search; their pods get SIGTERM."""
        for found in self._jobs(order):
            self._kube.delete_job(found["metadata"]["name"])
        return not self._left(order)

    def answers(self) -> bool:
        """Tell that any cluster will do."""
        return True

    def _left(self, order: Order) -> list[Pod]:
        """Return the pods of the search that have not ended, whosever they are: another one beside them would do all twice."""
        return [pod for pod in self._kube.pods(_label(order)) if pod["status"].get("phase") in ("Pending", "Running")]

    def _jobs(self, order: Order) -> list[Job]:
        """Return the Jobs of this very object that are not being deleted."""
        uid = order.owner["metadata"]["uid"]
        return [
            found
            for found in self._kube.jobs(_label(order))
            if found["metadata"].get("annotations", {}).get(OWNER) == uid and "deletionTimestamp" not in found["metadata"]
        ]


def _label(order: Order) -> str:
    return f"{SEARCH_LABEL}={order.search.name}"


def _stuck(pods: Sequence[Pod], now: datetime) -> Work | None:
    """Return the work of pods that do not end though they were told to long ago; None where one of them may yet, or works."""
    told = [datetime.fromisoformat(at) for pod in pods if (at := pod["metadata"].get("deletionTimestamp"))]
    if not pods or len(told) < len(pods) or now - max(told) < timedelta(seconds=LEAVING_S):
        return None
    pod, since = pods[-1], timestamp(max(told))
    name, node = pod["metadata"]["name"], pod.get("spec", {}).get("nodeName") or "of then"
    message = (
        f"Its pod {name} was told to end at {since}, and does not: its node {node} may be lost. The next one begins once that is "
        f"known; `kubectl delete pod {name} --force` says so, or the removal of the node."
    )
    return Work("waiting", reason="PodDoesNotGo", message=message)


def work_of(found: Job, pods: Sequence[Pod], now: datetime) -> Work:
    """Return how a Job stands.

    Args:
        found: The Job.
        pods: Its pods, those that died as well.
        now: The time.
    """
    metadata, status = found["metadata"], found.get("status", {})
    holds = {c["type"] for c in status.get("conditions") or () if c["status"] == "True"}
    died = deaths(pods)
    count = max(int(status.get("failed") or 0), len(died))
    death = died[-1] if died else Trouble("PodDeleted", "Its pod was deleted.") if count else None
    common: dict[str, Any] = {
        "id": metadata["name"],
        "digest": metadata["annotations"][WORK],
        "deaths": count,
        "death": death.message if death else "",
        "was_killed": death is not None and death.was_killed,
    }
    if "Complete" in holds:
        return Work("succeeded", **common)
    if "Failed" in holds or "FailureTarget" in holds or (death is not None and death.final):  # it fails a moment after its pod
        reason, message = _failure(death, count)
        return Work("failed", reason=reason, message=message, **common)
    under_way = [pod for pod in pods if pod["status"].get("phase") == "Running"]
    if (stuck := _stuck(under_way, now)) is not None:
        return replace(stuck, **common)
    if any(pod["status"].get("phase") in ("Running", "Succeeded") for pod in pods):  # a Job is complete a moment after its pod
        return Work("running", reason="PodRunning", message="A pod works on it.", **common)
    if found["spec"].get("suspend"):
        return Work("waiting", reason="Queued", message="Its Job is suspended, until its queue admits it.", **common)
    trouble = waits_for(pods) or (
        Trouble("Starting", "Its pod is about to start.") if pods or count else _no_pod(metadata["name"])
    )
    return Work("waiting", reason=trouble.reason, message=trouble.message, **common)


def _no_pod(job: str) -> Trouble:
    return Trouble(
        "NoPod",
        f"Kubernetes has made no pod of the Job {job}: a quota, a limit range or a rule of admission may refuse it. "
        f"`kubectl describe job {job}` says why.",
    )


def _failure(death: Trouble | None, count: int) -> tuple[str, str]:
    """Say why a Job has failed for good: in a word, and for people."""
    if death is None:
        return "JobFailed", "Its Job failed before it had a pod; `kubectl describe job` shows why."
    tries = f" Its pods died {count} times, as often as `cluster.retries` allows." if count > 1 else ""
    return death.reason, f"{death.message}{tries}"
