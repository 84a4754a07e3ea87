from datetime import UTC, datetime, timedelta, timezone

import pytest

from archsmith.spec.schedule import check_cron, last_time, next_time, seconds

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    "text",
    ["0 2 * * *", "*/10 * * * *", "0,30 8-18/2 1 jan-jun mon-fri", "59 23 31 12 6", "5/15 0 * DEC Sun", "1-5,7 * * * 0",
     "0 0 * * 7", "0 0 L * *", "0 0 * * fri#2", "0 0 29 2 *"],
)  # fmt: skip
def test_schedules_of_cron_are_taken_as_they_are(text: str) -> None:
    assert check_cron(text) == text


@pytest.mark.parametrize(
    ("text", "field"),
    [("60 * * * *", "minute"), ("0 24 * * *", "hour"), ("0 0 0 * *", "day of the month"), ("0 0 * 13 *", "month"),
     ("0 0 * * 8", "day of the week"), ("*/0 * * * *", "minute"), ("5-1 * * * *", "minute"), ("a * * * *", "minute"),
     ("0 0 * mon *", "month"), ("1, * * * *", "minute"), ("*-5 * * * *", "minute"), ("0 0 L/2-3 * *", "day of the month"),
     ("0 0 * * 1#2/2", "day of the week")],
)  # fmt: skip
def test_a_field_out_of_its_range_is_named(text: str, field: str) -> None:
    with pytest.raises(ValueError, match=f"the {field} of the schedule"):
        check_cron(text)


@pytest.mark.parametrize("text", ["", "@daily", "0 2 * *", "0 0 2 * * *", "0  2 * *", " 0 2 * * *", "0 2 * *\t*", "0 2 * * *\n"])
def test_a_schedule_has_five_fields(text: str) -> None:
    with pytest.raises(ValueError, match="five fields"):
        check_cron(text)


@pytest.mark.parametrize("text", ["0 0 31 2 *", "0 0 30 feb *"])
def test_a_schedule_means_some_day(text: str) -> None:
    with pytest.raises(ValueError, match="no day that there is"):
        check_cron(text)


def meant(minutes: set[int], hours: set[int], days: set[int], months: set[int], weekdays: set[int]) -> list[datetime]:
    """List the times of a year that five sets mean, minute by minute; weekdays count from Sunday."""
    year = (NEW_YEAR + timedelta(days=n) for n in range(365))
    found = [d for d in year if d.day in days and d.month in months and d.isoweekday() % 7 in weekdays]
    return [d + timedelta(hours=h, minutes=m) for d in found for h in sorted(hours) for m in sorted(minutes)]


@pytest.mark.parametrize(
    ("cron", "times"),
    [("*/20 */8 */10 2-4 *", meant({0, 20, 40}, {0, 8, 16}, {1, 11, 21, 31}, {2, 3, 4}, set(range(7)))),
     ("5 2,14 * jun mon-fri", meant({5}, {2, 14}, set(range(32)), {6}, {1, 2, 3, 4, 5}))],
)  # fmt: skip
def test_the_times_of_a_schedule_are_those_that_a_calendar_has(cron: str, times: list[datetime]) -> None:
    forward, moment = [], NEW_YEAR - timedelta(seconds=1)
    while (found := next_time(cron, moment)) is not None and found.year == 2026:
        forward.append(moment := found)
    assert forward == times
    backward, moment = [], datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    while (found := last_time(cron, moment)) is not None and found.year == 2026:
        backward.append(found)
        moment = found - timedelta(microseconds=1)
    assert backward[::-1] == times


def test_the_last_time_of_a_schedule_may_be_now_and_the_next_one_is_later() -> None:
    at = datetime(2026, 1, 1, 2, tzinfo=UTC)
    assert (last_time("0 2 * * *", at), next_time("0 2 * * *", at)) == (at, at + timedelta(days=1))
    assert last_time("0 2 * * *", at - timedelta(microseconds=1)) == at - timedelta(days=1)
    assert next_time("0 2 * * *", at - timedelta(microseconds=1)) == at


def test_a_moment_elsewhere_is_the_same_moment() -> None:
    tokyo = datetime(2026, 1, 1, 10, tzinfo=timezone(timedelta(hours=9)))  # one o'clock in UTC
    assert next_time("0 2 * * *", tokyo) == datetime(2026, 1, 1, 2, tzinfo=UTC)


def test_a_duration_is_a_number_of_seconds() -> None:
    assert [seconds(text) for text in ("90s", "2m", "1h", "7d", "2w")] == [90, 120, 3600, 604_800, 1_209_600]
