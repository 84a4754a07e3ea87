import math
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from archsmith.values import Architecture, EpochRecord, Fidelity, GoesOn, Proposal, Stop, Trial
from archsmith.views.live import BARS, duration, line, sparkline, view
from archsmith.views.snapshot import Snapshot
from archsmith.views.terminal import Lines


def seen(staged: Any) -> str:
    console = Console(file=StringIO(), width=130, color_system=None)
    console.print(view(Snapshot.read(staged.folder, staged.search)))
    return console.file.getvalue()  # type: ignore[attr-defined]


def curve(*accuracies: float) -> list[EpochRecord]:
    return [EpochRecord(n, n, 0.0, 0.0, a, 0.0) for n, a in enumerate(accuracies, start=1)]


def test_a_search_that_begins_has_a_view(staged: Any) -> None:
    text = seen(staged)
    assert "tiny" in text
    assert "starting" in text
    assert "loading torch and the images" in text
    assert "no trial yet" in text
    assert "no incumbent: no trial has run" in text


def test_the_view_has_trials_what_runs_and_the_incumbent(staged: Any) -> None:
    staged.run(0.7, "OutOfMemoryError: The worker held [12] MB.")
    one, two = staged.propose(2)
    staged.record(one, 0.9)
    staged.folder.write_progress(two, tuple(curve(0.25, 0.5)))
    text = seen(staged)
    assert "round 2 of 3" in text
    assert "trials 3 of 6, 1 failed" in text
    assert "OutOfMemoryError: The worker held [12] MB." in text  # brackets are no markup
    assert "running" in text
    assert "▃▅" in text
    assert "incumbent: trial 2, accuracy 0.9, n_params 1,502" in text
    assert "layers=" in text
    assert "time 30 s" in text
    assert "left about 30 s" in text


def test_what_rungs_have_avoided_is_shown_once_there_is_something(staged: Any) -> None:
    staged.run(0.7)
    assert "trained" not in seen(staged)
    (proposal,) = staged.propose(1)
    staged.folder.record(Trial(proposal, "stopped", curve=tuple(curve(0.5)), stop=Stop(1, "median", 0.5, 0.1), seconds=3.0))
    assert "trained 3 of the 4 epochs that 2 architectures in full take (75 %), in 13 s; avoided 1 by stopping early" in seen(
        staged
    )
    lines = list[str]()
    staged.select()
    Lines(lines.append)(Snapshot.read(staged.folder, staged.search))
    assert lines[-2].startswith("trained 3 of the 4 epochs")
    console = Console(file=StringIO(), width=80, color_system=None)
    console.print(view(Snapshot.read(staged.folder, staged.search)))
    assert all(len(line) <= 80 for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]


def test_the_winner_that_is_trained_in_full_is_shown_as_such(staged: Any) -> None:
    trials = staged.run(0.7, 0.9)
    staged.select()
    staged.folder.write_progress(trials[1].proposal, tuple(curve(0.5)))
    text = seen(staged)
    assert text.count("retraining") == 2  # the phase, and the row
    assert "left about" not in text


def test_metrics_that_a_trial_lacks_are_blank(staged: Any) -> None:
    one, two = staged.propose(2)
    staged.folder.record(Trial(one, "complete", {"n_params": 5.0}))
    staged.folder.record(Trial(two, "complete", {"accuracy": math.nan, "n_params": 5.0}))
    assert "trials 2 of 6" in seen(staged)


@pytest.mark.parametrize(
    ("accuracies", "text"),
    [
        ([], ""),
        ([0.0, 0.5, 1.0], "▁▅█"),
        ([k / 8 for k in range(8)], BARS),
        ([-0.1, 1.1], "▁█"),
        ([0.5, math.nan], "▅ "),
        ([0.0] * 10 + [1.0] * 16, "█" * 16),
    ],
)
def test_a_sparkline_has_a_character_for_each_of_the_last_epochs(accuracies: list[float], text: str) -> None:
    assert sparkline(curve(*accuracies)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (61, "1 min 01 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (90061, "25 h 01 min"),
    ],
)
def test_a_duration_is_written_as_people_do(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_a_finished_trial_is_a_line() -> None:
    proposal = Proposal(Architecture("s", (1,)), Fidelity(4), number=7)
    trial = Trial(proposal, "complete", {"accuracy": 0.98765, "n_params": 1234.0}, seconds=3.21)
    assert line(trial) == "trial 0007  complete  accuracy 0.9877  n_params 1234  3.2 s"
    assert line(trial, rung=True) == "trial 0007  complete  4 epochs  accuracy 0.9877  n_params 1234  3.2 s"
    gone_on = replace(trial, proposal=replace(proposal, origin=GoesOn("0123456789ab", 1)), metrics={})
    assert line(gone_on, rung=True) == "trial 0007  complete  1 → 4 epochs  3.2 s"
    assert line(replace(trial, metrics={})) == "trial 0007  complete  3.2 s"
    stopped = replace(trial, status="stopped", metrics={}, stop=Stop(2, "median", 0.71234, 0.0123))
    assert line(stopped) == "trial 0007  stopped  3.2 s  after 2 of 4 epochs by median, which expected 0.7123 ± 0.012"
    failed = Trial(proposal, "failed", error="DivergedError: The loss is nan.")
    assert line(failed) == "trial 0007  failed  DivergedError: The loss is nan."


def at(staged: Any, width: int, height: int = 40) -> list[str]:
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(view(Snapshot.read(staged.folder, staged.search), height))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("width", "columns"), [(40, "trial status accuracy params"), (24, "trial accuracy"), (12, "accuracy")])
def test_of_a_narrow_terminal_the_accuracy_has_the_last_column(staged: Any, width: int, columns: str) -> None:
    staged.run(0.7123, "OutOfMemoryError: x.")
    lines = at(staged, width)
    assert all(len(line) <= width for line in lines)
    (heading,) = [line for line in lines if "accuracy " in line and "0.7" not in line and "incumbent" not in line][:1]
    assert heading.strip("│ ").split() == columns.split()
    assert any("0.7123" in line for line in lines)


def test_all_trials_are_shown_while_they_are_few(staged: Any) -> None:
    staged.run(0.7, 0.8, 0.9)
    assert sum("complete" in line for line in at(staged, 100)) == 3


def test_of_a_low_terminal_the_incumbent_stays_and_old_trials_go(staged: Any) -> None:
    staged.run(*(0.5 + k / 100 for k in range(10)))
    tall, low = at(staged, 100, 40), at(staged, 100, 17)
    assert len(low) <= 17 < len(tall)
    assert sum("complete" in line for line in tall) == 10
    assert 0 < sum("complete" in line for line in low) < 10
    assert any("incumbent: trial 9" in line for line in low)


def test_the_retraining_says_its_epoch_and_its_accuracy(staged: Any) -> None:
    trials = staged.run(0.7, 0.9)
    staged.select()
    assert "trial 1: epoch 0 of 3" in seen(staged)
    staged.folder.write_progress(trials[1].proposal, tuple(curve(0.5, 0.875)))
    text = seen(staged)
    assert "trial 1: epoch 2 of 3, accuracy 0.8750" in text
    assert "2/3" in text
