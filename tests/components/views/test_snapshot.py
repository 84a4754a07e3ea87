import json
import math
from pathlib import Path
from typing import Any

import pytest

from archsmith.opening import open_search
from archsmith.testing.searches import looked_up, run_steps
from archsmith.values import Fidelity, Stop, Trial
from archsmith.values.durations import Durations, Timed
from archsmith.views.snapshot import Snapshot


def look(staged: Any) -> Snapshot:
    return Snapshot.read(staged.folder, staged.search)


def test_the_phases_of_a_search_follow_its_steps(staged: Any) -> None:
    assert look(staged).phase == "starting"
    staged.folder.write_json("space.json", {"id": "x"})
    assert look(staged).phase == "searching"
    first = staged.run(0.7, 0.9, 0.8, 0.6, 0.5)
    assert look(staged).phase == "searching"
    last = staged.propose(1)
    assert look(staged).phase == "searching"
    staged.record(last[0], 0.4)
    assert look(staged).phase == "searching"  # the selection is still to come
    staged.select()
    assert look(staged).phase == "retraining"
    staged.train(first[1])
    assert look(staged).phase == "reporting"
    staged.report()
    assert look(staged).phase == "done"


def test_a_search_without_a_winner_ends_too(staged: Any) -> None:
    staged.run("DivergedError: a.", "DivergedError: b.")
    staged.select()
    assert look(staged).phase == "reporting"
    staged.report()
    snapshot = look(staged)
    assert (snapshot.phase, snapshot.winner, snapshot.model) == ("done", None, None)
    assert snapshot.selection.reason == "all 2 trials failed; the last one: DivergedError: b"


def test_what_is_only_looked_up_is_never_said_to_be_trained(tmp_path: Path) -> None:
    run_steps(looked_up(tmp_path), str(tmp_path / "runs"), "select")
    assert Snapshot.read(*open_search(str(tmp_path / "runs"), "looked-up")).phase == "reporting"


def test_a_search_that_goes_on_after_its_end_is_searching_again(staged: Any) -> None:
    trials = staged.run(0.7, 0.9)
    staged.select()
    staged.train(trials[1])
    staged.report()
    staged.folder.mark(done=False)
    proposals = staged.propose(2)
    assert look(staged).phase == "searching"
    staged.record(proposals[0], 0.95)
    staged.record(proposals[1], 0.5)
    snapshot = look(staged)
    assert (snapshot.phase, snapshot.model) == ("searching", None)
    staged.select()
    assert look(staged).phase == "retraining"


def test_a_search_whose_minutes_are_over_does_not_wait_for_what_it_never_starts(staged_with: Any) -> None:
    staged = staged_with(("budget: {trials: 6, rounds: 3}", "budget: {trials: 6, rounds: 3, minutes: 0.1}"))
    one, _ = staged.propose(2)
    staged.record(one, 0.8)  # 10 seconds, more than 0.1 minutes
    staged.select()
    assert look(staged).phase == "retraining"
    assert look(staged).left_s() == 0


def test_what_runs_is_shown_with_its_curve(staged: Any) -> None:
    one, two = staged.propose(2)
    assert look(staged).running == {}
    curve = staged.record(one, 0.9).curve
    staged.folder.write_progress(two, curve[:1])
    assert look(staged).running == {two.id: (two, curve[:1])}
    assert look(staged).rounds == 1


def test_before_the_first_trial_the_time_left_is_what_was_expected_of_all_of_them(staged: Any) -> None:
    expected = Durations((Timed(Fidelity(2), 6, 20.0),), at_once=2, retrain_s=30.0)
    staged.folder.write_json("space.json", {"id": "x", "time": expected.to_dict()})
    (one, *_) = staged.propose(2)
    snapshot = look(staged)
    assert (snapshot.expected, snapshot.left_s()) == (expected, pytest.approx(6 * 20 / 2 + 5))
    assert snapshot.to_dict({})["expected"]["total_s"] == pytest.approx(6 * 20 / 2 + 5 + 30)
    staged.record(one, 0.5)
    assert look(staged).left_s() == pytest.approx(5 * 10.0)  # as the first one took 10 s


