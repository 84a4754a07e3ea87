"""Times in a search file: when a schedule searches, and how long things are kept."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

CRON = r"^\S+( \S+){4}$"
DURATION = r"^[1-9][0-9]*[smhdw]$"

_FIELDS: Mapping[str, str] = {
    "minute": "0..59",
    "hour": "0..23",
    "day of the month": "1..31 or L, the last one",
    "month": "1..12 or jan..dec",
    "day of the week": "0..7 or sun..sat, or as in fri#2, the second one, and 5L, the last one",
}
"""The fields of a schedule in their order, and the values that each of them takes."""

_SECONDS: Mapping[str, int] = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

_ANY = datetime(2026, 1, 1, tzinfo=UTC)


def check_cron(text: str) -> str:
    """Return `text` where it is a schedule as cron writes it: minute, hour, day of the month, month, day of the week.

    Raises:
        ValueError: It has not five fields, or one is out of its range, or no day is ever meant.
    """
    parts = text.split(" ")
    if len(parts) != len(_FIELDS) or not all(parts) or text.split() != parts:
        raise ValueError(f"the schedule is {text!r}, but must be five fields with a space between, as in '0 2 * * *'")
    for place, (name, values) in enumerate(_FIELDS.items()):
        if not _is_read(" ".join(part if k == place else "*" for k, part in enumerate(parts))):
            raise ValueError(
                f"the {name} of the schedule {text!r} is {parts[place]!r}, but must be *, or numbers in {values}, "
                "as in 5, 1-5, 1,3 or */10"
            )
    if not _is_read(text) or next_time(text, _ANY) is None:
        raise ValueError(f"the schedule {text!r} means no day that there is; look at its day and its month")
    return text


def next_time(cron: str, after: datetime) -> datetime | None:
    """Return the first time of a schedule after a moment; None where there is none within fifty years.

    Args:
        cron: The schedule, in UTC.
        after: A moment, with its time zone.
    """
    return next(CronSim(cron, after.astimezone(UTC)), None)


def last_time(cron: str, until: datetime) -> datetime | None:
    """Return the last time of a schedule up to a moment, that moment included; None where there is none in fifty years."""
    return next(CronSim(cron, until.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1), reverse=True), None)


def seconds(duration: str) -> int:
    """Return the seconds of a duration such as 7d."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _is_read(cron: str) -> bool:
    """Tell whether what knows the times of cron can read a schedule."""
    try:
        CronSim(cron, _ANY)
    except (CronSimError, AssertionError):  # the latter of a step after something that is no plain number
        return False
    return True


def _is_duration(value: str) -> str:
    if not re.fullmatch(DURATION, value):
        raise ValueError(f"the duration is {value!r}, but must be a whole number and a unit: s, m, h, d or w, as in 7d")
    return value


Cron = Annotated[str, AfterValidator(check_cron), Field(json_schema_extra={"pattern": CRON})]
"""A schedule as cron writes it, in UTC."""

Duration = Annotated[str, AfterValidator(_is_duration), Field(json_schema_extra={"pattern": DURATION})]
"""A span of time: a whole number and its unit."""
