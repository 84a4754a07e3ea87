"""What happens to a search when something beneath it dies: it succeeds all the same, and nothing is trained twice.

The bucket keeps old versions during these tests. So the store tells of every epoch that was trained, by the versions of the
trials' checkpoints, and of every trial that was recorded.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from minio import Minio
from minio.commonconfig import ENABLED
from minio.versioningconfig import SUSPENDED, VersioningConfig

from cluster import S3_PORT, Cluster, Note, Object, Start, digits

EPOCHS = 8
TRIALS = 6

Fault = Callable[[str], object]
"""What is done to a search whose name it is given."""

Survives = Callable[..., Object]
"""Runs a search, does a fault to it as soon as it has two trials, and returns its object once it has succeeded."""

# Runs in a pod: kills the process of a trial, the youngest of those that were forked to train one.
KILL_A_WORKER = """
import psutil
forks = [p for p in psutil.process_iter() if "archsmith.steps.server" in " ".join(p.cmdline())]
workers = [p for p in forks if not p.children() and p.parent() in forks and p.parent().parent() in forks]
victim = max(workers, key=lambda p: p.create_time())
victim.kill()
print(victim.pid)
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


@pytest.fixture(scope="module", name="minio")
def _minio(cluster: Cluster) -> Iterator[Minio]:
    """Return a client with the rights of MinIO's owner, while the bucket of the searches keeps all versions."""
    root = cluster.secret("archsmith-minio-root")
    client = Minio(
        cluster.address(S3_PORT), root["MINIO_ROOT_USER"], root["MINIO_ROOT_PASSWORD"], secure=False, region="us-east-1"
    )
    client.set_bucket_versioning("searches", VersioningConfig(ENABLED))
    yield client
    client.set_bucket_versioning("searches", VersioningConfig(SUSPENDED))


@pytest.fixture
def survives(cluster: Cluster, minio: Minio, start: Start, note: Note) -> Survives:
    """Return what runs a search through a fault and checks what is true whatever the fault was."""

    def run(name: str, fault: Fault, **spec: Any) -> Object:
        _forget_versions(minio, name)
        begin = time.monotonic()
        start(_search(name, **spec))
        cluster.wait(lambda: len(cluster.folder(name).history()) >= 2, f"two trials of {name} are done", 240)
        before, faulted = _trials(cluster, name), time.monotonic()
        fault(name)
        found = cluster.until(name, "Succeeded", 600)
        after, end = _trials(cluster, name), time.monotonic()
        total = spec.get("budget", {}).get("trials", TRIALS)
        assert len(before) < total, "the search was over before the fault"
        assert len(after) == total
        assert before.items() <= after.items(), "a trial that was complete was lost or made anew"
        _nothing_was_done_twice(minio, name, after)
        note(
            f"{name}: {len(before)} of {total} trials before the fault, Succeeded {end - faulted:.0f} s after it "
            f"({end - begin:.0f} s in all), pods {_deaths(found)} died; {' '.join(cluster.reasons(name))}"
        )
        return found

    return run


def test_a_search_does_not_notice_that_the_controller_is_gone(cluster: Cluster, survives: Survives) -> None:
    def fault(_: str) -> None:
        cluster.kubectl("delete", "pod", "--selector", "app.kubernetes.io/component=controller")

    found = survives("no-controller", fault)
    assert len(cluster.pods("no-controller")) == 1
    assert cluster.reasons("no-controller") == ["Started", "PodRunning", "Succeeded"]
    assert _deaths(found) == 0


def test_another_pod_goes_on_where_one_was_deleted(cluster: Cluster, survives: Survives) -> None:
    survives("deleted-pod", lambda name: cluster.kubectl("delete", "pod", cluster.pod(name)))
    assert "PodDied" in cluster.reasons("deleted-pod")


def test_another_pod_goes_on_where_one_was_deleted_by_force(cluster: Cluster, survives: Survives) -> None:
    survives("forced-pod", lambda name: cluster.kubectl("delete", "pod", cluster.pod(name), "--grace-period=0", "--force"))


def test_a_trial_whose_process_is_killed_is_begun_once_more(cluster: Cluster, survives: Survives) -> None:
    found = survives("killed-worker", lambda name: _in_pod(cluster, name, KILL_A_WORKER))
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


