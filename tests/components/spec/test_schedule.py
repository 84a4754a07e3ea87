import pytest

from archsmith.spec.schedule import check_cron, seconds


@pytest.mark.parametrize(
    "text", ["0 2 * * *", "*/10 * * * *", "0,30 8-18/2 1 jan-jun mon-fri", "59 23 31 12 6", "5/15 0 * DEC Sun", "1-5,7 * * * 0"]
)
def test_schedules_of_cron_are_taken_as_they_are(text: str) -> None:
    assert check_cron(text) == text


@pytest.mark.parametrize(
    ("text", "field"),
    [("60 * * * *", "minute"), ("0 24 * * *", "hour"), ("0 0 0 * *", "day of the month"), ("0 0 * 13 *", "month"),
     ("0 0 * * 7", "day of the week"), ("*/0 * * * *", "minute"), ("5-1 * * * *", "minute"), ("a * * * *", "minute"),
     ("0 0 * mon *", "month"), ("1, * * * *", "minute"), ("*-5 * * * *", "minute")],
)  # fmt: skip
def test_a_field_out_of_its_range_is_named(text: str, field: str) -> None:
    with pytest.raises(ValueError, match=f"the {field} of the schedule"):
        check_cron(text)


@pytest.mark.parametrize("text", ["", "@daily", "0 2 * *", "0 0 2 * * *", "0  2 * *", " 0 2 * * *"])
def test_a_schedule_has_five_fields(text: str) -> None:
    with pytest.raises(ValueError, match="five fields"):
        check_cron(text)


def test_a_duration_is_a_number_of_seconds() -> None:
    assert [seconds(text) for text in ("90s", "2m", "1h", "7d", "2w")] == [90, 120, 3600, 604_800, 1_209_600]
