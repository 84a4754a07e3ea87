import pytest
from pydantic import ValidationError

from archsmith.evaluation import ESTIMATORS
from archsmith.evaluation.config import EstimatorConfig, TableConfig, TableMetrics, TrainConfig
from archsmith.values import Fidelity
from archsmith.values.metrics import METRICS


def test_the_settings_of_training_are_its_fidelity() -> None:
    config = TrainConfig(epochs=3, data=0.5, width=0.25, depth=0.75, resolution=0.125)
    assert config.fidelity == Fidelity(3, data=0.5, width=0.25, depth=0.75, resolution=0.125)
    assert TrainConfig(epochs=3).fidelity == Fidelity(3)


@pytest.mark.parametrize("name", ["data", "width", "depth", "resolution"])
@pytest.mark.parametrize("value", [0, -0.5, 1.01])
def test_a_share_lies_between_zero_and_one(name: str, value: float) -> None:
    with pytest.raises(ValidationError):
        TrainConfig.model_validate({name: value})


@pytest.mark.parametrize("config", ESTIMATORS.values(), ids=ESTIMATORS)
def test_every_estimator_and_each_of_its_settings_has_a_description(config: type[EstimatorConfig]) -> None:
    assert config.__doc__
    assert all(field.description for field in config.model_fields.values())


def test_a_table_may_name_a_column_for_each_metric_and_must_for_one() -> None:
    assert set(TableMetrics.model_fields) == set(METRICS)
    with pytest.raises(ValidationError, match="names no column"):
        TableMetrics()


def test_a_table_measures_what_it_has_and_what_can_be_counted_without_training() -> None:
    table = {"path": "t.csv", "metrics": {"accuracy": "a", "latency_s": "l"}}
    without = TableConfig.model_validate(table)
    assert without.measures(buildable=False) == {"accuracy", "latency_s"}
    assert without.measures(buildable=True) == {"accuracy", "latency_s", "n_params", "flops"}
    own = TableConfig.model_validate({**table, "metrics": {"accuracy": "a", "r2": "R²"}})
    assert (own.measures(buildable=False), own.own_metrics) == ({"accuracy", "r2"}, {"r2"})
    assert TrainConfig().measures(buildable=True) == set(METRICS)


def test_the_shape_of_an_image_and_the_classes_are_given_together() -> None:
    with pytest.raises(ValidationError, match="give both, or neither"):
        TableConfig.model_validate({"path": "t.csv", "metrics": {"accuracy": "a"}, "classes": 10})
