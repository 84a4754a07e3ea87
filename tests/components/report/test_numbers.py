"""Numbers as people read them."""

import math

import pytest

from archsmith.report import numbers


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (999_499, "999 k"), (999_500, "1 M"), (12_345_678, "12.3 M"), (3e9, "3 G"), (1.234e12, "1.23 T")],
)
def test_a_count_is_shortened_to_three_digits(number: float, text: str) -> None:
    assert numbers.short(number) == text


@pytest.mark.parametrize(("mb", "text"), [(12.34, "12.3 MB"), (999.4, "999 MB"), (1234, "1,234 MB"), (math.nan, numbers.DASH)])
def test_memory_is_told_in_whole_numbers_where_it_is_much(mb: float, text: str) -> None:
    assert numbers.metric("peak_memory_mb", mb) == text


@pytest.mark.parametrize(("seconds", "text"), [(1.5, "1.5 s"), (0.00123, "1.23 ms"), (4.2e-5, "42 µs"), (0.9999, "1 s")])
def test_a_short_time_has_the_unit_that_fits(seconds: float, text: str) -> None:
    assert numbers.time(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "spread", "text"),
    [
        (0.00123, 4e-5, "1.23 ± 0.04 ms"),
        (4.2e-5, 1.23e-6, "42 ± 1.2 µs"),
        (1.0, 0.0, "1 ± 0 s"),
        (1.0, math.nan, "1 s"),
        (5.23e-4, 5.5e-4, "523 ± 550 µs"),
        (2.83e-4, 0.131, "283 ± 130,000 µs"),
        (2.0, 3e-7, "2 ± 0.0000003 s"),
    ],
)
def test_a_spread_has_the_unit_of_its_time(seconds: float, spread: float, text: str) -> None:
    assert numbers.time(seconds, spread) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.21, "3.2 s"), (59.4, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (3721, "1 h 2 min")]
)
def test_a_long_time_has_two_units_at_most(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


HUGE = [
    (10**7, "1.0", "⁷"),
    (99_499_999, "9.9", "⁷"),
    (99_500_000, "1.0", "⁸"),
    (123 * 10**400, "1.2", "⁴⁰²"),
    (10**6000 - 1, "1.0", "⁶⁰⁰⁰"),
]


@pytest.mark.parametrize(("number", "mantissa", "exponent"), HUGE, ids=range(len(HUGE)))
def test_a_large_space_is_written_with_a_power_of_ten_even_beyond_floats(number: int, mantissa: str, exponent: str) -> None:
    assert numbers.size(number) == f"{mantissa} \N{MULTIPLICATION SIGN} 10{exponent}"


def test_a_small_space_is_written_in_full() -> None:
    assert numbers.size(9_999_999) == "9,999,999"


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
@pytest.mark.parametrize("metric", ["accuracy", "loss", "n_params", "flops", "latency_s", "peak_memory_mb"])
def test_a_value_that_is_not_there_is_a_dash(metric: str, missing: float | None) -> None:
    assert numbers.metric(metric, missing) == numbers.DASH
