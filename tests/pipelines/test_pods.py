"""What the compiled pipeline says of a task's pod, read with KFP's own messages."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig

from archsmith.search import parse
from archsmith.testing.searches import TINY
from archsmith_pipelines.search import documents, search_pipeline

SHORT = TINY.replace("trials: 6, rounds: 3", "trials: 2, rounds: 1")
"""One round: kfp takes its time for each task."""

TRAINING = {"exec-estimate", "exec-retrain"}

PODS = """
  cluster:
    image: team/archsmith:1
    image_pull_secrets: [pull]
    node_selector: {pool: nas}
    tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}, {operator: Exists}]
    queue: research
    gpu_resource: amd.com/gpu
    env: [{name: HTTPS_PROXY, secret: proxy, key: url}, {name: HTTP_PROXY, secret: proxy, key: url},
          {name: AWS_ACCESS_KEY_ID, secret: mine, key: id}]
"""


def compiled(text: str, **options: Any) -> tuple[dict, dict[str, KubernetesExecutorConfig]]:
    """Return the containers and the settings for Kubernetes by executor."""
    made = documents(search_pipeline(parse(text), "s3://bucket", **options))
    containers = {k: v["container"] for k, v in made["pipeline_spec"]["deploymentSpec"]["executors"].items()}
    executors = made["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return containers, {k: json_format.ParseDict(v, KubernetesExecutorConfig()) for k, v in executors.items()}


def test_every_task_has_the_image_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHSMITH_IMAGE", "mine:2")
    for text, image in ((SHORT + PODS, "team/archsmith:1"), (SHORT, "mine:2")):
        containers, _ = compiled(text)
        assert len(containers) == 6
        assert {container["image"] for container in containers.values()} == {image}
    monkeypatch.delenv("ARCHSMITH_IMAGE")
    chart = yaml.safe_load((Path(__file__).parents[2] / "charts" / "archsmith" / "Chart.yaml").read_text())
    # What `make image` builds; it is called by the version of the chart.
    assert {container["image"] for container in compiled(SHORT)[0].values()} == {f"archsmith:{chart['appVersion']}"}


@pytest.mark.parametrize(("set_to", "policy"), [(None, "IfNotPresent"), ("Always", "Always")])
def test_an_image_that_a_node_has_is_not_pulled_again(
    monkeypatch: pytest.MonkeyPatch, set_to: str | None, policy: str
) -> None:  # fmt: skip
    if set_to:
        monkeypatch.setenv("ARCHSMITH_IMAGE_PULL_POLICY", set_to)
    assert {config.image_pull_policy for config in compiled(SHORT)[1].values()} == {policy}


def test_tasks_that_train_have_the_resources_of_the_search() -> None:
    text = SHORT.replace("{workers: 2}", "{workers: 2, cpu: 3, memory: 4Gi, gpu: 2}") + PODS
    containers, _ = compiled(text)
    for name, container in containers.items():
        asked = container["resources"]
        assert (asked["resourceMemoryRequest"], asked["resourceMemoryLimit"]) == ("4Gi", "4Gi")
        if name in TRAINING:
            assert (asked["resourceCpuRequest"], asked["resourceCpuLimit"]) == ("3", "3")
            assert (asked["accelerator"]["resourceType"], asked["accelerator"]["resourceCount"]) == ("amd.com/gpu", "2")
        else:
            assert asked["resourceCpuRequest"] == "250m"
            assert "accelerator" not in asked
            assert "resourceCpuLimit" not in asked


def test_a_pipeline_for_nodes_without_gpus_asks_for_none() -> None:
    containers, _ = compiled(SHORT.replace("{workers: 2}", "{workers: 2, gpu: 1}"), gpus=0)
    assert not any("accelerator" in container.get("resources", {}) for container in containers.values())


def test_every_pod_passes_the_standard_restricted_and_says_whose_it_is() -> None:
    _, configs = compiled(SHORT)
    assert len(configs) == 6
    for config in configs.values():
        context = config.security_context
        assert (context.run_as_user, context.run_as_group, context.run_as_non_root) == (1000, 0, True)
        assert config.pod_metadata.labels == {"archsmith.dev/search": "tiny"}
    for config in compiled(SHORT, namespace="team")[1].values():
        assert config.pod_metadata.labels["archsmith.dev/namespace"] == "team"


def test_the_variables_of_the_store_and_of_mlflow_may_be_missing_and_those_of_the_file_may_not() -> None:
    _, configs = compiled(SHORT + PODS)
    for config in configs.values():
        (public,) = config.config_map_as_env
        assert (public.config_map_name, public.optional) == ("archsmith-store", True)
        assert {pair.env_var for pair in public.key_to_env} == {
            "ARCHSMITH_S3_ENDPOINT",
            "AWS_REGION",
            # Whose own names a plugin of KFP, or KFP itself, may set or read as well.
            "ARCHSMITH_AWS_CA_BUNDLE",
            "ARCHSMITH_NO_PROXY",  # and not HTTPS_PROXY, which the file names
            "ARCHSMITH_MLFLOW_TRACKING_URI",
            "ARCHSMITH_MLFLOW_TRACKING_SERVER_CERT_PATH",
        }
        assert {pair.config_map_key for pair in public.key_to_env} == {
            "ARCHSMITH_S3_ENDPOINT",
            "AWS_REGION",
            "AWS_CA_BUNDLE",
            "NO_PROXY",
            "MLFLOW_TRACKING_URI",
            "MLFLOW_TRACKING_SERVER_CERT_PATH",
        }
        (ca,) = config.config_map_as_volume
        assert (ca.config_map_name, ca.mount_path, ca.optional) == ("archsmith-ca", "/etc/ssl/archsmith", True)
        own, *others = config.secret_as_env
        assert (own.secret_name, own.optional) == ("archsmith-store", True)
        names = [pair.env_var for pair in own.key_to_env]
        assert "AWS_SECRET_ACCESS_KEY" in names
        assert "AWS_ACCESS_KEY_ID" not in names  # the file has one of its own
        given = [(s.secret_name, p.secret_key, p.env_var, s.optional) for s in others for p in s.key_to_env]
        assert given == [
            ("mine", "id", "AWS_ACCESS_KEY_ID", False),
            ("proxy", "url", "ARCHSMITH_HTTPS_PROXY", False),
            ("proxy", "url", "ARCHSMITH_HTTP_PROXY", False),
        ]


def test_pods_go_where_the_file_says() -> None:
    _, configs = compiled(SHORT + PODS)
    for config in configs.values():
        assert [secret.secret_name for secret in config.image_pull_secret] == ["pull"]
        assert config.node_selector.labels == {"pool": "nas"}
        taints = [(t.key, t.operator, t.effect) for t in config.tolerations]
        assert taints == [("nvidia.com/gpu", "Exists", "NoSchedule"), ("", "Exists", "")]
        assert config.pod_metadata.labels["kueue.x-k8s.io/queue-name"] == "research"
