import math
from dataclasses import replace

import numpy as np
import orjson
import pytest

from archsmith.values import Fidelity
from archsmith.values.durations import Course, Durations, Line, Speed, Timed, images_at, rough, steps_of

FIVE = Fidelity(5)
PLAIN = Durations((Timed(FIVE, 40, 30.0),), at_once=2, retrain_s=120.0, overhead_s=20.0)


def test_an_epoch_is_its_steps_its_validation_and_what_is_left_behind() -> None:
    speed = Speed(0.1, 0.001, steps=50, images=200, leaving_s=0.3, fixed_s=2.0)
    assert speed.epoch_s == pytest.approx(5 + 0.2 + 0.3)
    assert speed.training_s(4) == pytest.approx(4 * 5.5 + 2)
    assert Speed.from_dict(orjson.loads(orjson.dumps(speed.to_dict()))) == speed


SPEED = Speed(0.1, 0.001, steps=50, images=200, leaving_s=0.3)
"""An epoch takes 5 seconds of steps and half a second beside."""


@pytest.mark.parametrize(
    ("seconds", "course"),
    [
        (60.0, Course(9, limit_s=59.5)),  # 54 / 5.5
        (600.0, Course(20, limit_s=599.5)),
        (4.0, Course(1, 3.1 / 5, 3.5)),
        (0.01, Course(1, 1 / 50, 0.0)),
    ],
)
def test_a_limited_training_is_planned_with_nine_tenths_of_its_time(seconds: float, course: Course) -> None:
    found = Course.within(seconds, SPEED, most=20)
    assert (found.epochs, found.limit_s) == (course.epochs, pytest.approx(course.limit_s))
    assert found.share == pytest.approx(course.share)
    assert Course(**orjson.loads(orjson.dumps(found.to_dict()))) == found


def makespan(seconds: list[float], workers: int, rounds: int) -> float:
    """Let whoever is free take the next one; all wait for each other after a round."""
    now = 0.0
    for part in np.array_split(seconds, rounds):
        free = [now] * workers
        for each in part:
            k = int(np.argmin(free))
            free[k] += each
        now = max(free)
    return now


@pytest.mark.parametrize(("n", "workers", "rounds"), [(40, 1, 1), (40, 2, 1), (60, 6, 1), (40, 4, 5), (200, 16, 2), (3, 8, 1)])
def test_workers_that_take_one_trial_after_the_other_take_about_so_long(n: int, workers: int, rounds: int) -> None:
    rng = np.random.default_rng(0)
    found = np.mean([makespan(list(rng.gamma(20, 1.5, n)), workers, rounds) for _ in range(50)])  # 30 s on average
    expected = Durations((Timed(FIVE, n, 30.0),), at_once=workers, rounds=rounds if rounds > 1 else None).trials_s
    assert expected == pytest.approx(found, rel=0.15)


def test_all_parts_are_in_the_sum_and_in_the_words() -> None:
    assert PLAIN.trials_s == pytest.approx(40 * 30 / 2 + 30 / 4)
    assert PLAIN.total_s == pytest.approx(607.5 + 140)
    assert PLAIN.words == (
        "About 12 minutes here: 40 trials of about 30 seconds, 2 at a time (10 minutes), the winner's training (2 minutes), "
        "all else (20 seconds)."
    )
    assert "its references (1 minute)" in replace(PLAIN, references_s=60.0).words


def test_a_limit_ends_the_trials_but_not_those_that_run() -> None:
    limited = replace(PLAIN, limit_s=300.0)
    assert limited.search_s == pytest.approx(300 + 15)
    assert limited.trials_in_time == pytest.approx(40 * 300 / 607.5)
    assert "about 20 of 40 trials, as `budget.minutes` ends them, 2 at a time (5 minutes)" in limited.words
    assert replace(PLAIN, limit_s=3600.0).words == PLAIN.words


def test_rungs_and_looks_are_told_apart() -> None:
    rungs = Durations((Timed(Fidelity(1), 27, 2.0), Timed(Fidelity(3), 9, 4.0), Timed(Fidelity(9), 3, 12.0)))
    assert rungs.trials_s == pytest.approx(54 + 36 + 36)
    assert "about 39 trials on 3 rungs (27 + 9 + 3)" in rungs.words
    shared = Durations((Timed(FIVE, 200, 0.1, "looks"), Timed(FIVE, 1, 60.0)), shared_s=300.0)
    assert "shared weights (5 minutes), 200 looks and 1 trial (1.5 minutes)" in shared.words


def test_it_goes_to_json_and_back() -> None:
    for durations in (PLAIN, replace(PLAIN, limit_s=60.0, rounds=3, notes=("Perhaps less.",), shared_s=4.0)):
        assert Durations.from_dict(orjson.loads(orjson.dumps(durations.to_dict()))) == durations
    assert math.isinf(Durations.from_dict(PLAIN.to_dict()).limit_s)


def test_a_line_of_least_squares_goes_through_what_was_measured() -> None:
    rng = np.random.default_rng(1)
    sizes = rng.uniform(1, 9, 5)
    seconds = 2 + 0.5 * sizes + rng.normal(0, 0.1, 5)
    line, (slope, fixed) = Line.through(list(zip(sizes, seconds, strict=True))), np.polyfit(sizes, seconds, 1)
    assert (line.slope, line.fixed) == pytest.approx((slope, fixed))
    assert line.mean([1.0, 3.0]) == pytest.approx(fixed + 2 * slope)


def test_no_network_takes_less_time_the_more_it_computes_nor_less_than_none_at_all() -> None:
    assert Line.through([(1.0, 5.0), (2.0, 3.0)]) == Line(4.0, 0.0)
    assert Line.through([(3.0, 7.0)]) == Line(7.0, 0.0)
    steep = Line.through([(1.0, 1.0), (2.0, 6.0)])
    assert (steep.fixed, steep.slope) == (0.0, pytest.approx(13 / 5))  # sum(xy) / sum(xx)


def test_epochs_have_full_batches_of_the_part_of_each_class() -> None:
    assert images_at((10, 3, 0, 100), 0.25) == 3 + 1 + 25
    assert images_at((10, 3, 0, 100), 1.0) == 113
    assert (steps_of(29, 8), steps_of(3, 8)) == (3, 1)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 second"), (7.4, "7 seconds"), (43.0, "45 seconds"), (59.0, "1 minute"), (110.0, "2 minutes"),
        (150.0, "2.5 minutes"),
        (745.0, "12 minutes"), (7300.0, "2 hours"), (9100.0, "2.5 hours"), (86400.0 * 3, "3 days"),
    ],
)  # fmt: skip
def test_what_is_known_about_is_said_in_round_numbers(seconds: float, said: str) -> None:
    assert rough(seconds) == said
