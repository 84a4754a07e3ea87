import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from archsmith.values import (
    Architecture,
    Choice,
    EpochRecord,
    Fidelity,
    FromScratch,
    GoesOn,
    History,
    Inherits,
    Proposal,
    Shared,
    Stop,
    Trial,
    curve_from_rows,
    curve_to_rows,
)
from archsmith.values.metrics import METRICS
from archsmith.values.outcome import Selection, TrainedModel

A = Architecture("chain", (2, "conv", 16, None, 0.5, True))
STOP = Stop(3, "median", 0.8, 0.05)


def trial(number: int, *, start: float = 0.0, end: float = 0.0) -> Trial:
    proposal = Proposal(Architecture("s", (number,)), Fidelity(1), number=number)
    return Trial(proposal, "complete", seconds=end - start, finished_at=end)


def some_choice(draw: random.Random) -> Choice | None:
    kinds: list[Choice | None] = [None, draw.randint(-5, 10**12), draw.random(), draw.random() < 0.5]
    return draw.choice([*kinds, draw.choice(["conv", "", "ünïcode", "a 'quoted' \"text\"\n"])])


def some_record(draw: random.Random, epoch: int) -> EpochRecord:
    return EpochRecord(epoch, 7 * epoch, draw.expovariate(1), draw.expovariate(1), draw.random(), draw.random() * 1e4)


