"""Why nothing happens of a run, as far as it can be told: from its pods, from its Workflow, or not at all from here."""

from archsmith.cluster.controller.pods import waits_for
from archsmith.cluster.following import Seen
from archsmith.cluster.run_pods import RUN_LABEL

BEGINS_S = 20.0
"""How long Argo takes for the first pod, in the usual case."""


def held_up(seen: Seen, *, begun: bool, waited_s: float, refusal: str = "") -> str:
    """Return why a run does not go on, for people; empty where it does, or it is too early to tell.

    Args:
        seen: How it stands.
        begun: Whether a step has left something in the store.
        waited_s: Since how many seconds it is waited for.
        refusal: Why its pods can't be read from here, if they can't.
    """
    run, sighting = seen.run, seen.sighting
    if run is None or not run.active:
        return ""
    if trouble := waits_for(sighting.objects):
        return f"A pod of the run waits, {trouble.reason}: {trouble.message}"
    if sighting.pods in ("none", "ended") and sighting.reason:
        return f"No pod of the run works. Its Workflow says: {sighting.reason.rstrip('.')}."
    if begun or waited_s < BEGINS_S or sighting.pods == "working":
        return ""
    pods = f"`kubectl get pods --all-namespaces --selector {RUN_LABEL}={run.id}`"
    if sighting.pods == "unseen":
        return (
            f"Nothing of the run has begun yet, and why can't be read from here: {refusal or 'its pods are not where we look.'} "
            f"{pods} lists its pods, and `kubectl describe` shows why one waits: for its image, for a node, for a Secret."
        )
    return (
        "The run has no pod yet. Argo's workflow controller makes them: `kubectl get workflows --all-namespaces --selector "
        f"{RUN_LABEL}={run.id} --output yaml` shows what it waits for, such as a quota."
    )
