"""What happens to a search when its pod or a process of it dies: it succeeds all the same, and nothing is trained twice."""

import re

import pytest

from cluster import Cluster, Note, Start, digits
from faults import Survives, deaths

# Runs in a pod: kills the process of a trial, the youngest of those that were forked to train one.
KILL_A_WORKER = """
import psutil, time
workers = []
while not workers:
    forks = [p for p in psutil.process_iter() if "archsmith.steps.server" in " ".join(p.cmdline())]
    workers = [p for p in forks if not p.children() and p.parent() in forks and p.parent().parent() in forks]
    time.sleep(0.05)
victim = max(workers, key=lambda p: p.create_time())
victim.kill()
print("killed", victim.pid)
"""

# Runs in a pod: uses up its memory, in processes that are each smaller than the one that the kernel is to kill first.
FILL_MEMORY = """
import os, pathlib, psutil, sys, time
victim = next(p for p in psutil.process_iter() if sys.argv[1] in " ".join(p.cmdline()) and p.pid != os.getpid())
pathlib.Path(f"/proc/{victim.pid}/oom_score_adj").write_text("1000")
for _ in range(200):
    if os.fork() == 0:
        held = bytearray(os.urandom(2**20)) * 32
        time.sleep(60)
    time.sleep(0.02)
time.sleep(60)
"""


def test_another_pod_goes_on_where_one_was_deleted_by_force(cluster: Cluster, survives: Survives) -> None:
    def fault(name: str) -> None:
        cluster.kubectl("delete", "pod", cluster.pod(name), "--grace-period=0", "--force")

    assert survives("forced-pod", fault, budget={"trials": 6, "rounds": 2})["status"]["round"] == "2/2"
    assert "PodDied" in cluster.reasons("forced-pod", "PodDied")


@pytest.mark.long
def test_a_trial_whose_process_is_killed_is_begun_once_more(cluster: Cluster, survives: Survives) -> None:
    def fault(name: str) -> None:
        assert "killed" in _in_pod(cluster, name, KILL_A_WORKER)

    found = survives("killed-worker", fault)
    assert found["status"]["failed"] == 0
    assert len(cluster.pods("killed-worker")) == 1


def test_a_trial_that_needs_more_memory_than_its_share_fails_alone(cluster: Cluster, start: Start, note: Note) -> None:
    space = {"name": "chain", "layers": {"min": 1, "max": 1}, "operations": ["conv"], "filters": [8, 1024], "strides": [1]}
    name = start(digits("greedy", space=space, training={"batch_size": 1024}, resources={"workers": 2, "memory": "1500Mi"}))
    status = cluster.until(name, "Succeeded")["status"]
    errors = [trial.error for trial in cluster.folder(name).history() if trial.error]
    assert 0 < status["failed"] == len(errors) < 6
    assert all(error.startswith("OutOfMemoryError") and "resources.memory" in error for error in errors), errors
    assert len(cluster.pods(name)) == 1
    note(f"{name}: {status['failed']} of 6 trials failed, as in: {errors[0]}")


@pytest.mark.long
@pytest.mark.parametrize("victim", ["archsmith.steps.server", "archsmith run"])
def test_another_pod_goes_on_where_the_kernel_killed_a_process_for_memory(
    cluster: Cluster, survives: Survives, victim: str
) -> None:
    name = f"oom-{re.sub('[^a-z]', '-', victim)}"
    found = survives(name, lambda name: _in_pod(cluster, name, FILL_MEMORY, victim), resources={"workers": 2, "memory": "1Gi"})
    assert deaths(found) == 1
    (died,) = [event["message"] for event in cluster.events(name, "PodDied") if event["reason"] == "PodDied"]
    assert "memory" in died
    assert "goes on from the store" in died


@pytest.mark.long
@pytest.mark.alone
def test_a_search_survives_a_restart_of_the_container_runtime(cluster: Cluster, survives: Survives) -> None:
    survives("no-containerd", lambda _: cluster.run("docker", "exec", cluster.node, "systemctl", "restart", "containerd"))


def _in_pod(cluster: Cluster, name: str, script: str, *arguments: str) -> str:
    """Run a Python script in the pod of a search; it may die with the pod."""
    return cluster.kubectl("exec", cluster.pod(name), "--", "python", "-c", script, *arguments, check=False)
