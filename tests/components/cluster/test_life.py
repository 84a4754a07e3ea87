"""How a run really stands, by a table of all that may be seen of it."""

import math

import pytest

from archsmith.cluster.life import Evidence, Life, Pods, Workflow, life_of, why_lost
from archsmith.cluster.run import Run, State

MINUTE = 60.0
DAY = 24 * 60 * MINUTE

TABLE: list[tuple[State, Pods, Workflow, float, Life]] = [
    # KFP's word for it, the pods, the Workflow, for how long all that is so, and how it stands.
    ("running", "working", "unseen", DAY, "lives"),
    ("running", "working", "goes on", DAY, "lives"),
    ("waiting", "none", "goes on", DAY, "lives"),  # a quota, or a queue of Argo's
    ("running", "ended", "goes on", DAY, "lives"),
    ("running", "unseen", "goes on", DAY, "lives"),
    ("waiting", "none", "unseen", MINUTE, "lives"),  # Argo has not made the first one yet
    ("waiting", "none", "unseen", 2 * MINUTE, "lost"),
    ("running", "none", "unseen", MINUTE, "lives"),
    ("running", "none", "unseen", 2 * MINUTE, "lost"),
    ("running", "none", "gone", 0, "lost"),
    ("running", "ended", "gone", 0, "lost"),
    ("running", "unseen", "gone", 0, "lost"),
    ("running", "working", "gone", MINUTE, "lives"),  # Kubernetes is about to remove them
    ("running", "working", "gone", 6 * MINUTE, "lost"),
    ("running", "leaving", "gone", MINUTE, "lives"),
    ("running", "leaving", "gone", 6 * MINUTE, "lost"),
    ("running", "leaving", "unseen", MINUTE, "lives"),
    ("running", "leaving", "unseen", 6 * MINUTE, "lost"),  # its node is gone
    ("running", "leaving", "goes on", MINUTE, "lives"),
    ("running", "leaving", "goes on", 6 * MINUTE, "lost"),  # Argo waits for it too
    ("running", "ended", "unseen", 5 * MINUTE, "lives"),  # between two steps
    ("running", "ended", "unseen", 11 * MINUTE, "lost"),
    ("running", "none", "failed", 0, "lost"),
    ("running", "working", "failed", 0, "lost"),
    ("running", "unseen", "unseen", 20 * MINUTE, "lives"),
    ("running", "unseen", "unseen", 31 * MINUTE, "lost"),
    ("ending", "working", "unseen", MINUTE, "ending"),
    ("ending", "working", "unseen", 3 * MINUTE, "ended"),
    ("ending", "leaving", "gone", 3 * MINUTE, "ended"),
    ("ending", "working", "goes on", DAY, "ended"),
    ("ending", "none", "unseen", 0, "ending"),  # one may be in the making
    ("ending", "none", "unseen", 10, "ended"),
    ("ending", "ended", "goes on", 10, "ended"),
    ("ending", "none", "gone", 0, "ended"),
    ("ending", "unseen", "gone", 0, "ended"),
    ("ending", "unseen", "unseen", 30, "ending"),
    ("ending", "unseen", "unseen", 2 * MINUTE, "ended"),
    ("succeeded", "working", "goes on", 0, "ended"),
    ("failed", "none", "gone", 0, "ended"),
    ("cancelled", "unseen", "unseen", 0, "ended"),
]


@pytest.mark.parametrize(("state", "pods", "workflow", "quiet_s", "life"), TABLE)
def test_how_a_run_stands(state: State, pods: Pods, workflow: Workflow, quiet_s: float, life: Life) -> None:
    assert life_of(Run("r", "tiny", state), Evidence(pods, workflow, quiet_s)) == life


def test_a_run_that_kfp_has_lost_is_lost() -> None:
    assert life_of(None, Evidence()) == "lost"


@pytest.mark.parametrize("state", ["waiting", "running", "ending"])
@pytest.mark.parametrize("pods", ["leaving", "ended", "none", "unseen"])
@pytest.mark.parametrize("workflow", ["failed", "gone", "unseen"])
def test_nothing_without_a_working_pod_and_a_workflow_is_believed_for_ever(
    state: State, pods: Pods, workflow: Workflow
) -> None:  # fmt: skip
    assert life_of(Run("r", "tiny", state), Evidence(pods, workflow, math.inf)) in ("lost", "ended")


def test_why_a_run_is_lost_names_it_and_what_is_missing() -> None:
    run = Run("r7", "tiny", "running")
    assert (
        why_lost(run, Evidence("none", "gone"))
        == "The run r7 has no Workflow any more, though Kubeflow Pipelines calls it running"
    )
    assert "no pod for 95 s" in why_lost(run, Evidence("none", "unseen", 95.0))
    assert "begun no other pod for 601 s" in why_lost(run, Evidence("ended", "unseen", 601.0))
    assert "pods that do not go" in why_lost(run, Evidence("leaving", "goes on", 301.0))
    assert "nothing in the store for 31 minutes" in why_lost(run, Evidence(quiet_s=31 * MINUTE))
    assert (
        why_lost(Run("r7", "tiny", "failed", reason="a failed"), Evidence(reason="b is forbidden")) == "a failed; b is forbidden"
    )
    assert "gives no reason" in why_lost(Run("r7", "tiny", "failed"), Evidence())
    assert why_lost(None, Evidence()) == "KFP has lost the run"
