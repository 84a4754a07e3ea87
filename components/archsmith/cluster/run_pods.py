"""The pods and the Workflows of KFP's runs, as far as we may see them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from archsmith.cluster.kube import Kube
from archsmith.cluster.kube_api import ALL
from archsmith.cluster.life import Pods, Workflow
from archsmith.errors import AccessDeniedError, ArchsmithError

Object = Mapping[str, Any]

RUN_LABEL = "pipeline/runid"
"""The label by which KFP names the run, on its Workflow and on each of its pods."""

PHASE_LABEL = "workflows.argoproj.io/phase"
"""The label in which Argo repeats the phase of a Workflow."""

USUAL = "kubeflow"
"""The namespace of KFP's own manifests."""

_ENDED = ("Succeeded", "Failed")
_FAILED = ("Failed", "Error")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What Kubernetes shows of a run."""

    pods: Pods = "unseen"
    """How its pods stand."""
    workflow: Workflow = "unseen"
    """How its Workflow stands."""
    reason: str = ""
    """What the Workflow says of why it failed, or waits."""
    objects: Sequence[Object] = ()
    """The pods."""


UNSEEN = Sighting()


class RunPods:
    """Looks at the pods and Workflows of runs.

    Args:
        kube: The cluster; None where there is none to be asked.
        namespace: Where the pods are; '' for all namespaces.
        sure: Whether this is known to be where KFP makes its pods. Else what is not there proves nothing, until this run, or
            another one that KFP knows, was seen there.
        knows: Tells whether KFP knows a run of this id.
    """

    def __init__(
        self, kube: Kube | None, namespace: str = "", *, sure: bool = True, knows: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._kube = kube
        self.namespace = namespace
        self._sure = sure
        self._knows = knows
        self.refusal = "There is no kubeconfig here." if kube is None else ""
        """Why pods could not be read when they were last asked for."""

    def see(self, id_: str) -> Sighting:
        """Return what is to be seen of a run."""
        if self._kube is None:
            return UNSEEN
        self.refusal = ""
        pods, workflows = self._listed(self._kube.pods, id_), self._listed(partial(self._kube.workflows, metadata=True), id_)
        if pods or workflows:
            self._sure = True
        elif not (self._sure or self._sees_others()):
            return UNSEEN
        how, workflow = _pods_of(pods), _workflow_of(workflows)
        # All of it is read, which is much, only where something is wrong.
        asked = workflow == "failed" or (workflow == "goes on" and how in ("none", "ended"))
        whole = self._listed(self._kube.workflows, id_) if asked else ()
        return Sighting(how, workflow, _said(whole[0].get("status", {})) if whole else "", pods or ())

    def _listed(self, read: Callable[..., Sequence[Object]], id_: str) -> Sequence[Object] | None:
        """Return the objects of a run; None where they can't be read."""
        try:
            return read(f"{RUN_LABEL}={id_}", self.namespace)
        except AccessDeniedError as error:
            if self.namespace == ALL:  # then at least where KFP's manifests put it
                self.namespace = USUAL
                return self._listed(read, id_)
            self.refusal = self.refusal or str(error)
        except ArchsmithError as error:
            self.refusal = self.refusal or str(error)
        return None

    def _sees_others(self) -> bool:
        """Tell whether there are pods of another run that KFP knows: then it makes them where we look."""
        if self._kube is None:
            return False
        try:
            others = {str(pod["metadata"]["labels"][RUN_LABEL]) for pod in self._kube.pods(RUN_LABEL, self.namespace)}
            self._sure = any(self._knows(id_) for id_ in sorted(others)[:3])
        except ArchsmithError:
            return False
        return self._sure


def _pods_of(pods: Sequence[Object] | None) -> Pods:
    """Return how the pods of a run stand."""
    if pods is None:
        return "unseen"
    if not pods:
        return "none"
    left = [pod for pod in pods if pod.get("status", {}).get("phase") not in _ENDED]
    if not left:
        return "ended"
    return "leaving" if all("deletionTimestamp" in pod["metadata"] for pod in left) else "working"


def _workflow_of(workflows: Sequence[Object] | None) -> Workflow:
    """Return how the Workflow of a run stands."""
    if workflows is None:
        return "unseen"
    if not workflows:
        return "gone"
    return "failed" if workflows[0]["metadata"].get("labels", {}).get(PHASE_LABEL) in _FAILED else "goes on"


def _said(status: Mapping[str, Any]) -> str:
    """Return what the nodes of a Workflow say that failed or wait, else what it says itself; each thing once."""
    nodes = [node for node in (status.get("nodes") or {}).values() if node.get("type") in ("Pod", "Plugin", "HTTP")]
    troubled = [node for node in nodes if node.get("phase") in (*_FAILED, "Pending") and node.get("message")]
    said = [node["message"] for node in sorted(troubled, key=lambda node: str(node.get("startedAt", "")))]
    return "; ".join(dict.fromkeys(said[-3:])) or str(status.get("message") or "")