@pytest.mark.parametrize("victim", ["archsmith run", "archsmith_pipelines.local", "archsmith.steps.server"])
def test_another_pod_goes_on_where_the_kernel_killed_a_process_for_memory(
    cluster: Cluster, survives: Survives, victim: str
) -> None:
    name = f"oom-{re.sub('[^a-z]', '-', victim)}"
    found = survives(name, lambda name: _in_pod(cluster, name, FILL_MEMORY, victim), resources={"workers": 2, "memory": "1Gi"})
    assert _deaths(found) == 1
    (died,) = [event["message"] for event in cluster.events(name) if event["reason"] == "PodDied"]
    assert "memory" in died
    assert "goes on from the store" in died


def test_a_search_waits_for_minio_while_it_starts_anew(cluster: Cluster, survives: Survives) -> None:
    survives("no-minio", lambda _: cluster.kubectl("delete", "pod", "archsmith-minio-0", "--wait=false"))


def test_runs_are_complete_in_mlflow_after_it_was_away_for_a_minute(cluster: Cluster, survives: Survives) -> None:
    def fault(_: str) -> None:
        cluster.kubectl("scale", "deployment", "archsmith-mlflow", "--replicas=0")
        time.sleep(60)
        cluster.kubectl("scale", "deployment", "archsmith-mlflow", "--replicas=1")
        cluster.kubectl("rollout", "status", "deployment", "archsmith-mlflow")

    survives("no-mlflow", fault, budget={"trials": 40, "rounds": 2})
    assert _statuses_in_mlflow(cluster, "no-mlflow") == Counter({"FINISHED": 41})


def test_a_search_survives_a_restart_of_the_container_runtime(cluster: Cluster, survives: Survives) -> None:
    survives("no-containerd", lambda _: cluster.run("docker", "exec", cluster.node, "systemctl", "restart", "containerd"))


def _search(name: str, **spec: Any) -> Object:
    """Return a search whose trials take some seconds each, of many short epochs."""
    slow = {
        "estimation": {"epochs": EPOCHS},
        "training": {"learning_rate": 0.05, "batch_size": 8},
        "budget": {"trials": TRIALS, "rounds": 2},
        "retrain": {"epochs": 1},
    }
    return digits(name, **{**slow, **spec})


def _trials(cluster: Cluster, name: str) -> dict[str, str]:
    """Return the trials of a search as they lie in the store, times and all, by id."""
    return {trial.id: str(trial.to_dict()) for trial in cluster.folder(name).history()}


def _nothing_was_done_twice(minio: Minio, name: str, trials: dict[str, str]) -> None:
    """Check that every trial was recorded once, and that no training was run to its end twice."""
    records, epochs = _written(minio, name, "rounds/", "/trials/"), _written(minio, name, "checkpoints/", "")
    assert {trial: records[trial] for trial in trials} == dict.fromkeys(trials, 1)
    # A training that is cut off repeats the epoch that it was in; from the beginning to the end again, it would be 2 x EPOCHS.
    assert all(EPOCHS <= epochs[trial] < 2 * EPOCHS for trial in trials), epochs


def _written(minio: Minio, name: str, folder: str, part: str) -> Counter[str]:
    """Return how often each object below a folder was written, by the last part of its name."""
    listed = minio.list_objects("searches", f"searches/{name}/{folder}", recursive=True, include_version=True)
    names = [str(item.object_name) for item in listed if not item.is_delete_marker]
    return Counter(found.rpartition("/")[2].partition(".")[0] for found in names if part in found)


def _forget_versions(minio: Minio, name: str) -> None:
    """Remove all that an earlier session has left of a search."""
    for item in minio.list_objects("searches", f"searches/{name}/", recursive=True, include_version=True):
        minio.remove_object("searches", str(item.object_name), version_id=item.version_id)


def _in_pod(cluster: Cluster, name: str, script: str, *arguments: str) -> str:
    """Run a Python script in the pod of a search; it may die with the pod."""
    return cluster.kubectl("exec", cluster.pod(name), "--", "python", "-c", script, *arguments, check=False)


def _deaths(found: Object) -> int:
    """Return how many pods of a search the controller has seen die."""
    return int(found["status"]["run"]["deaths"])


def _statuses_in_mlflow(cluster: Cluster, name: str) -> Counter[str]:
    """Return how many runs of a search MLflow has in which status: that of the search and those of its trials."""
    from mlflow import MlflowClient

    client = MlflowClient(cluster.mlflow_uri)
    experiment = client.get_experiment_by_name("archsmith")
    assert experiment is not None
    ids = [experiment.experiment_id]
    (parent,) = client.search_runs(ids, f"attributes.run_name = '{name}'", order_by=["attributes.start_time DESC"], max_results=1)
    nested = client.search_runs(ids, f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    return Counter(run.info.status for run in [parent, *nested])
