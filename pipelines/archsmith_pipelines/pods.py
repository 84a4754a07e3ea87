"""What the pod of a task needs: image, resources, variables, where it may run. A local run ignores all of it but the image."""

import os
from collections.abc import Mapping, Sequence
from itertools import groupby

from kfp import dsl, kubernetes

from archsmith.machine.kfp_pod import carried
from archsmith.search import Search
from archsmith.spec import ResourcesSpec
from archsmith.spec.cluster_spec import ClusterSpec
from archsmith.steps.components import IMAGE

RETRIES, RETRIES_OF_WORK = 2, 5
"""Times that Kubernetes replaces a pod that failed or vanished, where Argo's defaults let it; one that trains may work for hours,
in which that happens more than once."""

STORE = "archsmith-store"
"""The Secret and the ConfigMap with what the pods must know of the store and of MLflow; the chart makes both."""

SECRET = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
"""Variables from the Secret; a key of it is called as its variable, and may be missing."""

PUBLIC = (
    "ARCHSMITH_S3_ENDPOINT",
    "AWS_REGION",
    "AWS_CA_BUNDLE",
    "HTTPS_PROXY",
    "NO_PROXY",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_SERVER_CERT_PATH",
)
"""Variables from the ConfigMap, likewise."""

CERTIFICATES = "archsmith-ca"
"""The ConfigMap with certificates of one's own, under the key `ca.crt`; it may be missing."""

CERTIFICATES_AT = "/etc/ssl/archsmith"
"""Where they are in the pod; `archsmith-store` says so in AWS_CA_BUNDLE where there are some."""

PULL_POLICY = "ARCHSMITH_IMAGE_PULL_POLICY"
"""Names the variable that says when nodes pull the image; where they lack it, if it is not set."""

SEARCH_LABEL = "archsmith.dev/search"
"""The label of a pod that says which search it belongs to."""

NAMESPACE_LABEL = "archsmith.dev/namespace"
"""The label of a pod that says in which namespace its search is an object, as pods of KFP are all in one."""

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
USER = 1000
CPU_OF_LIGHT = "250m"
MEMORY_OF_LIGHT = "512Mi"
"""What a task asks for that trains nothing."""


def image_of(search: Search) -> str:
    """Return the image of the steps: the file's, else that of ARCHSMITH_IMAGE, else this version's, as `make image` calls it."""
    return search.spec.cluster.image or os.environ.get("ARCHSMITH_IMAGE") or IMAGE


def prepare(
    task: dsl.PipelineTask, search: Search, *, gpus: int = 0, trains: bool = False, namespace: str = ""
) -> dsl.PipelineTask:
    """Give a task what its pod needs; return the task.

    A task is never cached, since what it does depends on the store, and is not given up at the first fault.

    Args:
        task: The task.
        search: The search.
        gpus: GPUs of a task that trains.
        trains: Whether the task trains, and so gets the resources of the search.
        namespace: The namespace of the search's object, if it has one.
    """
    spec = search.spec
    task.set_caching_options(False).set_retry(num_retries=RETRIES_OF_WORK if trains else RETRIES).set_container_image(
        image_of(search)
    )
    kubernetes.set_image_pull_policy(task, os.environ.get(PULL_POLICY) or "IfNotPresent")
    _ask_for(task, spec.resources, trains=trains)
    if trains and gpus:
        task.set_accelerator_type(spec.cluster.gpu_resource).set_accelerator_limit(gpus)
    _set_variables(task, spec.cluster)
    _place(task, spec.cluster)
    kubernetes.add_pod_label(task, SEARCH_LABEL, search.name)
    if namespace:
        kubernetes.add_pod_label(task, NAMESPACE_LABEL, namespace)
    # With this, every pod passes the Pod Security Standard "restricted".
    return kubernetes.set_security_context(task, run_as_user=USER, run_as_group=0, run_as_non_root=True)


def _ask_for(task: dsl.PipelineTask, resources: ResourcesSpec, *, trains: bool) -> None:
    """Set requests and limits; the first step loads the images too, so all tasks may use the memory of the search."""
    cpu, memory = resources.cpu, resources.memory
    if trains and cpu:
        task.set_cpu_request(str(cpu)).set_cpu_limit(str(cpu))
    if memory:
        task.set_memory_request(memory).set_memory_limit(memory)
    if not trains:
        task.set_cpu_request(CPU_OF_LIGHT)
        if not memory:
            task.set_memory_request(MEMORY_OF_LIGHT)


def _set_variables(task: dsl.PipelineTask, cluster: ClusterSpec) -> None:
    """Set the variables of the store and of MLflow, and those of the file, which come first where a name is the same.

    Those that KFP or a plugin of it may set as well have names of our own in the pod, as Kubernetes refuses a variable with
    both a value and a source of one; the step gives them theirs.
    """
    own = {variable.name for variable in cluster.env}
    kubernetes.use_config_map_as_volume(task, CERTIFICATES, CERTIFICATES_AT, optional=True)
    kubernetes.use_config_map_as_env(task, STORE, _variables(PUBLIC, own), optional=True)
    kubernetes.use_secret_as_env(task, STORE, _variables(SECRET, own), optional=True)
    for secret, variables in groupby(sorted(cluster.env, key=lambda v: v.secret), key=lambda v: v.secret):
        for variable in variables:  # one by one: two variables may come from the same key
            kubernetes.use_secret_as_env(task, secret, {variable.key: carried(variable.name)})


def _variables(names: Sequence[str], without: set[str]) -> Mapping[str, str]:
    """Return variables by key, which is called as the variable."""
    return {name: carried(name) for name in names if name not in without}


def _place(task: dsl.PipelineTask, cluster: ClusterSpec) -> None:
    """Say on which nodes the pod may run, and who admits it."""
    if cluster.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(cluster.image_pull_secrets))
    for key, value in cluster.node_selector.items():
        kubernetes.add_node_selector(task, key, value)
    for t in cluster.tolerations:
        kubernetes.add_toleration(task, t.key, t.operator, t.value, t.effect)
    if cluster.queue:
        kubernetes.add_pod_label(task, QUEUE_LABEL, cluster.queue)
