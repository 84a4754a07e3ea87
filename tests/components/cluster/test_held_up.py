"""What is said of a run that does not go on."""

from archsmith.cluster.following import Seen
from archsmith.cluster.held_up import held_up
from archsmith.cluster.run import Run
from archsmith.cluster.run_pods import Sighting

RUN = Run("r7", "tiny", "running")


def said(sighting: Sighting, *, begun: bool = False, waited_s: float = 30.0, refusal: str = "") -> str:
    return held_up(Seen(RUN, done=False, sighting=sighting), begun=begun, waited_s=waited_s, refusal=refusal)


def pod(**status: object) -> dict:
    return {"metadata": {"name": "p"}, "status": {"phase": "Pending", **status}}


def test_a_pod_says_why_it_waits_at_once() -> None:
    waiting = {"state": {"waiting": {"reason": "ErrImagePull", "message": "archsmith:0.1.0: not found"}}}
    text = said(Sighting("working", objects=[pod(containerStatuses=[waiting])]), begun=True, waited_s=0)
    assert "ImagePullBackOff" in text
    assert "archsmith:0.1.0: not found" in text
    assert "cluster.image" in text
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: Insufficient cpu"}
    assert "Insufficient cpu" in said(Sighting("working", objects=[pod(conditions=[full])]))


def test_a_workflow_says_why_there_is_no_pod() -> None:
    assert "exceeded quota: pods" in said(Sighting("none", "goes on", "exceeded quota: pods"), waited_s=0)


def test_where_pods_can_not_be_read_it_is_said_how_to_look_within_half_a_minute() -> None:
    unseen = Sighting("unseen")
    assert said(unseen, waited_s=10) == ""
    text = said(unseen, waited_s=20, refusal="There is no kubeconfig here.")
    assert "There is no kubeconfig here." in text
    assert "kubectl get pods --all-namespaces --selector pipeline/runid=r7" in text
    assert said(unseen, begun=True, waited_s=999) == ""


def test_a_run_that_gets_no_pod_is_argos_to_explain() -> None:
    assert "kubectl get workflows" in said(Sighting("none"))
    assert said(Sighting("none"), waited_s=5) == ""


def test_nothing_is_said_of_a_run_that_goes_on_or_has_ended() -> None:
    assert said(Sighting("working", objects=[{"metadata": {"name": "p"}, "status": {"phase": "Running"}}])) == ""
    ended = Seen(Run("r7", "tiny", "failed"), done=False, sighting=Sighting("unseen"))
    assert held_up(ended, begun=False, waited_s=99) == ""
