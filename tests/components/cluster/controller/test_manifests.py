"""The Job of a search: what Kubernetes takes, and what the search file says."""

import json
import re
from types import SimpleNamespace
from typing import Any

import kubernetes.client
import pytest

from archsmith.cluster.controller.config import PodSettings
from archsmith.cluster.controller.manifests import FILE, OWNER, WORK, job
from archsmith.search import parse

MakeOrder = Any  # a fixture of the tests around these

COMMON = PodSettings(
    image="archsmith:1",
    image_pull_secrets=({"name": "registry"},),
    service_account_name="demo-search",
    labels={"app.kubernetes.io/component": "search"},
    resources={"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "4Gi"}},
    node_selector={"pool": "all", "arch": "amd64"},
    tolerations=({"key": "shared", "operator": "Exists"},),
    env=({"name": "ARCHSMITH_STORE", "value": "s3://searches"}, {"name": "TOKEN", "value": "common"}),
)
FULL = {
    "resources": {"workers": 2, "cpu": 2, "memory": "4Gi", "gpu": 1},
    "cluster": {
        "image": "team/archsmith:2",
        "service_account": "trainer",
        "image_pull_secrets": ["mine"],
        "node_selector": {"pool": "gpus"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "priority_class": "high",
        "queue": "research",
        "env": [{"name": "TOKEN", "secret": "wandb", "key": "token"}],
        "retries": 5,
    },
}
"""Everything that a search file says of its pods."""

LABEL = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def pod_of(made: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = made["spec"]["template"]["spec"]
    return spec


def container_of(made: dict[str, Any]) -> dict[str, Any]:
    (found,) = pod_of(made)["containers"]
    return dict(found)


@pytest.mark.parametrize("spec", [{}, FULL])
def test_the_client_of_kubernetes_knows_every_field(spec: dict[str, Any], order: MakeOrder) -> None:
    client = kubernetes.client.ApiClient()
    made = job(order(**spec), COMMON)
    read = client.deserialize(SimpleNamespace(data=json.dumps(made)), "V1Job")  # it checks what must be there
    assert client.sanitize_for_serialization(read) == made


@pytest.mark.parametrize("spec", [{}, FULL])
def test_the_pod_keeps_the_standard_restricted(spec: dict[str, Any], order: MakeOrder) -> None:
    pod = pod_of(job(order(**spec), COMMON))
    own = container_of(job(order(**spec), COMMON))["securityContext"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] != 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert [set(volume) - {"name"} for volume in pod["volumes"]] == [{"emptyDir"}, {"downwardAPI"}]
    assert pod["automountServiceAccountToken"] is False


def test_certificates_of_ones_own_are_mounted_as_the_settings_say(order: MakeOrder) -> None:
    volume, mount = (
        {"name": "ca", "configMap": {"name": "c"}},
        {"name": "ca", "mountPath": "/etc/ssl/archsmith", "readOnly": True},
    )
    made = job(order(), COMMON.model_copy(update={"volumes": (volume,), "volume_mounts": (mount,)}))
    assert volume in pod_of(made)["volumes"]
    assert mount in container_of(made)["volumeMounts"]


def test_the_pod_finds_the_search_file_in_its_own_annotation(order: MakeOrder) -> None:
    wanted = order(**FULL)
    made = job(wanted, COMMON)
    text = made["spec"]["template"]["metadata"]["annotations"][FILE]
    assert parse(text).object == wanted.search.object
    (item,) = pod_of(made)["volumes"][1]["downwardAPI"]["items"]
    assert item["fieldRef"]["fieldPath"] == f"metadata.annotations['{FILE}']"
    (mount,) = (m for m in container_of(made)["volumeMounts"] if m["name"] == "search")
    assert container_of(made)["args"] == ["archsmith", "run", f"{mount['mountPath']}/{item['path']}"]


def test_what_the_file_names_comes_before_what_is_common(order: MakeOrder) -> None:
    made = job(order(**FULL), COMMON)
    pod, container = pod_of(made), container_of(made)
    assert (container["image"], pod["serviceAccountName"], pod["priorityClassName"]) == ("team/archsmith:2", "trainer", "high")
    assert pod["nodeSelector"] == {"pool": "gpus", "arch": "amd64"}
    assert pod["imagePullSecrets"] == [{"name": "registry"}, {"name": "mine"}]
    assert [t["key"] for t in pod["tolerations"]] == ["shared", "nvidia.com/gpu"]
    assert made["spec"]["backoffLimit"] == 5
    tokens = [variable for variable in container["env"] if variable["name"] == "TOKEN"]
    assert tokens == [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "wandb", "key": "token"}}}]
    assert {"name": "ARCHSMITH_STORE", "value": "s3://searches"} in container["env"]


