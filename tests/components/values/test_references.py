"""By how much a winner is better than simple networks, and what is said of it."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from archsmith.values import EpochRecord
from archsmith.values.references import Gain, Held, Reference, ReferenceName, Worth

METRICS = {"test_accuracy": 0.9, "n_params": 61_000.0, "flops": 2e6, "latency_s": 1e-3}


def reference(name: ReferenceName = "residual") -> Reference:
    curve = (EpochRecord(1, 5, 1.0, math.nan, 0.5, 2.0),)
    return Reference(name, "a network", 3, 3, 1, METRICS, curve, 2.0, 7, "cpu", {"pt2": 0.0, "onnx": 1e-7})


def worth(*gains: Gain) -> Worth:
    names: tuple[ReferenceName, ...] = ("linear", "residual")
    return Worth(tuple(Held(reference(name), gain) for name, gain in zip(names, gains, strict=True)))


def test_the_binomial_error_is_that_of_two_independent_draws() -> None:
    n, p, q = 400, 0.93, 0.8
    gain = Gain(n, round(n * p), round(n * q))
    assert gain.difference == pytest.approx(0.13)
    expected = math.hypot(stats.binom(n, p).std() / n, stats.binom(n, q).std() / n)
    assert gain.binomial_error == pytest.approx(expected)
    assert (gain.error, gain.paired_error) == (gain.binomial_error, None)


def test_the_paired_error_is_that_of_the_mean_difference_of_each_image() -> None:
    rng = np.random.default_rng(0)
    winner, other = rng.random(300) < 0.9, rng.random(300) < 0.85
    gain = Gain(300, int(winner.sum()), int(other.sum()), int((winner & ~other).sum()))
    assert gain.error == gain.paired_error == pytest.approx(stats.sem(winner.astype(int) - other.astype(int)))


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        (Gain(100, 90, 80, 12), "better"),
        (Gain(100, 90, 80), "better"),
        (Gain(100, 81, 80), "alike"),
        (Gain(100, 80, 80, 0), "alike"),
        (Gain(1000, 999, 999), "alike"),
        (Gain(100, 80, 90, 1), "worse"),
        (Gain(50, 41, 40, 1), "alike"),  # a single image: its difference is its standard error
        (Gain(1, 1, 0, 1), "alike"),
    ],
)
def test_a_difference_of_no_more_than_a_standard_error_is_none(gain: Gain, verdict: str) -> None:
    assert gain.verdict == verdict


def test_what_was_gained_is_said_in_points_with_the_best_reference_first() -> None:
    found = worth(Gain(1000, 951, 861), Gain(1000, 951, 930, 27))
    assert found.line == (
        "2.1 points (± 0.6) above a small residual network of 61,000 parameters; "
        "9.0 points (± 1.3) above a linear model on the pixels"
    )
    assert (found.gained, found.unbeaten, found.advice()) == (True, (), ())
    assert Gain(100, 80, 90, 0).points == "10.0 points (± 3.0) below"
    assert Gain(100, 80, 80, 8).points == "level (± 4.0 points) with"


def test_a_reference_that_had_less_time_than_it_needed_is_said_to_be_so() -> None:
    assert (
        dataclasses.replace(reference("linear"), epochs=2).words
        == "a linear model on the pixels (there was time for 2 of 3 epochs)"
    )


def test_a_winner_that_is_not_better_is_said_to_be_so_and_where_the_reference_lies() -> None:
    found = worth(Gain(1000, 900, 910), Gain(1000, 900, 940))
    assert found.gained is False
    assert [held.reference.name for held in found.unbeaten] == ["residual", "linear"]
    assert found.advice("/runs/searches/x/") == (
        "The search was not worth it: a small residual network of 61,000 parameters, trained in the same way, knows more of the "
        "test images than its winner does. It lies in /runs/searches/x/references/residual.",
        "The winner can't be told from a linear model on the pixels, trained in the same way: they differ by no more than chance "
        "would make them. It lies in /runs/searches/x/references/linear.",
    )


def test_where_nothing_could_be_trained_nothing_is_known_of_a_gain() -> None:
    found = Worth(failed={"linear": "DivergedError: nan"})
    assert (found.gained, found.best, found.line) == (None, None, "")
    assert found.failures == ("A linear model on the pixels could not be trained: DivergedError: nan",)


def test_what_a_search_was_worth_goes_to_json_and_back() -> None:
    found = Worth((Held(reference("residual"), Gain(10, 8, 7, 2)),), {"linear": "why"})
    again = Worth.from_dict(found.to_dict())
    assert again.to_dict() == found.to_dict()
    assert (again.held[0].gain, again.failed) == (found.held[0].gain, found.failed)
    assert again.held[0].reference.metrics == METRICS


@pytest.mark.parametrize("gain", [(0, 0, 0), (10, 11, 3), (10, 8, 7, 0), (10, 8, 7, 9)])
def test_counts_that_no_two_networks_have_are_refused(gain: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="parts of at least one image"):
        Gain(*gain)


def test_a_reference_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="No reference is called 'vgg'"):
        reference("vgg")  # type: ignore[arg-type]
