"""The suite that every estimator passes, and checkpoints in memory to test one with."""

import math
import time
from collections.abc import Callable, Set
from dataclasses import astuple, dataclass, field

import pytest

from archsmith.evaluation.estimator import Checkpoints, Estimator
from archsmith.values import EpochRecord, Proposal, Trial
from archsmith.values.metrics import METRICS, SPREAD

Make = Callable[[Checkpoints], Estimator]
"""Makes an estimator that keeps its checkpoints there."""

MEASURED = ("accuracy", "loss", "n_params", "flops", "peak_memory_mb")
"""Metrics that depend on proposal and seed alone; time does not."""


@dataclass(slots=True)
class MemoryCheckpoints:
    """Checkpoints in memory."""

    states: dict[str, bytes] = field(default_factory=dict)
    """The last state of each trial, by its id."""

    def read(self, trial: str) -> bytes | None:
        return self.states.get(trial)

    def write(self, trial: str, state: bytes) -> None:
        self.states[trial] = state


class Killed(BaseException):
    """What ends a process from outside; nothing in it may catch this."""


def killed_in_epoch(n: int) -> Callable[[tuple[EpochRecord, ...]], None]:
    """Return a progress under which the process ends after epoch `n`, before that epoch's checkpoint is written."""

    def progress(curve: tuple[EpochRecord, ...]) -> None:
        if len(curve) == n:
            raise Killed

    return progress


def outcome(trial: Trial) -> tuple[object, ...]:
    """Return what of a trial depends on proposal and seed alone."""
    measured = tuple(trial.metrics.get(name) for name in MEASURED)
    return trial.status, measured, tuple(astuple(record)[:-1] for record in trial.curve)


class EstimatorConformance:
    """Every estimator passes it: subclass it and give the fixtures `make`, `bad` and `proposal`.

    What is said of epochs holds trivially where trials have no curve, as those of a table.
    """

    @pytest.fixture
    def make(self) -> Make:
        raise NotImplementedError

    @pytest.fixture
    def bad(self) -> Make:
        """Make an estimator for which `proposal` is a bad candidate: it diverges, or can't be built."""
        raise NotImplementedError

    @pytest.fixture
    def proposal(self) -> Proposal:
        """Return what to measure, in a second or two."""
        raise NotImplementedError

    @pytest.fixture
    def measured(self) -> Set[str]:
        """Return the metrics that each complete trial has: all of them, unless the estimator's settings promise fewer.

        The spread of the latency may come with it, and is none of them.
        """
        return METRICS.keys()

    @pytest.fixture
    def trial(self, make: Make, proposal: Proposal) -> Trial:
        """Measure the proposal without disturbance."""
        return make(MemoryCheckpoints()).estimate(proposal, seed=3, progress=lambda _: None)

    def test_a_good_candidate_becomes_a_complete_trial(self, trial: Trial, proposal: Proposal) -> None:
        assert (trial.proposal, trial.status, trial.error, trial.seed) == (proposal, "complete", None, 3)
        assert trial.device
        assert trial.seconds > 0
        assert abs(trial.finished_at - time.time()) < 60

    def test_every_metric_is_measured_and_finite(self, trial: Trial, measured: Set[str]) -> None:
        assert set(trial.metrics) - {SPREAD} == set(measured)
        assert all(math.isfinite(value) for value in trial.metrics.values())
        assert 0 <= trial.metrics.get("accuracy", 0) <= 1
        assert all(trial.metrics[name] > 0 for name in measured - {"accuracy"})

    def test_the_curve_counts_epochs_steps_and_seconds_upwards(self, trial: Trial) -> None:
        assert [record.epoch for record in trial.curve] == list(range(1, len(trial.curve) + 1))
        for name in ("step", "seconds"):
            values = [getattr(record, name) for record in trial.curve]
            assert values == sorted(set(values))
        assert all(record.seconds <= trial.seconds for record in trial.curve)

    def test_progress_is_told_the_growing_curve_at_the_end_of_each_epoch(self, make: Make, proposal: Proposal) -> None:
        told: list[tuple[EpochRecord, ...]] = []
        trial = make(MemoryCheckpoints()).estimate(proposal, seed=3, progress=told.append)
        assert told == [trial.curve[: n + 1] for n in range(len(trial.curve))]

    def test_the_same_seed_measures_the_same(self, make: Make, proposal: Proposal, trial: Trial) -> None:
        again = make(MemoryCheckpoints()).estimate(proposal, seed=3, progress=lambda _: None)
        assert outcome(again) == outcome(trial)

    def test_a_trial_that_was_killed_in_any_epoch_goes_on_and_measures_the_same(
        self, make: Make, proposal: Proposal, trial: Trial
    ) -> None:
        for epoch in range(1, len(trial.curve) + 1):
            checkpoints = MemoryCheckpoints()
            with pytest.raises(Killed):
                make(checkpoints).estimate(proposal, seed=3, progress=killed_in_epoch(epoch))
            told: list[tuple[EpochRecord, ...]] = []
            resumed = make(checkpoints).estimate(proposal, seed=3, progress=told.append)
            assert outcome(resumed) == outcome(trial)
            assert len(told) == len(trial.curve) - (epoch - 1)

    def test_a_damaged_checkpoint_is_passed_over(self, make: Make, proposal: Proposal, trial: Trial) -> None:
        checkpoints = MemoryCheckpoints({proposal.id: b"\x80\x02 not what was written"})
        assert outcome(make(checkpoints).estimate(proposal, seed=3, progress=lambda _: None)) == outcome(trial)

    def test_a_bad_candidate_becomes_a_failed_trial_that_says_why(self, bad: Make, proposal: Proposal) -> None:
        trial = bad(MemoryCheckpoints()).estimate(proposal, seed=3, progress=lambda _: None)
        assert trial.status == "failed"
        assert trial.metrics == {}
        assert trial.error
        assert trial.error.partition(":")[0].endswith("Error")
        assert (trial.proposal, trial.seed) == (proposal, 3)
        assert trial.seconds >= 0