def test_what_the_file_leaves_open_is_what_is_common(order: MakeOrder) -> None:
    made = job(order(), COMMON)
    pod, container = pod_of(made), container_of(made)
    assert (container["image"], pod["serviceAccountName"]) == ("archsmith:1", "demo-search")
    assert container["resources"] == COMMON.resources
    assert "priorityClassName" not in pod
    assert {"name": "TOKEN", "value": "common"} in container["env"]


def test_memory_is_what_the_trials_share_and_some_for_the_rest(order: MakeOrder) -> None:
    found = container_of(job(order(resources={"memory": "4Gi", "cpu": 3}), COMMON))["resources"]
    assert found["requests"] == found["limits"] == {"cpu": "3", "memory": "5120Mi"}


def test_gpus_are_asked_for_by_their_name_and_not_after_a_fallback(order: MakeOrder) -> None:
    named = {"resources": {"gpu": 2}, "cluster": {"gpu_resource": "amd.com/gpu"}}
    assert container_of(job(order(**named), COMMON))["resources"]["limits"]["amd.com/gpu"] == "2"
    fallen = order(**named)
    without = type(fallen)(fallen.search, fallen.owner, fallen.digest, 0)
    assert "amd.com/gpu" not in container_of(job(without, COMMON))["resources"]["limits"]


def test_the_label_of_the_queue_is_on_the_job_and_on_its_pod(order: MakeOrder) -> None:
    made = job(order(cluster={"queue": "research"}), COMMON)
    for metadata in (made["metadata"], made["spec"]["template"]["metadata"]):
        assert metadata["labels"]["kueue.x-k8s.io/queue-name"] == "research"
        assert metadata["labels"]["archsmith.dev/search"] == "tiny"
        assert metadata["labels"]["app.kubernetes.io/component"] == "search"


def test_a_job_goes_with_its_search_and_says_what_it_does(order: MakeOrder) -> None:
    wanted = order()
    metadata = job(wanted, COMMON)["metadata"]
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == ("Search", "tiny", "uid-of-tiny", True)
    assert metadata["annotations"] == {WORK: wanted.digest, OWNER: "uid-of-tiny"}
    assert metadata["namespace"] == "team"


@pytest.mark.parametrize("name", ["a", "a" * 63, "a-" * 31 + "b"])
def test_names_and_labels_are_no_longer_than_kubernetes_takes(name: str, order: MakeOrder) -> None:
    made = job(order(name), COMMON)
    assert LABEL.fullmatch(made["metadata"]["name"])
    assert all(len(value) <= 63 for value in made["metadata"]["labels"].values())


def test_another_spec_is_another_job(order: MakeOrder) -> None:
    first, second = order(seed=1), order(seed=2)
    assert job(first, COMMON)["metadata"]["name"] != job(second, COMMON)["metadata"]["name"]


def test_a_pod_that_can_not_succeed_is_not_replaced_and_a_disturbed_one_costs_no_try(order: MakeOrder) -> None:
    spec = job(order(), COMMON)["spec"]
    disturbed, refused = spec["podFailurePolicy"]["rules"]
    assert (disturbed["action"], disturbed["onPodConditions"]) == ("Ignore", [{"type": "DisruptionTarget", "status": "True"}])
    assert (refused["action"], refused["onExitCodes"]["values"]) == ("FailJob", [1, 2])
    assert spec["podReplacementPolicy"] == "Failed"
    assert pod_of({"spec": spec})["restartPolicy"] == "Never"
