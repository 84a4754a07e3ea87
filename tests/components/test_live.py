import math
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from archsmith.live import BARS, duration, line, sparkline, view
from archsmith.snapshot import Snapshot
from archsmith.values import Architecture, EpochRecord, Fidelity, Proposal, Trial


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
    assert "round 1 of 3" in text
    assert "trials 0 of 6" in text
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
    proposal = Proposal(Architecture("s", (1,)), Fidelity(1), number=7)
    trial = Trial(proposal, "complete", {"accuracy": 0.98765, "n_params": 1234.0}, seconds=3.21)
    assert line(trial) == "trial 0007  complete  accuracy 0.9877  n_params 1234  3.2 s"
    assert line(replace(trial, metrics={})) == "trial 0007  complete  3.2 s"
    failed = Trial(proposal, "failed", error="DivergedError: The loss is nan.")
    assert line(failed) == "trial 0007  failed  DivergedError: The loss is nan."
