"""The range of an axis."""

from archsmith.report.pictures.axes import window


def test_one_bad_value_does_not_flatten_the_good_ones() -> None:
    good = [0.90, 0.91, 0.92, 0.93, 0.94]
    low, high = window([0.1, *good], 1)
    assert 0.5 < low < 0.9
    assert high > 0.94


def test_the_best_value_is_always_within() -> None:
    for values in ([0.5], [0.5, 0.5], [0.0, 0.0, 0.0], [3.0, 1.0, 900.0, 2.0, 2.5, 2.2]):
        for sign in (1, -1):
            low, high = window(values, sign)
            assert low < (max(values) if sign > 0 else min(values)) < high
