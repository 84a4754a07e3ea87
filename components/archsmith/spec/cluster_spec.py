"""The section `cluster` of a search file: the pods of a search, and who runs them."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from archsmith.spec.section import Config

VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _is_variable(value: str) -> str:
    if not re.fullmatch(VARIABLE, value):
        raise ValueError(f"the variable is {value!r}, but must be letters, digits and underscores, and begin with no digit")
    return value


Text = Annotated[str, Field(min_length=1)]


class SecretVariable(Config):
    """An environment variable of the pods, from a Secret in their namespace."""

    name: Annotated[str, AfterValidator(_is_variable), Field(json_schema_extra={"pattern": VARIABLE})]
    """The variable."""
    secret: Text
    """The Secret."""
    key: Text
    """The key of the Secret whose value it gets."""


class Toleration(Config):
    """A taint of nodes that the pods tolerate, as Kubernetes writes it."""

    key: str | None = None
    """The key of the taint; every taint where it is left out, and then `operator` is `Exists`."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """Whether the value must be the same, or any value will do."""
    value: str | None = None
    """The value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The effect of the taint; every one where it is left out."""

    @model_validator(mode="after")
    def _names_a_taint(self) -> Self:
        if self.key is None and self.operator != "Exists":
            raise ValueError("`key` is missing, but `operator: Equal` needs one; give it, or `operator: Exists` for all taints")
        if self.operator == "Exists" and self.value is not None:
            raise ValueError(f"`value` is {self.value!r}, but `operator: Exists` takes none; leave one of them out")
        return self


class ClusterSpec(Config):
    """How a search runs on a cluster; not used on a laptop."""

    engine: Literal["auto", "kfp", "job"] = "auto"
    """Who runs the steps: Kubeflow Pipelines, or one Job; `auto` takes Kubeflow Pipelines where it answers."""
    image: Text | None = None
    """The image of every pod; ARCHSMITH_IMAGE of whoever submits, or else `archsmith:VERSION`, where it is left out."""
    service_account: Text | None = None
    """The ServiceAccount of the pods; the engine's own where it is left out."""
    image_pull_secrets: tuple[Text, ...] = ()
    """Secrets with which the image is pulled."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels that a node must have."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints of nodes that the pods tolerate."""
    priority_class: Text | None = None
    """The PriorityClass of the pods; only with the engine `job`, as Kubeflow Pipelines gives its pods none."""
    gpu_resource: Text = "nvidia.com/gpu"
    """What the cluster calls a GPU."""
    queue: Text | None = None
    """The LocalQueue of Kueue that admits the pods: their label `kueue.x-k8s.io/queue-name`."""
    env: tuple[SecretVariable, ...] = ()
    """Variables from Secrets, beside those of the store and of MLflow, which come from `archsmith-store`."""
    retries: Annotated[int, Field(ge=0, le=20)] = 3
    """How often a run that failed for a pod's sake is submitted again; it goes on from the store."""
