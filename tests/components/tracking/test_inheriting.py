"""What MLflow is told of trials that inherit: a tree that can be followed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from archsmith.tracking import Ended, TrackedSearch, Tracker
from archsmith.values import Born, Inherits, Orphan, Trial

Make = Callable[..., Trial]
ENDED = Ended(1_700_000_100.0, "all")


@pytest.fixture
def family(make_trial: Make) -> list[Trial]:
    """Return a trial from scratch, its child, its grandchild, and one that could not inherit."""
    first = make_trial(0)
    second = child(make_trial(1), first, Born(first.id, 3, 0.75, 0.125, same=False, accuracy=0.25, seconds=0.5))
    third = child(make_trial(2), second, Born(second.id, 6, 1.0, 0.0, same=True, accuracy=0.5, seconds=0.5))
    return [first, second, third, child(make_trial(3), first, Orphan(first.id, "its checkpoint is gone"))]


def child(trial: Trial, parent: Trial, birth: Born | Orphan) -> Trial:
    return replace(trial, proposal=replace(trial.proposal, origin=Inherits(parent.id)), birth=birth)


def test_a_childs_run_names_its_parents_run_and_trial_so_that_the_tree_can_be_followed(
    search: TrackedSearch, family: list[Trial], sqlite_uri: str, look: Any
) -> None:
    Tracker(search, sqlite_uri).sync(family)
    mlflow = look(sqlite_uri)
    runs = mlflow.trials(mlflow.runs()[0])
    by_id = {run.info.run_id: run for run in runs}
    line, run = [], runs[2]
    while run is not None:
        line.append(run.data.tags["archsmith.trial"])
        run = by_id.get(run.data.tags.get("archsmith.inherits_run"))
    assert line == [family[2].id, family[1].id, family[0].id]
    assert [run.data.tags.get("archsmith.inherits") for run in runs] == [
        None,
        family[0].id,
        family[1].id,
        family[0].id,
    ]


def test_a_child_has_what_it_was_born_with_and_an_orphan_why(
    search: TrackedSearch, family: list[Trial], sqlite_uri: str, look: Any
) -> None:
    Tracker(search, sqlite_uri).sync(family)
    mlflow = look(sqlite_uri)
    first, second, _, orphan = mlflow.trials(mlflow.runs()[0])
    born = {"born_accuracy": 0.25, "inherited_exact": 0.75, "inherited_approximate": 0.125}
    assert born.items() <= second.data.metrics.items()
    assert {"archsmith.epochs_inherited": "3", "archsmith.same_as_parent": "false"}.items() <= second.data.tags.items()
    for run in (first, orphan):
        assert not born.keys() & run.data.metrics.keys()
    assert orphan.data.tags["archsmith.orphan"] == "its checkpoint is gone"
    assert "archsmith.inherits_run" not in orphan.data.tags, "it has nothing from there"


def test_the_parents_run_is_found_where_another_process_has_logged_it(
    search: TrackedSearch, family: list[Trial], sqlite_uri: str, look: Any
) -> None:
    one, other = Tracker(search, sqlite_uri), Tracker(search, sqlite_uri)
    one.sync([])
    other.sync(family[:2])
    one.sync(family)
    mlflow = look(sqlite_uri)
    _, second, third, _ = mlflow.trials(mlflow.runs()[0])
    assert third.data.tags["archsmith.inherits_run"] == second.info.run_id


def test_the_search_says_what_was_inherited_and_saved(
    search: TrackedSearch, family: list[Trial], sqlite_uri: str, look: Any
) -> None:
    tracker = Tracker(search, sqlite_uri)
    tracker.sync(family)
    tracker.publish({}, None, ended=ENDED, trials=family)
    (run,) = look(sqlite_uri).runs()
    # 3 epochs, and 6 of them, at (6 - 0.5) / 3 s each, less half a second of each birth
    saved = 9 * 5.5 / 3 - 1
    expected = {"inherited": 2, "orphans": 1, "mean_born_accuracy": 0.375, "seconds_saved_by_inheriting": saved}
    assert {k: run.data.metrics[k] for k in expected} == pytest.approx(expected)
    said = run.data.tags["mlflow.note.content"]
    assert "2 of 4 trials inherited; born with 37.5 % on average, 15.5 s saved; 1 could not, and began from scratch." in said
