"""The section `series` of a search file: how the searches of a schedule follow one another, and what they are called."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from archsmith.spec.dns_names import dns_name
from archsmith.spec.schedule import Duration
from archsmith.spec.section import Config

_STAMP = "%Y%m%d%H%M"
_STAMPED = re.compile(r".+-(?P<at>\d{12})")


class SeriesSpec(Config):
    """How the searches of a schedule follow one another: at each of its times a search of its own, NAME-YYYYMMDDHHMM."""

    concurrency: Literal["forbid", "replace"] = "forbid"
    """Where the last search still runs when the next time comes: `forbid` skips that time, `replace` deletes the last one."""
    keep: Annotated[int, Field(ge=1, le=100)] = 3
    """How many of the searches that have succeeded are kept, and as many of those that have not; older ones are deleted."""
    starting_deadline: Duration = "10m"
    """How late a search may begin whose time was missed, as when the controller was away; of several only the last one does."""
    unchanged: Literal["skip", "search"] = "skip"
    """What is done at a time when the data are those of the search before: nothing, or search all the same."""
    warm_start: bool = False
    """Whether each search begins with the best architectures of the last one that succeeded."""


OF_THE_SERIES = ("schedule", "series", "suspend")
"""Keys of `spec` that are about the series, and not about its searches."""


def spec_at(spec: Mapping[str, Any], series: str, warm_start: str = "") -> dict[str, Any]:
    """Return the spec of the searches of a series: each has the whole budget, and all share a registered model.

    Args:
        spec: That of the series, as it is written.
        series: The name of the series.
        warm_start: The search that one is to begin with; what the series says itself where it is empty.
    """
    own = {key: value for key, value in spec.items() if key not in OF_THE_SERIES}
    tracking = own.get("tracking") or {}
    own["tracking"] = {**tracking, "model": tracking.get("model") or series}
    return {**own, "warm_start": warm_start} if warm_start else own


def name_at(series: str, at: datetime) -> str:
    """Return the name of the search that a series begins at a time: NAME-YYYYMMDDHHMM, in UTC.

    It is a name of Kubernetes too. Of a name of more than 50 characters the first are left, and a digest tells it from others.
    """
    return dns_name(series, f"{at.astimezone(UTC):{_STAMP}}")


def is_of_series(name: str, series: str) -> bool:
    """Tell whether a search is called as one of the series is."""
    found = _STAMPED.fullmatch(name)
    return found is not None and name == dns_name(series, found["at"])
