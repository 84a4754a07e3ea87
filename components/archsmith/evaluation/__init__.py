"""Performance estimation: how good a candidate is, for as little computing time as possible.

Importing this package imports neither torch nor the data sets; its modules do.
"""

from collections.abc import Mapping

from archsmith.evaluation.config import EstimatorConfig, TrainConfig
from archsmith.evaluation.table_config import TableConfig

ESTIMATORS: Mapping[str, type[EstimatorConfig]] = {"train": TrainConfig, "table": TableConfig}
"""The settings of each estimator, by its name in the search file."""
