"""Ranges of numbers as choices, against even spacing and what people would write."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from archsmith.spaces.spread import NotNegative, Numbers, Positive, Share, Spread, Whole


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (Positive, {"min": 0.01, "max": 1, "log": True}, [0.01, 0.018, 0.032, 0.056, 0.1, 0.18, 0.32, 0.56, 1.0]),
        (Positive, {"min": 0.001, "max": 0.1, "log": True, "steps": 3}, [0.001, 0.01, 0.1]),
        (NotNegative, {"min": 0, "max": 0.001, "steps": 5}, [0.0, 0.00025, 0.0005, 0.00075, 0.001]),
        (Share, {"min": 0, "max": 0.3, "steps": 4}, [0.0, 0.1, 0.2, 0.3]),
        (Whole, {"min": 16, "max": 256, "log": True, "steps": 5}, [16, 32, 64, 128, 256]),
        (Numbers, {"min": -4, "max": 4, "steps": 3}, [-4, 0, 4]),
        (Numbers, {"min": 0, "max": 1.0, "steps": 3}, [0.0, 0.5, 1.0]),
        (Positive, {"min": 0.123456, "max": 0.987654, "steps": 2}, [0.123456, 0.987654]),
    ],
)
def test_a_range_is_the_round_numbers_that_people_would_list(
    kind: type[Spread], given: dict[str, float], expected: list[float]
) -> None:
    choices = kind.model_validate(given).choices
    assert list(choices) == expected
    assert [type(c) for c in choices] == [type(e) for e in expected]


def test_numbers_of_any_range_are_as_good_as_even_and_keep_the_ends() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        low, high = sorted(10 ** rng.uniform(-6, 6, 2))
        steps, log = int(rng.integers(2, 40)), bool(rng.integers(2))
        choices = np.array(Positive(min=low, max=high, log=log, steps=steps).choices)
        assert (choices[0], choices[-1]) == (low, high)
        gaps = np.diff(np.log(choices) if log else choices)
        assert gaps.min() > 0.89 * gaps.mean()
        assert gaps.max() < 1.11 * gaps.mean()


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (Positive, {"min": 1, "max": 0.1}, "`min` is 1, but must be less than `max`, which is 0.1"),
        (Positive, {"min": 1, "max": 1}, "`min` is 1, but must be less than `max`"),
        (Positive, {"min": 0, "max": 1}, "greater than 0"),
        (Share, {"min": 0, "max": 1}, "less than 1"),
        (NotNegative, {"min": 0, "max": 1, "log": True}, "`min` is 0, but must be > 0 with `log`"),
        (Positive, {"min": 0.1, "max": 1, "steps": 1}, "greater than or equal to 2"),
        (Whole, {"min": 1, "max": 4}, "`steps` is 9, but from 1 to 4 these are only 4 different numbers; take fewer"),
        (Positive, {"min": 1.0, "max": math.nextafter(1, 2), "steps": 3}, "only 2 different numbers"),
        (Whole, {"min": 1.5, "max": 4}, "valid integer"),
        (Positive, {"min": 0.1}, "max\n  Field required"),
    ],
)
def test_what_is_no_range_is_refused(kind: type[Spread], given: dict[str, float], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        kind.model_validate(given)
