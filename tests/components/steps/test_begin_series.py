"""The first step of a recurring run, over a table and by a clock of the test."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from archsmith.errors import SpecError
from archsmith.opening import open_search
from archsmith.search import parse
from archsmith.steps.begin_series import begin_series
from archsmith.steps.main import STEPS
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import looked_up


def text_of(tmp_path: Path, series: str = "{}", seed: int = 0, trials: str = "trials: 6, rounds: 3") -> str:
    more = f"budget: {{{trials}}}\n  schedule: 0 2 * * *\n  series: {series}\n  seed: {seed}"
    return looked_up(tmp_path, ("budget: {trials: 6, rounds: 3}", more)).read_text(encoding="utf-8")


def at(day: int, hour: int = 2, minute: int = 1) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def runs(text: str, store: str, now: datetime) -> str:
    """Run a recurring run as its pods do, but for the report."""
    name = begin_series(text, store, now)
    rounds = range(parse(text).spec.budget.rounds or 0)
    for round_ in rounds:
        STEPS["propose"](name, store, round_)
        STEPS["estimate"](name, store, round_, 0, 1)
    STEPS["select"](name, store)
    open_search(store, name)[0].mark(done=True)
    return name


def test_each_time_is_a_search_of_its_own_and_one_whose_data_are_the_same_is_skipped(tmp_path: Path) -> None:
    text, store = text_of(tmp_path), str(tmp_path / "runs")
    first = begin_series(text, store, at(28))
    assert first == "looked-up-202611280200"
    assert begin_series(text, store, at(28, 9)) == first  # a pod that was replaced
    search = open_search(store, first)[1]
    assert (search.spec.schedule, search.spec.tracking.model, search.spec.warm_start) == (None, "looked-up", None)
    assert runs(text, store, at(29)) == "looked-up-202611290200"  # as that one was never done
    trials = len(open_search(store, "looked-up-202611290200")[0].history())
    assert runs(text, store, at(30)) == "looked-up-202611290200"
    assert len(open_search(store, "looked-up-202611290200")[0].history()) == trials == 6
    table = tmp_path / "table.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",60,", ",61,"), encoding="utf-8")
    assert runs(text, store, at(30, 3)) == "looked-up-202611300200"
    assert sorted(SearchFolder.names(open_store(store))) == [f"looked-up-202611{day}0200" for day in (28, 29, 30)]


def test_another_file_or_a_wish_to_search_all_the_same_begins_another_search(tmp_path: Path) -> None:
    store = str(tmp_path / "runs")
    assert runs(text_of(tmp_path), store, at(28)) == "looked-up-202611280200"
    assert runs(text_of(tmp_path, seed=1), store, at(29)) == "looked-up-202611290200"
    assert runs(text_of(tmp_path, "{unchanged: search}", seed=1), store, at(30)) == "looked-up-202611300200"


def test_it_begins_with_the_best_of_the_last_one_that_is_done_and_goes_on_so(tmp_path: Path) -> None:
    text, store = text_of(tmp_path, "{unchanged: search, warm_start: true}"), str(tmp_path / "runs")
    first = runs(text, store, at(28))
    second = begin_series(text, store, at(29))
    assert open_search(store, second)[1].spec.warm_start == first
    third = runs(text, store, at(29, 3))  # of the same time
    assert third == second
    assert begin_series(text, store, at(30)) == "looked-up-202611300200"
    assert open_search(store, "looked-up-202611300200")[1].spec.warm_start == second


def test_a_file_without_a_schedule_is_no_series(tmp_path: Path) -> None:
    text = looked_up(tmp_path).read_text(encoding="utf-8")
    with pytest.raises(SpecError, match=r"spec\.schedule is missing"):
        begin_series(text, str(tmp_path / "runs"))
