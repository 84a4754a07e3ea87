"""The search file: its models, its YAML, its schedules, and a template to start from."""

from archsmith.spec.objective import Objective, static_limits
from archsmith.spec.reserve import at_once
from archsmith.spec.search_spec import (
    API_VERSION,
    ESTIMATE_BYTES,
    MOST_BYTES,
    MOST_TASKS,
    NAME,
    PROPOSE_BYTES,
    BudgetSpec,
    Config,
    DataSpec,
    Fraction,
    Named,
    NamedEstimation,
    ResourcesSpec,
    RetrainSpec,
    SearchObject,
    SearchSpec,
    TrainingSpec,
    pipeline_bytes,
)

__all__ = [
    "API_VERSION",
    "ESTIMATE_BYTES",
    "MOST_BYTES",
    "MOST_TASKS",
    "NAME",
    "PROPOSE_BYTES",
    "BudgetSpec",
    "Config",
    "DataSpec",
    "Fraction",
    "Named",
    "NamedEstimation",
    "Objective",
    "ResourcesSpec",
    "RetrainSpec",
    "SearchObject",
    "SearchSpec",
    "TrainingSpec",
    "at_once",
    "pipeline_bytes",
    "static_limits",
]
