"""What is due for a series: a pure function of its schedule, of what was noted, of its searches, and of the time.

Each time of the schedule is decided about once: a search of its own begins, or the time is skipped. A search is called after its
time, so that no time can begin two, whoever has forgotten that it did: a controller that ended before it could note it, or a
second one beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from archsmith.cluster.status import FINAL
from archsmith.spec.schedule import last_time, next_time, seconds
from archsmith.spec.series import SeriesSpec

WRONG_CLOCK = timedelta(hours=1)
"""By how much what was decided may lie in the future, because a clock was set back since. A time that lies further ahead was
noted by a clock that was wrong, and would hold up the series until then."""


@dataclass(frozen=True, slots=True)
class Champion:
    """The champion of a series, as far as its searches have said."""

    search: str
    """The search whose winner it is."""
    version: str = ""
    """Its version in MLflow; empty where that is not known."""
    accuracy: float | None = None
    """Its accuracy on the test images."""

    def to_dict(self) -> dict[str, str]:
        """Return the part of the status."""
        accuracy = {} if self.accuracy is None else {"accuracy": f"{self.accuracy:.4f}"}
        return {"search": self.search, "version": self.version, **accuracy}


@dataclass(frozen=True, slots=True)
class Child:
    """A search that a series has begun."""

    name: str
    """Its name."""
    at: datetime
    """The time of the schedule that it is of."""
    phase: str
    """Its phase; empty where nobody has looked at it yet."""
    is_going: bool = False
    """Whether it is being deleted."""
    champion: Champion | None = None
    """Its winner, where that has become the champion."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.phase in FINAL


@dataclass(frozen=True, slots=True)
class Memory:
    """What the controller has noted of a series: all that it remembers."""

    cron: str = ""
    """The schedule whose times were decided about."""
    until: datetime | None = None
    """Up to when they were."""
    last: str = ""
    """The search that was begun last."""
    phase: str = ""
    """How that one stood when it was seen last."""
    mark: str = ""
    """What tells its data, and all that was asked of it, from others; empty where that can't be told."""
    succeeded: str = ""
    """The last search that succeeded."""

    def to_dict(self) -> dict[str, str]:
        """Return what stands in the status."""
        until = "" if self.until is None else timestamp(self.until)
        return {
            "cron": self.cron, "until": until, "last": self.last, "phase": self.phase, "mark": self.mark,
            "succeeded": self.succeeded,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read what stands in the status."""
        texts = {key: str(raw.get(key, "")) for key in ("cron", "last", "phase", "mark", "succeeded")}
        return cls(until=datetime.fromisoformat(raw["until"]) if raw.get("until") else None, **texts)


@dataclass(frozen=True, slots=True)
class Begin:
    """A search is to begin, unless its data are those of the last one."""

    at: datetime
    """The time that it is of."""
    ends: tuple[str, ...] = ()
    """The searches that still run and are to go first."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A time is skipped."""

    at: datetime
    """The time."""
    reason: str
    """Why, in a word."""
    message: str
    """Why, for people."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The search of a time is there already."""

    at: datetime
    """The time."""
    name: str
    """The search."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No time has come that was not decided about."""


Turn = Begin | Skip | Begun | Nothing
"""What is due."""


def decided(cron: str, memory: Memory, made_at: datetime, now: datetime, *, held: bool = False) -> datetime:
    """Return up to when nothing is due any more.

    Args:
        cron: The schedule.
        memory: What was noted.
        made_at: When the object of the series was made; times since then count, though no controller may have seen it.
        now: The time.
        held: Whether the series was held until now, whose times do not count.
    """
    if held:
        return now
    if memory.until is None:
        return min(made_at, now)
    return now if memory.cron != cron or memory.until > now + WRONG_CLOCK else memory.until


def turn(cron: str, spec: SeriesSpec, until: datetime, children: Sequence[Child], now: datetime) -> Turn:
    """Tell what is due.

    Args:
        cron: The schedule.
        spec: How its searches follow one another.
        until: Up to when all times were decided about.
        children: The searches that there are.
        now: The time.
    """
    at = last_time(cron, now)
    if at is None or at <= until:
        return Nothing()
    if (there := next((child for child in children if child.at == at), None)) is not None:
        return Begun(at, there.name)
    said = f"The time {timestamp(at)} is skipped:"
    if now - at > timedelta(seconds=seconds(spec.starting_deadline)):
        why = f"it was seen at {timestamp(now)}, and `series.starting_deadline` is {spec.starting_deadline}"
        return Skip(at, "Missed", f"{said} {why}.")
    # One that somebody holds is none that runs: it would stop the series until somebody thinks of it.
    under_way = [child.name for child in children if not child.is_over and not child.is_going and child.phase != "Suspended"]
    if under_way and spec.concurrency == "forbid":
        return Skip(at, "StillRunning", f"{said} {', '.join(under_way)} is not over, and `series.concurrency` is forbid.")
    return Begin(at, tuple(under_way))


def unchanged(at: datetime, memory: Memory, mark: str) -> Skip | None:
    """Return why a time is skipped whose search would find what the last one has found; None where it would not.

    Args:
        at: The time.
        memory: What was noted.
        mark: What tells data and search from others; empty where that can't be told.
    """
    if not mark or mark != memory.mark or memory.phase != "Succeeded":
        return None
    why = f"the data are those of {memory.last}, and so is all that is asked; `series.unchanged: search` searches all the same"
    return Skip(at, "Unchanged", f"The time {timestamp(at)} is skipped: {why}.")


def outlived(children: Sequence[Child], keep: int) -> list[str]:
    """Return the searches to be deleted: the oldest ones of those that have succeeded, and of those that have not."""
    over = sorted((c for c in children if c.is_over and not c.is_going), key=lambda c: c.at, reverse=True)
    good, bad = ([c.name for c in over if (c.phase == "Succeeded") is fine] for fine in (True, False))
    return [*good[keep:], *bad[keep:]]


def seen(memory: Memory, children: Sequence[Child]) -> Memory:
    """Return what is to be remembered of how the searches stand."""
    known = {child.name: child for child in children}
    last = known.get(memory.last)
    won = max((c for c in children if c.phase == "Succeeded"), key=lambda c: c.at, default=None)
    succeeded = max(memory.succeeded, won.name) if won else memory.succeeded  # of one series, names sort by their times
    return Memory(memory.cron, memory.until, memory.last, last.phase if last else memory.phase, memory.mark, succeeded)


def champion(before: Mapping[str, Any], children: Sequence[Child]) -> dict[str, str]:
    """Return the champion as the status shows it: that of the last search that has one; one of before stays."""
    crowned = [child for child in children if child.champion is not None]
    last = max(crowned, key=lambda child: child.at, default=None)
    if last is None or last.champion is None or last.name < str(before.get("search", "")):
        return {key: str(value) for key, value in before.items()}
    return last.champion.to_dict()


def described(cron: str, now: datetime, children: Sequence[Child]) -> str:
    """Say when the series searches, and what runs."""
    following, under_way = next_time(cron, now), ", ".join(c.name for c in children if not c.is_over and not c.is_going)
    then = f" The next time is {timestamp(following)}." if following else ""
    return f"It searches at {cron!r}, in UTC.{then}{f' Under way: {under_way}.' if under_way else ''}"


def timestamp(moment: datetime) -> str:
    """Return a time as Kubernetes writes it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