def test_the_time_left_follows_the_pace_so_far(staged: Any, staged_with: Any) -> None:
    assert look(staged).left_s() is None
    staged.run(0.1, 0.2)  # 10 seconds each, one after the other
    assert look(staged).left_s() == pytest.approx(4 * 10.0)
    limited = staged_with(("budget: {trials: 6, rounds: 3}", "budget: {trials: 6, rounds: 3, minutes: 0.5}"))
    assert look(limited).left_s() == pytest.approx(0.5 * 60 - 20)
    fewer = staged_with(("budget: {trials: 6, rounds: 3}", "budget: {trials: 1}"))
    assert look(fewer).left_s() == 0


@pytest.mark.parametrize(
    ("budget", "progress", "left_s", "counted"),
    [
        # 3 trials of 2 epochs, one of them stopped after 1: 2.5 full trainings in 30 s
        ("trials: 6", (6, 3), 30, (6, None)),
        ("trainings: 10", (20, 5), 7.5 * 12, (None, 10)),
        ("trials: 6, trainings: 10", (6, 3), 30, (6, 10)),
        ("trials: 100, trainings: 3", (6, 5), 0.5 * 12, (100, 3)),
        ("trainings: 2", (5, 5), 0, (None, 2)),
    ],
)
def test_what_is_done_and_the_time_left_are_counted_as_the_budget_counts(
    staged_with: Any, budget: str, progress: tuple[float, float], left_s: float, counted: tuple[int | None, float | None]
) -> None:
    staged = staged_with(("trials: 6, rounds: 3", budget))
    staged.run(0.5, 0.6)
    (proposal,) = staged.propose(1)
    stop = Stop(1, "median", 0.5, 0.1)
    staged.folder.record(Trial(proposal, "stopped", seconds=10.0, finished_at=1e9 + 30, stop=stop))
    snapshot = look(staged)
    assert (snapshot.progress, snapshot.left_s()) == (progress, pytest.approx(left_s))
    raw = snapshot.to_dict({})
    assert (raw["trials"]["budget"], raw["trainings"]) == (counted[0], {"spent": 2.5, "budget": counted[1]})
    assert raw["rounds"] is None


def test_the_winner_is_the_best_trial_so_far(staged: Any) -> None:
    trials = staged.run(0.7, 0.9)
    assert look(staged).winner == trials[1]
    better = staged.run(0.95)
    assert look(staged).winner == better[0]


def test_its_json_has_what_a_program_asks_for(staged: Any) -> None:
    trials = staged.run(0.7, 0.9, "OutOfMemoryError: x.", math.nan)
    staged.select()
    model = staged.train(trials[1])
    staged.report()
    raw = json.loads(json.dumps(look(staged).to_dict({"model": "/m.pt2"}), allow_nan=False))
    assert {k: raw[k] for k in ("name", "phase", "test_accuracy", "n_params", "places")} == {
        "name": "tiny", "phase": "done", "test_accuracy": 0.975, "n_params": 1500, "places": {"model": "/m.pt2"},
    }  # fmt: skip
    assert raw["seconds"] == {"search": 40.0, "retrain": 30.0}
    assert raw["trials"] == {"complete": 3, "stopped": 0, "failed": 1, "running": 0, "budget": 6}
    assert raw["rounds"] == {"proposed": 2, "budget": 3}
    assert raw["winner"]["decisions"] == staged.search.space.assignment(trials[1].proposal.architecture)
    assert raw["model"] == model.to_dict()
    assert raw["failures"] == [{"id": trials[2].id, "number": 2, "error": "OutOfMemoryError: x."}]


def test_its_json_has_nothing_where_there_is_nothing_yet(staged: Any) -> None:
    raw = json.loads(json.dumps(look(staged).to_dict({}), allow_nan=False))
    assert (raw["test_accuracy"], raw["winner"], raw["model"]) == (None, None, None)
    assert raw["selection"]["reason"] == "no trial has run"
