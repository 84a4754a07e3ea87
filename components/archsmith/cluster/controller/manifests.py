"""The Job that runs a search where there is no Kubeflow Pipelines: one pod with `archsmith run`."""

from collections.abc import Mapping
from typing import Any

from archsmith.cluster.controller.config import PodSettings
from archsmith.cluster.controller.work import Order
from archsmith.spec import ResourcesSpec
from archsmith.spec.cluster_spec import ClusterSpec, Toleration
from archsmith.spec.dns_names import dns_name
from archsmith_pipelines.pods import QUEUE_LABEL, SEARCH_LABEL

Manifest = dict[str, Any]

WORK = "archsmith.dev/work"
"""The annotation with the digest of the search that a Job runs."""

OWNER = "archsmith.dev/owner"
"""The annotation with the uid of the object that a Job is of."""

FILE = "archsmith.dev/search-file"
"""The annotation of the pod that holds the search file; it is mounted, so that no ConfigMap is needed."""

WILL_NOT_PASS = [1, 2]
"""Exit statuses of `archsmith run` after which another pod would fail again."""

BESIDE_TRIALS_MB = 1024
"""Memory that the pod has beside what the trials share, in MiB: for the pipeline, for MLflow's client, for torch itself."""


def job(order: Order, pod: PodSettings) -> Manifest:
    """Return the Job of a search."""
    name = dns_name(order.search.name, order.digest)
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _metadata(name, order, pod), "spec": _job_spec(order, pod)}


def _metadata(name: str, order: Order, pod: PodSettings) -> Manifest:
    owner = order.owner["metadata"]
    return {
        "name": name,
        "namespace": owner["namespace"],
        "labels": _labels(order, pod),
        "annotations": {WORK: order.digest, OWNER: owner["uid"]},
        "ownerReferences": [owner_reference(order.owner)],
    }


def owner_reference(owner: Mapping[str, Any]) -> Manifest:
    """Return what says that an object belongs to a search, and goes with it."""
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _labels(order: Order, pod: PodSettings) -> dict[str, str]:
    queue = order.search.spec.cluster.queue
    return {**pod.labels, SEARCH_LABEL: order.search.name, **({QUEUE_LABEL: queue} if queue else {})}


def _job_spec(order: Order, pod: PodSettings) -> Manifest:
    return {
        "backoffLimit": order.search.spec.cluster.retries,
        # The next pod starts when the last one is gone: two at once would do everything twice.
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {"action": "FailJob", "onExitCodes": {"operator": "In", "values": WILL_NOT_PASS}},
            ]
        },
        "template": {
            "metadata": {"labels": _labels(order, pod), "annotations": {FILE: order.search.text}},
            "spec": _pod_spec(order, pod),
        },
    }


def _pod_spec(order: Order, pod: PodSettings) -> Manifest:
    cluster = order.search.spec.cluster
    priority = cluster.priority_class or pod.priority_class_name
    return {
        "restartPolicy": "Never",
        "serviceAccountName": cluster.service_account or pod.service_account_name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "imagePullSecrets": [*pod.image_pull_secrets, *({"name": name} for name in cluster.image_pull_secrets)],
        "nodeSelector": {**pod.node_selector, **cluster.node_selector},
        "tolerations": [*pod.tolerations, *map(toleration, cluster.tolerations)],
        **({"priorityClassName": priority} if priority else {}),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "runAsGroup": 0,
            "fsGroup": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(order, pod)],
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {
                "name": "search",
                "downwardAPI": {"items": [{"path": "search.yaml", "fieldRef": {"fieldPath": f"metadata.annotations['{FILE}']"}}]},
            },
            *pod.volumes,
        ],
    }


def _container(order: Order, pod: PodSettings) -> Manifest:
    spec = order.search.spec
    return {
        "name": "search",
        "image": spec.cluster.image or pod.image,
        "imagePullPolicy": pod.image_pull_policy,
        # Not `command`, so that the image's own first process passes on signals and takes in orphans.
        "args": ["archsmith", "run", "/etc/archsmith/search.yaml"],
        # What it says at its end is kept with the pod, be it an error of ours or a traceback.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "workingDir": "/tmp",  # noqa: S108  the pod's own; the log goes there
        "env": _env(pod.env, spec.cluster),
        "resources": _resources(spec.resources, pod.resources, spec.cluster.gpu_resource, order.gpus),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            {"name": "search", "mountPath": "/etc/archsmith", "readOnly": True},
            *pod.volume_mounts,
        ],
    }


def _env(common: tuple[dict[str, Any], ...], cluster: ClusterSpec) -> list[dict[str, Any]]:
    """Return the variables; those of the file come first where a name is the same."""
    own = [{"name": v.name, "valueFrom": {"secretKeyRef": {"name": v.secret, "key": v.key}}} for v in cluster.env]
    names = {variable["name"] for variable in own}
    ours = [
        {"name": "ARCHSMITH_ERROR_FILE", "value": "/dev/termination-log"},
        {"name": "ARCHSMITH_TRACKING_PATIENCE_S", "value": "600"},
    ]
    return [*(variable for variable in (*common, *ours) if variable["name"] not in names), *own]


def _resources(wanted: ResourcesSpec, common: Mapping[str, Mapping[str, Any]], gpu: str, gpus: int) -> Manifest:
    """Return requests and limits: those of the file, where it names them."""
    requests, limits = dict(common.get("requests", {})), dict(common.get("limits", {}))
    if wanted.cpu:
        requests["cpu"] = limits["cpu"] = str(wanted.cpu)
    if wanted.memory_mb:
        memory = f"{round(wanted.memory_mb * 1e6 / 2**20) + BESIDE_TRIALS_MB}Mi"
        requests["memory"] = limits["memory"] = memory
    if gpus:
        limits[gpu] = str(gpus)
    return {"requests": requests, "limits": limits}


def toleration(given: Toleration) -> dict[str, str]:
    """Return a toleration as Kubernetes writes it."""
    return {key: str(value) for key, value in given.model_dump(exclude_none=True).items()}
