import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from archsmith.search import parse
from archsmith.spec import NAME
from archsmith.spec.series import SeriesSpec, is_of_series, name_at
from archsmith.testing.searches import TINY

AT = datetime(2026, 11, 29, 2, tzinfo=UTC)


def test_a_search_of_a_series_is_called_after_its_time_in_utc() -> None:
    assert name_at("nightly", AT) == "nightly-202611290200"
    assert name_at("nightly", AT.astimezone(timezone(timedelta(hours=9)))) == "nightly-202611290200"


@pytest.mark.parametrize("length", [1, 49, 50, 51, 62, 63])
def test_its_name_is_one_of_kubernetes_and_tells_series_and_times_apart(length: int) -> None:
    series = ["a" * length, f"{'a' * (length - 1)}b"] + ([f"{'a' * 42}-{'b' * (length - 43)}"] if length > 43 else [])
    names = [name_at(name, AT + timedelta(minutes=m)) for name in dict.fromkeys(series) for m in (0, 1)]
    assert all(re.fullmatch(NAME, name) for name in names)
    assert len({*names}) == len(names)
    for name in names:
        assert sum(is_of_series(name, one) for one in dict.fromkeys(series)) == 1
    assert not is_of_series(series[0], series[0])


def test_how_a_series_goes_on_may_change_and_what_a_search_begins_with_may_not() -> None:
    assert SeriesSpec().model_dump() == {
        "concurrency": "forbid", "keep": 3, "starting_deadline": "10m", "unchanged": "skip", "warm_start": False,
    }  # fmt: skip
    assert parse(f"{TINY}  series: {{keep: 5, concurrency: replace}}\n").differences(parse(TINY)) == []
    assert parse(f"{TINY}  warm_start: other\n").differences(parse(TINY)) == ["spec.warm_start: 'other' here, None there"]