def some_trials(n: int) -> Iterator[Trial]:
    for number in range(n):
        draw = random.Random(number)
        architecture = Architecture("chain", tuple(some_choice(draw) for _ in range(draw.randint(0, 8))))
        shares = (draw.uniform(0.01, 1), draw.choice([1, 0.5]), 1.0, draw.uniform(0.01, 1))
        origin = draw.choice([FromScratch(), GoesOn("0123456789ab", 2), Inherits("0123456789ab"), Shared()])
        proposal = Proposal(architecture, Fidelity(draw.randint(3, 300), *shares), origin, "why: «so»", number, number // 8)
        curve = tuple(some_record(draw, e) for e in range(1, draw.randint(1, 5)))
        failed, stop = draw.random() < 0.3, draw.choice([None, Stop(draw.randint(1, 9), "median", draw.random(), draw.random())])
        yield Trial(
            proposal,
            "failed" if failed else "stopped" if stop else "complete",
            {} if failed else {name: draw.random() * 10 ** draw.randint(-6, 9) for name in METRICS},
            curve,
            error="DivergedError: …" if failed else None,
            seconds=draw.random(),
            finished_at=1.7e9 + draw.random(),
            seed=draw.randrange(2**32),
            device="NVIDIA H200",
            checkpoint=draw.choice([None, "checkpoints/x.pt"]),
            stop=None if failed else stop,
        )


def through_json(raw: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(raw, allow_nan=False))


@pytest.mark.parametrize("value", list(some_trials(60)), ids=lambda t: t.id)
def test_a_trial_goes_to_json_and_back_unchanged(value: Trial) -> None:
    back = Trial.from_dict(through_json(value.to_dict()))
    assert back == value
    assert back.id == value.id == value.to_dict()["proposal"]["id"]
    assert [type(c) for c in back.proposal.architecture.choices] == [type(c) for c in value.proposal.architecture.choices]


def test_a_selection_and_a_trained_model_go_to_json_and_back_unchanged() -> None:
    curve = tuple(some_record(random.Random(1), epoch) for epoch in (1, 2, 3))
    found = {"test_accuracy": 0.9, "n_params": 5.0, "flops": 7.0, "latency_s": 0.1}
    numbers: dict[str, Any] = {"metrics": found, "agreement": {"pt2": 0.0, "onnx": 1e-7}}
    model = TrainedModel(
        "t", A, 3, 2, curve=curve, seconds=5.5, seed=9, device="cpu", classes=("a", "b"), input_shape=(3, 8, 9), **numbers
    )
    for value in (model, Selection("b", ("b", "a"), "because"), Selection(None)):
        assert type(value).from_dict(through_json(value.to_dict())) == value


def test_what_is_not_finite_is_null_in_json_and_comes_back_as_nan() -> None:
    record = EpochRecord(1, 10, math.inf, math.nan, 0.1, 2.0)
    rows = curve_to_rows((record,))
    assert rows == [[1, 10, None, None, 0.1, 2.0]]
    (back,) = curve_from_rows(json.loads(json.dumps(rows)))
    assert (back.epoch, back.step, back.val_accuracy, back.seconds) == (1, 10, 0.1, 2.0)
    assert math.isnan(back.train_loss)
    assert math.isnan(back.val_loss)
    measured = Trial(Proposal(A, Fidelity(1)), "complete", {"accuracy": 0.5, "loss": math.nan, "latency_s": -math.inf})
    raw = through_json(measured.to_dict())["metrics"]
    assert raw == {"accuracy": 0.5, "loss": None, "latency_s": None}
    metrics = Trial.from_dict(through_json(measured.to_dict())).metrics
    assert metrics["accuracy"] == 0.5
    assert math.isnan(metrics["loss"])
    assert math.isnan(metrics["latency_s"])


def test_ids_never_change_from_one_release_to_the_next() -> None:
    # Stores hold them: a change of how they are made would make every old search start anew.
    assert A.id == "d670d25dc095"
    assert Proposal(A, Fidelity(3, data=0.25)).id == "81ace3a9f735"
    assert Proposal(A, Fidelity(3, data=0.25), GoesOn("0123456789ab", 2)).id == "416110593fca"
    assert Proposal(A, Fidelity(3, data=0.25), Inherits("0123456789ab")).id == "4e6455b5953f"


@pytest.mark.parametrize("seed", ["0", "12345", "random"])
def test_ids_are_the_same_in_every_process(seed: str) -> None:
    code = "\n".join([
        "from archsmith.values import *",
        f"proposal = Proposal({A!r}, Fidelity(3, data=0.25), GoesOn('p', 2))",
        "print(proposal.architecture.id, proposal.id)",
    ])  # fmt: skip
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [A.id, Proposal(A, Fidelity(3, data=0.25), GoesOn("p", 2)).id]


def test_an_id_tells_apart_what_is_measured_and_nothing_else() -> None:
    base = Proposal(A, Fidelity(3))
    others = [
        Proposal(Architecture("cell", A.choices), Fidelity(3)),
        Proposal(Architecture("chain", (3, *A.choices[1:])), Fidelity(3)),
        Proposal(A, Fidelity(4)),
        *(Proposal(A, Fidelity(3, **{name: 0.5})) for name in ("data", "width", "depth", "resolution")),
        *(Proposal(A, Fidelity(3), origin) for origin in (GoesOn("x", 1), Inherits("x"), GoesOn("y", 1), Shared())),
    ]
    assert len({p.id for p in [base, *others]}) == len(others) + 1
    assert Proposal(A, Fidelity(3, data=1), reason="other", number=7, round=2).id == base.id  # 1 is 1.0


def test_ids_hardly_ever_collide() -> None:
    ids = {Architecture("s", (i, j)).id for i in range(100) for j in range(200)}
    assert len(ids) == 20_000
    assert all(len(i) == 12 and set(i) <= set("0123456789abcdef") for i in ids)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("epochs", 0, "The value of `epochs` is 0, but must be >= 1."),
        ("data", 0.0, "The value of `data` is 0.0, but must be in (0, 1]; 1 is full fidelity."),
        ("width", 1.1, "The value of `width` is 1.1, but must be in (0, 1]; 1 is full fidelity."),
        ("depth", -1, "The value of `depth` is -1, but must be in (0, 1]; 1 is full fidelity."),
        ("resolution", math.nan, "The value of `resolution` is nan, but must be in (0, 1]; 1 is full fidelity."),
    ],
)
def test_an_impossible_fidelity_is_refused(field: str, value: float, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        Fidelity(**{"epochs": 1, field: value})
    assert str(caught.value) == text


@pytest.mark.parametrize(("status", "error"), [("failed", None), ("complete", "TimeLimitError: …"), ("stopped", "…")])
def test_a_trial_has_an_error_when_it_failed_and_only_then(status: Any, error: str | None) -> None:
    stop = STOP if status == "stopped" else None
    with pytest.raises(ValueError, match="A trial has an error when it failed, and only then"):
        Trial(Proposal(A, Fidelity(1)), status, error=error, stop=stop)


@pytest.mark.parametrize(("status", "error", "stop"), [("stopped", None, None), ("complete", None, STOP), ("failed", "…", STOP)])
def test_a_trial_says_why_it_was_stopped_if_it_was_and_only_then(status: Any, error: str | None, stop: Stop | None) -> None:
    with pytest.raises(ValueError, match="A trial says why it was stopped, if it was, and only then"):
        Trial(Proposal(A, Fidelity(1)), status, error=error, stop=stop)


@pytest.mark.parametrize("wrong", [{"epoch": 0}, {"predicted": math.nan}, {"deviation": -0.1}, {"deviation": math.inf}])
def test_a_stop_has_a_finite_prediction(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="A stop has an epoch from 1, and a prediction that is finite"):
        replace(STOP, **wrong)


def test_a_fidelity_costs_what_its_share_of_a_training_does() -> None:
    assert Fidelity(27).cost == 27
    assert Fidelity(8, data=0.5, width=0.5, depth=0.25, resolution=0.5).cost == 8 * 0.5 * 0.25 * 0.25 * 0.25


def test_a_history_is_the_same_whatever_order_its_trials_come_in() -> None:
    trials = [trial(n) for n in range(4)]
    expected = History(tuple(trials))
    assert [t.proposal.number for t in expected] == [0, 1, 2, 3]
    for order in permutations(trials):
        assert History.of(order) == expected
        assert History(tuple(order)).trials == expected.trials
    assert len(expected) == 4


def test_a_history_knows_what_was_measured_and_what_has_metrics() -> None:
    good, failed = trial(0), Trial(Proposal(A, Fidelity(2)), "failed", error="OutOfMemoryError: …")
    stopped = Trial(Proposal(A, Fidelity(3), number=1), "stopped", stop=STOP)
    history = History.of([good, failed, stopped])
    assert [t.status for t in history.completed] == ["complete"]
    assert [t.status for t in history.failed] == ["failed"]
    assert history.measured == {(good.proposal.architecture, Fidelity(1)), (A, Fidelity(2)), (A, Fidelity(3))}


@pytest.mark.parametrize("seed", range(20))
def test_the_busy_time_is_that_in_which_any_trial_runs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, 60, size=12)
    spans = [(int(s), int(s + d)) for s, d in zip(starts, rng.integers(0, 15, size=12), strict=True)]
    history = History.of([trial(k, start=s, end=e) for k, (s, e) in enumerate(spans)])
    seconds = [any(s <= second < e for s, e in spans) for second in range(100)]  # brute force on a grid of seconds
    assert history.busy_s() == sum(seconds)


def test_nothing_has_run_in_an_empty_history() -> None:
    assert History().busy_s() == 0
    assert len(History()) == 0
    assert History().completed == ()
