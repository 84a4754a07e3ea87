"""What is recorded of the training of shared weights."""

import json
import math

import pytest
from scipy.stats import entropy

from archsmith.values import Architecture, SupernetEpoch


def test_a_record_goes_to_json_and_back() -> None:
    record = SupernetEpoch(
        3, 120, 1.25, 9.5, 1.5, 0.75, {"edge": {"skip": 0.25, "conv": 0.75}}, 0.5, 2.0, Architecture("cell", ("skip", 1))
    )
    assert SupernetEpoch.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_what_is_not_finite_is_null() -> None:
    raw = json.loads(json.dumps(SupernetEpoch(1, 10, math.inf, 1.0).to_dict(), allow_nan=False))
    assert raw["train_loss"] is raw["val_loss"] is raw["val_accuracy"] is None
    assert math.isnan(SupernetEpoch.from_dict(raw).val_accuracy)


def test_entropy_is_the_mean_over_points_as_a_share_of_that_of_equal_probabilities() -> None:
    peaked, even = {"a": 0.9, "b": 0.05, "c": 0.05}, {"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25}
    record = SupernetEpoch(1, 1, 1.0, 1.0, probabilities={"x": peaked, "y": even, "no choice": {"a": 1.0}})
    assert record.entropy == pytest.approx((entropy([0.9, 0.05, 0.05], base=3) + 1) / 2)
    assert SupernetEpoch(1, 1, 1.0, 1.0).entropy is None
