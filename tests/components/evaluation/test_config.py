import pytest
from pydantic import ValidationError

from archsmith.evaluation import ESTIMATORS
from archsmith.evaluation.config import EstimatorConfig, TrainConfig
from archsmith.values import Fidelity


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
def test_every_estimator_has_a_description_and_settings_with_defaults(config: type[EstimatorConfig]) -> None:
    assert config.__doc__
    assert config().fidelity.epochs >= 1
    assert all(field.description for field in config.model_fields.values())
