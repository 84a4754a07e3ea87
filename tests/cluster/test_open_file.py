"""An open search file on a cluster: in a pod, everything is chosen for its time, and the winner is held to simple networks."""

import pytest

from archsmith.views.chosen import plan_of
from cluster import Cluster, Note, Object, Start

MINUTES = 4.0


def opened(name: str) -> Object:
    """Return a search that names nothing but images and a time."""
    spec = {"data": {"name": "digits"}, "budget": {"minutes": MINUTES}, "cluster": {"engine": "job"}}
    return {"apiVersion": "archsmith.dev/v1alpha1", "kind": "Search", "metadata": {"name": name}, "spec": spec}


@pytest.mark.long
def test_everything_is_chosen_in_a_pod_and_the_winner_is_held_to_simple_networks(
    cluster: Cluster, start: Start, note: Note
) -> None:
    name = start(opened("open-digits"))
    done = cluster.until(name, "Succeeded", 900)
    status, folder = done["status"], cluster.folder(name)
    plan = plan_of(folder)
    assert plan is not None
    assert plan.minutes == MINUTES
    assert {choice.what for choice in plan.choices} >= {"space", "strategy", "retraining"}
    assert status["incumbent"]["test"]["test_accuracy"] > 0.5  # what else runs on the machine takes its share
    assert status["references"]["said"]
    assert folder.read("best/model.onnx")
    assert folder.read("asked.yaml")
    report = folder.read("report/index.html")
    assert report is not None
    assert b"What was chosen, and why" in report
    test, said = status["incumbent"]["test"], status["references"]["said"]
    note(f"An open file for {MINUTES:g} minutes: {status['trials']} trials, {test}; {said}")
