"""What is due for a series, as a table, and half a day of one, minute by minute."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from archsmith.cluster.controller.series import (
    Begin,
    Begun,
    Champion,
    Child,
    Memory,
    Nothing,
    Skip,
    champion,
    decided,
    outlived,
    seen,
    turn,
    unchanged,
)
from archsmith.spec.series import SeriesSpec, name_at

TWO = datetime(2026, 11, 29, 2, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
CRON = "0 2 * * *"
MADE = TWO - timedelta(hours=5)


def child(at: datetime, phase: str = "Succeeded", **more: Any) -> Child:
    return Child(name_at("n", at), at, phase, **more)


SETTLED = {
    "a new series has had no times before it was made": (Memory(), MADE, False, MADE),
    "nor after now, where clocks differ": (Memory(), TWO + HOUR, False, TWO),
    "what was decided stays so": (Memory(CRON, TWO - DAY), MADE, False, TWO - DAY),
    "also where the clock was set back a little": (Memory(CRON, TWO + MINUTE), MADE, False, TWO + MINUTE),
    "but not for years where a clock was wrong": (Memory(CRON, TWO + 400 * DAY), MADE, False, TWO),
    "another schedule counts from now": (Memory("0 1 * * *", TWO - DAY), MADE, False, TWO),
    "times while it was held do not count": (Memory(CRON, TWO - DAY), MADE, True, TWO),
    "also where it was held from the beginning": (Memory(), MADE, True, TWO),
}


@pytest.mark.parametrize(("memory", "made_at", "held", "until"), SETTLED.values(), ids=SETTLED)
def test_up_to_when_times_are_decided_about(memory: Memory, made_at: datetime, held: bool, until: datetime) -> None:
    assert decided(CRON, memory, made_at, TWO, held=held) == until


BEFORE = TWO - DAY
TABLE = {
    "a minute before its time": ({}, [], TWO - MINUTE, Nothing()),
    "at its time": ({}, [], TWO, Begin(TWO)),
    "within the deadline": ({}, [], TWO + 10 * MINUTE, Begin(TWO)),
    "after the deadline": ({}, [], TWO + 11 * MINUTE, Skip(TWO, "Missed", "")),
    "after a longer deadline": ({"starting_deadline": "3h"}, [], TWO + 2 * HOUR, Begin(TWO)),
    "after days of absence, only the last time": ({"starting_deadline": "1w"}, [], TWO + 3 * DAY + HOUR, Begin(TWO + 3 * DAY)),
    "while the last one runs": ({}, [child(BEFORE, "Running")], TWO, Skip(TWO, "StillRunning", "")),
    "while nobody has looked at the last one": ({}, [child(BEFORE, "")], TWO, Skip(TWO, "StillRunning", "")),
    "while the last one is held": ({}, [child(BEFORE, "Suspended")], TWO, Begin(TWO)),
    "while the last one is deleted": ({}, [child(BEFORE, "Running", is_going=True)], TWO, Begin(TWO)),
    "where the last one is over": ({}, [child(BEFORE, "Failed")], TWO, Begin(TWO)),
    "in place of the last one": (
        {"concurrency": "replace"}, [child(BEFORE, "Running"), child(BEFORE - DAY)], TWO, Begin(TWO, ("n-202611280200",)),
    ),
    "which is there already": ({"concurrency": "replace"}, [child(TWO, "Running")], TWO, Begun(TWO, "n-202611290200")),
    "which is over already": ({}, [child(TWO, "Failed")], TWO + MINUTE, Begun(TWO, "n-202611290200")),
}  # fmt: skip


@pytest.mark.parametrize(("spec", "children", "now", "due"), TABLE.values(), ids=TABLE)
def test_what_is_due(spec: dict[str, Any], children: list[Child], now: datetime, due: Any) -> None:
    found = turn(CRON, SeriesSpec(**spec), BEFORE, children, now)
    assert (replace(found, message="") if isinstance(found, Skip) else found) == due
    if isinstance(found, Skip):
        assert "2026-11-29T02:00:00Z" in found.message


def test_a_time_that_was_decided_about_is_not_due_again() -> None:
    assert turn(CRON, SeriesSpec(), TWO, [], TWO + 2 * MINUTE) == Nothing()


@pytest.mark.parametrize(
    ("memory", "mark", "skipped"),
    [(Memory(mark="m", phase="Succeeded", last="x"), "m", True), (Memory(mark="m", phase="Succeeded"), "other", False),
     (Memory(mark="m", phase="Failed"), "m", False), (Memory(mark="m"), "m", False), (Memory(phase="Succeeded"), "", False)],
)  # fmt: skip
def test_a_time_is_skipped_only_where_the_last_search_succeeded_on_the_same_data(
    memory: Memory, mark: str, skipped: bool
) -> None:
    assert (unchanged(TWO, memory, mark) is not None) == skipped


def test_of_those_that_succeeded_and_of_those_that_did_not_the_last_ones_are_kept() -> None:
    phases = ["Succeeded", "Failed", "Succeeded", "Cancelled", "Succeeded", "Failed", "Running", "Pending", ""]
    children = [child(TWO + k * DAY, phase) for k, phase in enumerate(phases)]
    assert outlived(children, 2) == [children[0].name, children[1].name]
    assert outlived(children[::-1], 1) == [children[k].name for k in (2, 0, 3, 1)]
    assert outlived(children, 3) == []
    assert outlived([replace(c, is_going=True) for c in children], 1) == []


def test_what_succeeded_last_is_remembered_when_it_is_gone() -> None:
    nights = [child(TWO), child(TWO + DAY, "Failed")]
    memory = seen(Memory(last=nights[1].name), nights)
    assert (memory.phase, memory.succeeded) == ("Failed", nights[0].name)
    assert seen(memory, []) == memory
    assert Memory.from_dict(memory.to_dict()) == memory
    assert Memory.from_dict({}) == Memory()


def test_the_champion_is_that_of_the_last_search_that_has_one_and_stays_when_that_is_gone() -> None:
    crowned = [child(TWO + k * DAY, champion=Champion(f"n-2026112{9 + k}0200", str(k), 0.9 + k / 100)) for k in (0,)]
    won = champion({}, [*crowned, child(TWO + DAY)])
    assert won == {"search": "n-202611290200", "version": "0", "accuracy": "0.9000"}
    assert champion(won, []) == won
    later = child(TWO + 2 * DAY, champion=Champion("n-202612010200", "2"))
    assert champion(won, [later, *crowned]) == {"search": "n-202612010200", "version": "2"}
    assert champion(champion(won, [later]), crowned)["version"] == "2"


@pytest.mark.parametrize("concurrency", ["forbid", "replace"])
@pytest.mark.parametrize("lasts", [3, 25])
def test_each_time_of_half_a_day_begins_one_search_or_is_skipped_once_whatever_is_forgotten(lasts: int, concurrency: Any) -> None:
    """A controller that looks at odd moments, forgets what it has done each third time, and is away now and then."""
    cron, spec = "*/10 * * * *", SeriesSpec(concurrency=concurrency, starting_deadline="4m")
    memory, begun, skipped, children = Memory(cron, MADE), list[datetime](), dict[datetime, str](), list[Child]()
    for step in range(0, 12 * 60 * 60, 61):
        now = MADE + timedelta(seconds=step)
        if 5 * 3600 < step < 6 * 3600:
            continue
        children = [replace(c, phase="Succeeded") if now - c.at > lasts * MINUTE else c for c in children]
        until = decided(cron, memory, MADE, now)
        due = turn(cron, spec, until, children, now)
        if isinstance(due, Begin):
            assert due.at not in begun
            begun.append(due.at)
            children = [c for c in children if c.name not in due.ends] + [child(due.at, "Running")]
        elif isinstance(due, Skip):
            skipped[due.at] = due.reason
        if not isinstance(due, Nothing) and step % 3:
            memory = replace(memory, until=due.at)
        assert sum(not c.is_over for c in children) <= 1
    times = [MADE + k * 10 * MINUTE for k in range(1, 12 * 6)]
    there = [at for at in times if not MADE + 5 * HOUR <= at < MADE + 6 * HOUR]
    assert begun == sorted({*begun})
    if lasts < 10 or concurrency == "replace":
        assert begun == there
        assert {*skipped.values()} <= {"Missed"}
    else:
        assert {*begun} | {*skipped} >= {*there}
        assert {*skipped.values()} <= {"Missed", "StillRunning"}
        assert all((b - a) > lasts * MINUTE for a, b in pairwise(begun))
