import pytest
from pydantic import ValidationError

from archsmith.evaluation import ESTIMATORS
from archsmith.evaluation.config import EstimatorConfig, TrainConfig
from archsmith.evaluation.table_columns import TableMetrics
from archsmith.evaluation.table_config import TableConfig
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


CURVE = {"accuracy": "valid_{epoch}"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"metrics": None}, "there is neither `metrics` nor `curve`"),
        ({"curve": {"accuracy": "valid"}}, "`accuracy` is 'valid', but must have {epoch} where the number of the epoch is"),
        ({"metrics": None, "curve": {"seconds": "s_{epoch}"}}, "`curve` names no columns of a metric"),
        ({"metrics": None, "curve": {"r2": "r"}}, "`curve` names no columns of a metric"),
        ({"metrics": None, "curve": {**CURVE, "n_params": "p"}}, "`n_params` is the same after each epoch"),
        ({"curve": CURVE}, "both `metrics` and `curve` name accuracy"),
        ({"metrics": {"loss": "l"}, "curve": CURVE}, "`metrics` names loss, but with `curve` it may be another one after each"),
        (
            {"metrics": None, "curve": {**CURVE, "seconds": "s_{epoch}"}, "seconds": "s"},
            "both `seconds` and `curve.seconds` are given",
        ),
        ({"fidelities": [{"epochs": 2}]}, "neither `metrics` nor `curve`"),
        ({"fidelities": [{"epochs": 9, "metrics": {"accuracy": "b"}}]}, r"`fidelities\[0\].epochs` is 9, but .* `epochs`, is 4"),
        ({"fidelities": [{"metrics": {"accuracy": "b"}}]}, r"`fidelities\[0\]` is 4 epochs, but `epochs` says already"),
        (
            {"fidelities": [{"epochs": 2, "metrics": {"accuracy": "b"}}, {"epochs": 2, "metrics": {"accuracy": "c"}}]},
            r"`fidelities\[1\]` is 2 epochs, but `fidelities\[0\]` says already",
        ),
        (
            {"metrics": None, "curve": CURVE, "fidelities": [{"epochs": 3, "metrics": {"accuracy": "b"}}]},
            r"`fidelities\[0\]` is 3 epochs, but `curve` says already",
        ),
        ({"fidelities": [{"epochs": 2, "metrics": {"n_params": "p"}}]}, r"`fidelities\[0\]` has no column of accuracy"),
        (
            {"fidelities": [{"epochs": 2, "metrics": {"accuracy": "b", "loss": "l"}}]},
            r"`fidelities\[0\]` has a column of loss, which the full fidelity has not",
        ),
        (
            {"seconds": "s", "fidelities": [{"epochs": 2, "metrics": {"accuracy": "b"}}]},
            r"`seconds` is given everywhere but in `fidelities\[0\]`",
        ),
    ],
)
def test_columns_that_do_not_fit_each_other_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TableConfig.model_validate({"path": "t.csv", "epochs": 4, "metrics": {"accuracy": "a"}, **given})


def test_a_ladder_is_held_against_what_the_table_has_and_what_is_missing_is_named_beside_what_is_there() -> None:
    small = {"epochs": 2, "data": 0.5, "curve": CURVE}
    table = TableConfig.model_validate({"path": "t.csv", "epochs": 4, "metrics": {"accuracy": "a"}, "fidelities": [small]})
    assert table.fault_of([Fidelity(1, data=0.5), Fidelity(2, data=0.5), Fidelity(4)]) is None
    said = table.fault_of([Fidelity(1), Fidelity(3, data=0.5), Fidelity(4)])
    assert said
    assert said.startswith(
        "trials are to be of 1 epoch; 3 epochs, 50 % of the images, of which the table has nothing; it has 4 epochs; each of "
        "2 epochs, 50 % of the images. "
    )
    assert TrainConfig().fault_of([Fidelity(1), Fidelity(7, width=0.1)]) is None
