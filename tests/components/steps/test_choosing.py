import json
from pathlib import Path

import pytest

from archsmith.automl import Rate, Situation
from archsmith.errors import NotFoundError, SearchConflictError
from archsmith.machine.busy import slowness
from archsmith.opening import going_on, read_search
from archsmith.search import Search, parse
from archsmith.steps.choosing import choose
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.values.data_facts import DataFacts

OPEN = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: s}
spec:
  data: {name: digits}
  budget: {minutes: 5}
  objectives: [{metric: accuracy, goal: maximize}, {metric: n_params, limit: 50000}]
  tracking: {enabled: false}
"""


def surveyed(search: Search, began: float) -> Situation:
    counts = {"train": (115,) * 10, "validation": (29,) * 10, "test": (36,) * 10}
    facts = DataFacts((1, 8, 8), tuple("0123456789"), counts)
    limits = {o.metric: o.limit for o in search.spec.objectives if o.limit is not None}
    return Situation(5, 4, facts, (Rate(100_000, 1e-4), Rate(800_000, 2e-4)), 2, given={"name": "digits"}, limits=limits)


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    return SearchFolder(open_store(str(tmp_path)), "s")


@pytest.fixture
def chosen(folder: SearchFolder) -> Search:
    search = choose(parse(OPEN), folder, 0.0, survey=surveyed)
    folder.write_search(search.text)
    return search


def test_what_was_chosen_is_a_whole_file_with_what_was_asked(chosen: Search) -> None:
    assert not chosen.open
    assert chosen.spec.objectives == parse(OPEN).spec.objectives
    assert not chosen.spec.tracking.enabled
    assert chosen.name == "s"
    assert chosen.text.startswith("# Chosen for 5 minutes on this machine:\n# - ")


def test_why_is_kept(chosen: Search, folder: SearchFolder) -> None:
    kept = json.loads(folder.get("plan.json"))
    assert {"space", "strategy", "retraining"} <= {choice["what"] for choice in kept["choices"]}
    assert all(f"# - {c['what']}: {c['choice']}; {c['why']}" in chosen.text for c in kept["choices"])


def test_an_open_file_goes_on_with_what_was_chosen_for_it(chosen: Search, folder: SearchFolder) -> None:
    again = going_on(folder, parse(OPEN), "store")
    assert again == chosen
    assert going_on(folder, chosen, "store") == chosen
    assert read_search(folder) == chosen


def test_what_may_change_is_taken_from_the_open_file(chosen: Search, folder: SearchFolder) -> None:
    other = OPEN.replace("tracking: {enabled: false}", "promote: {when: never}")
    again = going_on(folder, parse(other), "store")
    assert again is not None
    assert again.spec.tracking.enabled
    assert again.spec.promote.when == "never"
    assert again.identity() == chosen.identity()
    assert again.spec.budget == chosen.spec.budget


def test_the_reasons_stay_in_the_file_when_other_resources_are_asked_for(chosen: Search, folder: SearchFolder) -> None:
    other = OPEN.replace("tracking: {enabled: false}", "tracking: {enabled: false}\n  resources: {workers: 1}")
    again = going_on(folder, parse(other), "store")
    assert again is not None
    assert again.spec.resources.workers == 1
    comments = [line for line in chosen.text.splitlines() if line.startswith("#")]
    assert again.text.splitlines()[: len(comments)] == comments


def test_what_was_asked_for_and_not_chosen_has_not_begun(folder: SearchFolder) -> None:
    folder.put("asked.yaml", OPEN.encode())
    with pytest.raises(NotFoundError, match="has not begun: its first step has not ended"):
        read_search(folder)


def test_an_open_file_of_another_time_is_another_search(chosen: Search, folder: SearchFolder) -> None:
    with pytest.raises(SearchConflictError, match=r"spec\.budget\.minutes: 9\.0 here, 5\.0 there"):
        going_on(folder, parse(OPEN.replace("minutes: 5", "minutes: 9")), "store")


def test_an_open_file_is_not_the_search_that_somebody_has_written(folder: SearchFolder) -> None:
    folder.write_search(OPEN.replace("budget: {minutes: 5}", "space: {name: chain}"))
    with pytest.raises(SearchConflictError, match="another search named 's'"):
        going_on(folder, parse(OPEN), "store")


def test_nothing_goes_on_where_nothing_was_begun(folder: SearchFolder) -> None:
    assert going_on(folder, parse(OPEN), "store") is None


def test_a_busy_machine_is_slow_and_none_is_faster_than_quiet() -> None:
    assert 1 <= slowness() <= 6
