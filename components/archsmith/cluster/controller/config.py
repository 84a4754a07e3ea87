"""The settings of the controller: a file of YAML that the chart writes."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from archsmith.errors import PermanentError
from archsmith.steps.components import IMAGE


class _Settings(BaseModel):
    """Settings that are written in camel case, as Kubernetes does."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class KfpSettings(_Settings):
    """Kubeflow Pipelines, where the cluster has it."""

    url: str = "http://ml-pipeline.kubeflow:8888"
    """Its API."""
    pages: str = ""
    """Where people look at its runs, if not there."""
    multi_user: bool = False
    """Whether it has several users, and runs belong to namespaces."""
    pods_namespace: str = ""
    """Where the pods of its runs are, if the controller may read them; reasons that KFP does not tell are read from them."""


class PodSettings(_Settings):
    """What the pods of searches have in common, as Kubernetes writes it."""

    image: str = IMAGE
    """The image of searches that name none."""
    image_pull_policy: str = "IfNotPresent"
    """When nodes pull it."""
    image_pull_secrets: tuple[dict[str, str], ...] = ()
    """Secrets to pull with."""
    service_account_name: str = "default"
    """The ServiceAccount of searches that name none."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of Jobs and pods; network policies go by them."""
    resources: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Requests and limits of searches that name none."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels that nodes must have."""
    tolerations: tuple[dict[str, Any], ...] = ()
    """Taints of nodes that are tolerated."""
    priority_class_name: str = ""
    """The PriorityClass of searches that name none."""
    env: tuple[dict[str, Any], ...] = ()
    """Variables: where the store and MLflow are, and who we are there."""
    volumes: tuple[dict[str, Any], ...] = ()
    """Further volumes: certificates of one's own."""
    volume_mounts: tuple[dict[str, Any], ...] = ()
    """Where they are."""


class ControllerConfig(_Settings):
    """The settings of the controller."""

    engine: Literal["auto", "kfp", "job"] = "auto"
    """Who runs searches that leave it open."""
    read_nodes: bool = False
    """Whether the controller may see which nodes offer GPUs."""
    mlflow_pages: str = ""
    """Where people open MLflow, if not at its tracking URI."""
    kfp: KfpSettings = KfpSettings()
    """Kubeflow Pipelines."""
    pod: PodSettings = PodSettings()
    """The pods of searches."""


def load_config(path: Path) -> ControllerConfig:
    """Read the settings; raises `PermanentError` where the file is missing or wrong."""
    try:
        return ControllerConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise PermanentError(f"The controller's settings in {path} can't be used: {error}") from error
