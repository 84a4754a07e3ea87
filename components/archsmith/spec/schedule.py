"""Times in a search file: when it is run again, and how long it is kept."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

CRON = r"^\S+( \S+){4}$"
DURATION = r"^[1-9][0-9]*[smhdw]$"

_FIELDS: Mapping[str, tuple[int, int, tuple[str, ...]]] = {
    "minute": (0, 59, ()),
    "hour": (0, 23, ()),
    "day of the month": (1, 31, ()),
    "month": (1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    "day of the week": (0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
}
"""The fields of a schedule in their order: the lowest value, the highest one, and the names of the values."""

_SECONDS: Mapping[str, int] = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def check_cron(text: str) -> str:
    """Return `text` where it is a schedule as cron writes it: minute, hour, day of the month, month, day of the week.

    Raises:
        ValueError: It has not five fields, or one is out of its range.
    """
    parts = text.split(" ")
    if len(parts) != len(_FIELDS) or not all(parts):
        raise ValueError(f"the schedule is {text!r}, but must be five fields with a space between, as in '0 2 * * *'")
    for name, part in zip(_FIELDS, parts, strict=True):
        if not all(_fits(item, name) for item in part.split(",")):
            lowest, highest, names = _FIELDS[name]
            named = f" or {names[0]}..{names[-1]}" if names else ""
            raise ValueError(
                f"the {name} of the schedule {text!r} is {part!r}, but must be *, or numbers in {lowest}..{highest}{named}, "
                "as in 5, 1-5, 1,3 or */10"
            )
    return text


def seconds(duration: str) -> int:
    """Return the seconds of a duration such as 7d."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _fits(item: str, field: str) -> bool:
    """Tell whether one of the alternatives of a field is within its range."""
    span, slash, step = item.partition("/")
    if slash and not re.fullmatch("[1-9][0-9]*", step):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    lowest, highest, names = _FIELDS[field]
    begin = _value(first, names)
    end = _value(last, names) if dash else highest if slash else begin
    return lowest <= begin <= end <= highest


def _value(text: str, names: tuple[str, ...]) -> int:
    """Return the number that stands there or has this name; -1, which fits nowhere, where there is none."""
    if text.lower() in names:
        # Months count from 1, and have no name for 0.
        return names.index(text.lower()) + (1 if names[0] == "jan" else 0)
    return int(text) if re.fullmatch("[0-9]{1,2}", text) else -1


def _is_duration(value: str) -> str:
    if not re.fullmatch(DURATION, value):
        raise ValueError(f"the duration is {value!r}, but must be a whole number and a unit: s, m, h, d or w, as in 7d")
    return value


Cron = Annotated[str, AfterValidator(check_cron), Field(json_schema_extra={"pattern": CRON})]
"""A schedule as cron writes it, in UTC."""

Duration = Annotated[str, AfterValidator(_is_duration), Field(json_schema_extra={"pattern": DURATION})]
"""A span of time: a whole number and its unit."""
