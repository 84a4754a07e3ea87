"""How a run of KFP really stands: a pure function of what KFP says, of its pods and its Workflow, and of time.

KFP's word alone does not do. A run whose Workflow was deleted, or collected with the schedule that owns it, stays RUNNING in
its API for ever, and CANCELING once it was told to end. What can't be hidden is that such a run has no pods, and that
nothing more of it comes into the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from archsmith.cluster.run import Run

Pods = Literal["working", "leaving", "ended", "none", "unseen"]
"""The pods of a run: one works or waits to; those that did are being removed; all have ended; it has none; we can't see them."""

Workflow = Literal["goes on", "failed", "gone", "unseen"]
"""The Workflow of a run; `unseen` where we may not read Workflows."""

Life = Literal["lives", "ending", "lost", "ended"]
"""A run that may still do something; one that was told to end and has pods; one that will do nothing more, whatever KFP says;
and one whose end KFP knows."""

NO_POD_S = 90.0
"""How long a run may be without any pod where its Workflow can't be seen: longer than Argo takes for the first one."""

NO_NEXT_POD_S = 600.0
"""How long it may be between two pods: a quota, or Argo's own limits, may hold up the next one."""

LEAVING_S = 300.0
"""How long a pod may take to go; one whose node is gone never says that it has."""

SETTLED_S = 5.0
"""How long a run that was told to end must be without a pod: one may just be in the making."""

ENDING_S = 120.0
"""How long pods may take to end once a run was told to; Kubernetes gives them half a minute."""

ENDING_UNSEEN_S = 60.0
"""The same, where they can't be seen."""

SILENT_S = 1800.0
"""How long neither KFP nor the store may have anything new, where neither pods nor Workflows can be seen."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is to be seen of a run beside what KFP says."""

    pods: Pods = "unseen"
    """Its pods."""
    workflow: Workflow = "unseen"
    """Its Workflow."""
    quiet_s: float = 0.0
    """Since how many seconds all this, and what the store has of the search, is the same."""
    reason: str = ""
    """Why the Workflow failed, as it says itself."""


NOTHING_SEEN = Evidence()

_PATIENCE: Mapping[Pods, float] = {
    "working": float("inf"),
    "leaving": LEAVING_S,
    "ended": NO_NEXT_POD_S,
    "none": NO_POD_S,
    "unseen": SILENT_S,
}
"""For how long a run whose Workflow can't be seen is believed to go on."""


def life_of(run: Run | None, evidence: Evidence) -> Life:
    """Return how a run stands.

    Args:
        run: The run as KFP has it; None where it has it no more.
        evidence: What else is to be seen.
    """
    if run is None:
        return "lost"
    if run.state == "ending":
        return _of_ending(evidence)
    if not run.active:
        return "ended"
    if evidence.workflow == "goes on" and evidence.pods != "leaving":  # Argo waits for pods of a lost node for ever
        return "lives"
    if evidence.workflow == "failed":  # KFP's view of it may lag by minutes
        return "lost"
    if evidence.workflow == "gone" and evidence.pods not in ("working", "leaving"):
        return "lost"
    # Pods whose Workflow is gone are removed with it; those that stay do so because nobody can remove them.
    stays_s = LEAVING_S if evidence.workflow == "gone" else _PATIENCE[evidence.pods]
    return "lost" if evidence.quiet_s >= stays_s else "lives"


def _of_ending(evidence: Evidence) -> Life:
    """Return how a run stands that was told to end: nobody waits for it longer than pods take to end."""
    if evidence.pods in ("none", "ended") or (evidence.pods == "unseen" and evidence.workflow in ("gone", "failed")):
        takes_s = 0.0 if evidence.workflow in ("gone", "failed") else SETTLED_S
    else:
        takes_s = ENDING_UNSEEN_S if evidence.pods == "unseen" else ENDING_S
    return "ended" if evidence.quiet_s >= takes_s else "ending"


_NO_POD: Mapping[Pods, str] = {
    "none": "had no pod",
    "ended": "begun no other pod",
    "leaving": "pods that do not go, as those of a node that is lost,",
    "working": "pods",
}


def why_lost(run: Run | None, evidence: Evidence) -> str:
    """Say why a run that is lost, or has failed, is not waited for."""
    if run is None:
        return "KFP has lost the run"
    if evidence.reason or run.reason:
        return "; ".join(dict.fromkeys(filter(None, (run.reason, evidence.reason))))
    if not run.has_pods:
        return "KFP gives no reason; a pod was killed or could not start"
    if evidence.workflow == "gone":
        return f"The run {run.id} has no Workflow any more, though Kubeflow Pipelines calls it {run.state}"
    if evidence.pods == "unseen":
        return (
            f"The run {run.id} has left nothing in the store for {evidence.quiet_s / 60:.0f} minutes, and its pods can't be read "
            f"from here; Kubeflow Pipelines calls it {run.state}"
        )
    pods = _NO_POD[evidence.pods]
    return f"The run {run.id} has {pods} for {evidence.quiet_s:.0f} s, though Kubeflow Pipelines calls it {run.state}"
