"""Grouping of failed trials."""

from collections.abc import Callable

from archsmith.report.failures import failures
from archsmith.values import Trial


def test_reasons_that_differ_only_in_numbers_are_one_and_the_most_frequent_comes_first(trial: Callable[..., Trial]) -> None:
    errors = ["out of memory: 12.5 MB", "diverged at step 3", "diverged at step 77\nmore"]
    trials = [trial(i, status="failed", error=e, metrics={}) for i, e in enumerate(errors)]
    found = failures(trials)
    assert [(f.reason, len(f.trials)) for f in found] == [("diverged at step 3", 2), ("out of memory: 12.5 MB", 1)]


def test_an_empty_error_is_said_to_be_one(trial: Callable[..., Trial]) -> None:
    assert failures([trial(0, status="failed", error=" ", metrics={})])[0].reason == "no reason was given"
