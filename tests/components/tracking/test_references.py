"""What a search was worth, in MLflow: metrics and a tag of its run, and a line in its description."""

from dataclasses import replace

import pytest

from archsmith.testing.references import NOT_WORTH_IT, WORTH_IT
from archsmith.tracking import Ended, Tracker
from archsmith.tracking.content import worth_metrics, worth_tags
from archsmith.tracking.description import note
from archsmith.values.references import Worth


def test_a_run_has_what_references_reach_and_what_was_gained_over_them(search, make_trial, sqlite_uri, look) -> None:
    tracker, trials = Tracker(search, sqlite_uri), [make_trial(0), make_trial(1)]
    tracker.sync(trials)
    tracker.publish({}, None, ended=Ended(1_700_000_100.0, "a"), trials=trials, worth=WORTH_IT)
    (run,) = look(sqlite_uri).runs()
    metrics = run.data.metrics
    assert (metrics["reference_residual_test_accuracy"], metrics["gain_over_residual"]) == pytest.approx((0.954, 0.021))
    assert metrics["gain_over_residual_error"] == pytest.approx(((0.033 - 0.021**2) / 999) ** 0.5)  # 27 gained, 6 lost
    assert (run.data.tags["archsmith.gained"], metrics["gain_over_linear"]) == ("yes", pytest.approx(0.114))
    assert "It is 2.1 points (± 0.6) above a small residual network" in run.data.tags["mlflow.note.content"]


def test_a_description_says_where_nothing_was_gained(search) -> None:
    said = note(search, ended=True, worth=NOT_WORTH_IT)
    assert "**Mind**: The search was not worth it: a small residual network of 61,000 parameters" in said
    assert "**Mind**: A linear model on the pixels could not be trained: DivergedError: nan" in said
    assert worth_tags(NOT_WORTH_IT) == {"archsmith.gained": "no"}


def test_where_no_reference_could_be_trained_nothing_is_known_of_a_gain(search) -> None:
    failed = replace(NOT_WORTH_IT, held=())
    assert (worth_tags(failed), worth_metrics(failed)) == ({}, {})
    assert note(search, worth=Worth()) == note(search)
