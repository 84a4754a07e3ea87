"""A search for several pods: as a Job, which is one; and as Kubeflow Pipelines runs it, a pod a task, estimates side by side."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import yaml
from minio import Minio

from archsmith.steps.rounds import NO_ROUNDS
from cluster import Cluster, Note, Object, digits
from faults import EPOCHS, forget_versions, nothing_was_done_twice, trials

NAME, TRIALS = "on-two-pods", 8
STEPS = """
import json, os, sys
from archsmith.steps.main import run_step
for step, *arguments in json.loads(sys.argv[1]):
    print(step, run_step(step, *[os.environ["ARCHSMITH_STORE"] if a == "STORE" else a for a in arguments]), flush=True)
"""
"""What the pod of a task runs, or of a few of them: a step is a function of the library, and a component calls it."""

BeginTask = Callable[..., str]
"""Begins a pod for steps that are given with their arguments; returns its name."""


def search(name: str, **spec: Any) -> Object:
    """Return a search without rounds, for two pods of one worker each."""
    slow = {"estimation": {"epochs": EPOCHS}, "training": {"learning_rate": 0.05, "batch_size": 8}, "retrain": {"epochs": 1}}
    return digits(name, **{**slow, "budget": {"trials": TRIALS}, "resources": {"pods": 2, "workers": 1}, **spec})


@pytest.fixture(scope="module")
def as_a_job(cluster: Cluster) -> Iterator[Object]:
    """Return a search for two pods that has succeeded as a Job."""
    name = f"{NAME}-as-a-job"
    cluster.remove(name)
    cluster.apply(search(name, estimation={"epochs": 1}, training={"batch_size": 64}))
    yield cluster.until(name, "Succeeded")
    cluster.remove(name)


@pytest.fixture
def begin(cluster: Cluster, as_a_job: Object) -> Iterator[BeginTask]:
    """Return what begins a pod like that of the Job; such pods are deleted after the test."""
    like = cluster.pods(as_a_job["metadata"]["name"])[0]
    cluster.remove(NAME)

    def task(name: str, *steps: Sequence[Any]) -> str:
        kept = ("serviceAccountName", "automountServiceAccountToken", "enableServiceLinks", "securityContext", "volumes")
        container = {**like["spec"]["containers"][0], "args": ["python", "-c", STEPS, json.dumps(steps)]}
        labels = {k: v for k, v in like["metadata"]["labels"].items() if "job" not in k and "controller-uid" not in k}
        metadata = {
            "name": name,
            "labels": {**labels, "archsmith.dev/search": NAME},
            "annotations": like["metadata"]["annotations"],
        }
        spec = {**{k: like["spec"][k] for k in kept}, "restartPolicy": "Never", "containers": [container]}
        cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        return name

    yield task
    cluster.kubectl("delete", "pods", "--selector", f"archsmith.dev/search={NAME}", "--grace-period=1", check=False)
    cluster.remove(NAME)


@pytest.mark.long
def test_a_job_does_the_work_of_two_pods_in_one(cluster: Cluster, as_a_job: Object) -> None:
    name, status = as_a_job["metadata"]["name"], as_a_job["status"]
    assert (status["trials"], status["failed"], "round" in status) == (f"{TRIALS}/{TRIALS}", 0, False)
    assert len(cluster.pods(name)) == 1
    assert [t.proposal.number for t in cluster.folder(name).history()] == [*range(TRIALS)]


@pytest.mark.long
def test_two_estimates_side_by_side_share_the_trials_and_one_that_dies_holds_up_nobody(
    cluster: Cluster, begin: BeginTask, minio: Minio, note: Note
) -> None:
    def succeeds(*names: str) -> None:
        def ended() -> bool:
            phases = {pod["metadata"]["name"]: pod["status"]["phase"] for pod in cluster.pods(NAME)}
            assert "Failed" not in {phases[name] for name in names}, cluster.kubectl("logs", *names[:1], check=False)
            return {phases[name] for name in names} == {"Succeeded"}

        cluster.wait(ended, f"{' and '.join(names)} succeed", 600)

    forget_versions(minio, NAME)
    opening = begin("two-open", ("sample_space", yaml.safe_dump(search(NAME)), "STORE"), ("propose", NAME, "STORE", NO_ROUNDS))
    succeeds(opening)
    victim, other = (begin(f"two-estimate-{k}", ("estimate", NAME, "STORE", NO_ROUNDS, k, 2)) for k in (0, 1))
    cluster.wait(lambda: len(cluster.folder(NAME).history()) >= 2, "two trials are done", 300)
    before = trials(cluster, NAME)
    cluster.kubectl("delete", "pod", victim, "--grace-period=0", "--force")
    again = begin("two-estimate-0-again", ("estimate", NAME, "STORE", NO_ROUNDS, 0, 2))
    succeeds(other, again)
    succeeds(begin("two-end", ("select", NAME, "STORE"), ("retrain", NAME, "STORE"), ("report", NAME, "STORE")))
    after = trials(cluster, NAME)
    assert len(after) == TRIALS
    assert before.items() <= after.items()
    nothing_was_done_twice(minio, NAME, after)
    shares = [len(re.findall(r"trial \d{4} complete", cluster.kubectl("logs", name))) for name in (other, again)]
    assert all(shares), shares
    assert cluster.folder(NAME).is_done()
    note(
        f"{NAME}: {len(before)} of {TRIALS} trials before a pod was killed; the other measured {shares[0]}, the next {shares[1]}"
    )
