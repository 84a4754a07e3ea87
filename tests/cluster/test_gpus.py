"""GPUs that a node pretends to have, and what else a search asks of the node that its pods run on."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from archsmith.stores.cluster_note import note_of
from cluster import Cluster, Object, digits

GPU = "nvidia.com/gpu"


def set_gpus(cluster: Cluster, count: int) -> None:
    """Let the node pretend that it has so many GPUs, as Kubernetes' page "Advertise Extended Resources for a Node" does."""
    offered = {GPU: str(count)} if count else {GPU: None}
    patch = json.dumps({"status": {"capacity": offered, "allocatable": offered}})
    cluster.kubectl("patch", "node", cluster.node, "--subresource=status", "--type=merge", "--patch", patch)


@pytest.fixture
def no_gpu(cluster: Cluster) -> Iterator[None]:
    set_gpus(cluster, 0)
    yield
    set_gpus(cluster, 0)


@pytest.fixture
def one_gpu(cluster: Cluster, no_gpu: None) -> None:
    set_gpus(cluster, 1)


@pytest.fixture(autouse=True, scope="module")
def _gone(cluster: Cluster) -> Iterator[None]:
    """Take the searches of these tests away, and what they have found."""
    yield
    for name in cluster.searches():
        if name.startswith("gpu-"):
            cluster.delete(name)


def quick(name: str, **spec: Any) -> Object:
    """Return a search of two trials that leaves nothing."""
    return digits(name, budget={"trials": 2}, retrain={"epochs": 1}, on_delete="remove", **spec)


def condition(search: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a condition of a search; an empty one where it has none of that name."""
    conditions: list[Mapping[str, Any]] = search.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == name), {})


def limits(pod: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the limits of a pod's container."""
    found: Mapping[str, str] = pod["spec"]["containers"][0]["resources"]["limits"]
    return found


def test_a_search_with_a_gpu_gets_it_where_a_node_has_one(cluster: Cluster, one_gpu: None) -> None:
    """There is none in truth: the search finds that out in its pod, and goes on with the CPU, as it may."""
    cluster.apply(quick("gpu-found", resources={"gpu": 1, "fallback": "cpu", "workers": 2}))
    running = cluster.until("gpu-found", "Running")
    assert condition(running, "GpuOffered")["status"] == "True"
    (pod,) = cluster.pods("gpu-found")
    assert limits(pod)[GPU] == "1"
    assert pod["spec"]["nodeName"] == cluster.node
    done = cluster.until("gpu-found", "Succeeded")
    assert condition(done, "GpuOffered")["status"] == "True"
    assert done["status"]["trials"] == "2/2"


def test_without_one_it_runs_on_the_cpu_and_says_so(cluster: Cluster, no_gpu: None) -> None:
    cluster.apply(quick("gpu-fallback", resources={"gpu": 1, "fallback": "cpu", "workers": 2}))
    running = cluster.until("gpu-fallback", "Running")
    offered = condition(running, "GpuOffered")
    assert (offered["status"], offered["reason"]) == ("False", "NoGpu")
    assert f"{GPU}: 1" in offered["message"]
    assert "runs on the CPU, as `resources.fallback` says" in offered["message"]
    (warning,) = [event for event in cluster.events("gpu-fallback", "NoGpu") if event["reason"] == "NoGpu"]
    assert (warning["type"], warning["message"]) == ("Warning", offered["message"])
    assert all(GPU not in limits(pod) for pod in cluster.pods("gpu-fallback"))


def test_where_it_must_not_fall_back_it_waits_and_starts_when_a_node_gets_one(cluster: Cluster, no_gpu: None) -> None:
    cluster.apply(quick("gpu-waits", resources={"gpu": 1, "fallback": "none"}))
    waiting = cluster.until("gpu-waits", lambda search: condition(search, "Running").get("reason") == "Unschedulable")
    assert waiting["status"]["phase"] == "Pending"
    offered = condition(waiting, "GpuOffered")
    assert (offered["status"], offered["reason"]) == ("False", "NoGpu")
    assert f"{GPU}: 1" in offered["message"]
    assert "waits for one, as `resources.fallback` is none" in offered["message"]
    assert GPU in waiting["status"]["message"]
    left = note_of(cluster.folder("gpu-waits"))  # for those who see nothing but the store, as the pages do
    assert left is not None
    assert (left.phase, left.reason, GPU in left.message) == ("Pending", "Unschedulable", True)
    set_gpus(cluster, 1)
    cluster.wait(lambda: "nodeName" in cluster.pods("gpu-waits")[0]["spec"], "the pod is on the node that has got a GPU")
    # There is no GPU behind it, and the search must not do without: it ends, and says why.
    ended = cluster.until("gpu-waits", "Failed")
    assert "`resources.gpu` is 1, but torch finds no GPU" in ended["status"]["message"]


CLUSTER = {
    "engine": "job",
    "queue": "team",
    "node_selector": {"zone": "nowhere"},
    "tolerations": [{"key": "gpus", "operator": "Equal", "value": "only", "effect": "NoSchedule"}],
    "image_pull_secrets": ["registry"],
    "env": [{"name": "WANDB_API_KEY", "secret": "wandb", "key": "token"}],
    "service_account": "archsmith-test",
}


@pytest.fixture
def priority(cluster: Cluster) -> Iterator[str]:
    cluster.kubectl("create", "priorityclass", "patient", "--value=-5")
    yield "patient"
    cluster.kubectl("delete", "priorityclass", "patient")


def test_what_a_search_says_of_its_pods_reaches_them(cluster: Cluster, priority: str) -> None:
    """Kueue is not installed: its label is on the Job and on the pod, where it looks for it."""
    cluster.apply(quick("gpu-place", cluster={**CLUSTER, "priority_class": priority}, resources={"cpu": 1, "memory": "1Gi"}))
    cluster.until("gpu-place", lambda search: condition(search, "Running").get("reason") == "Unschedulable")
    (pod,) = cluster.pods("gpu-place")
    (job,) = cluster.items("jobs", "--selector", "archsmith.dev/search=gpu-place")
    for made in (pod, job):
        assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team"
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    assert (spec["priorityClassName"], spec["priority"]) == ("patient", -5)
    assert spec["nodeSelector"] == {"zone": "nowhere"}
    assert {"key": "gpus", "operator": "Equal", "value": "only", "effect": "NoSchedule"} in spec["tolerations"]
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["serviceAccountName"] == "archsmith-test"
    variables = {variable["name"]: variable for variable in container["env"]}
    assert variables["WANDB_API_KEY"]["valueFrom"]["secretKeyRef"] == {"name": "wandb", "key": "token"}
    assert (container["resources"]["requests"]["cpu"], container["resources"]["limits"]["cpu"]) == ("1", "1")
