"""Performance estimation: how good a candidate is, for as little computing time as possible.

Importing this package imports neither torch nor the data sets; its modules do.
"""

from collections.abc import Mapping

from archsmith.evaluation.config import EstimatorConfig, SupernetConfig, TrainConfig, ZeroCostConfig
from archsmith.evaluation.table_config import TableConfig
from archsmith.plugins import Installed, lacks

ESTIMATORS: Mapping[str, type[EstimatorConfig]] = {
    "train": TrainConfig,
    "table": TableConfig,
    "supernet": SupernetConfig,
    "zero-cost": ZeroCostConfig,
}
"""The settings of each estimator of ours, by its name in the search file."""

INSTALLED = Installed(
    ESTIMATORS,
    kind="estimator",
    group="archsmith.estimators",
    base=EstimatorConfig,
    fault=lambda config: lacks(config, EstimatorConfig, "build", "it makes the estimator from what a step has."),
)
"""These, and those that other distributions bring along."""
