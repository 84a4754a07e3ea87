"""The suite that every estimator passes, and checkpoints in memory to test one with."""

import math
import time
from collections.abc import Callable, Set
from dataclasses import astuple, dataclass, field, replace

import pytest

from archsmith.evaluation.estimator import Checkpoints, Estimator
from archsmith.values import EpochRecord, GoesOn, Proposal, Trial
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


def killed_in_epoch(n: int) -> Callable[..., None]:
    """Return a progress under which the process ends after epoch `n`, before that epoch's checkpoint is written."""

    def progress(curve: tuple[EpochRecord, ...], *_: object) -> None:
        if len(curve) == n:
            raise Killed

    return progress


def outcome(trial: Trial) -> tuple[object, ...]:
    """Return what of a trial depends on proposal and seed alone."""
    measured = tuple(trial.metrics.get(name) for name in MEASURED)
    return trial.status, measured, tuple(astuple(record)[:-1] for record in trial.curve)


def rungs(proposal: Proposal) -> list[Proposal]:
    """Return trials of 1, 2 and all epochs of `proposal`, each of which goes on from the one before."""
    epochs = [e for e in (1, 2) if e < proposal.fidelity.epochs]
    climbed = [replace(proposal, fidelity=replace(proposal.fidelity, epochs=e)) for e in (*epochs, proposal.fidelity.epochs)]
    for k, e in enumerate(epochs):
        climbed[k + 1] = replace(climbed[k + 1], origin=GoesOn(climbed[k].id, e))
    return climbed


class EstimatorConformance:
    """Every estimator passes it: subclass it and give the fixtures `make`, `bad` and `proposal`.

    What is said of epochs holds trivially where trials have no curve, as those of most tables. The fidelity of `proposal` is the
    full one, and a schedule of the learning rate spans it all, so that going on can be held against training at once.
    """

    goes_on = True
    """Whether a trial that was killed goes on with its next epoch; else it begins anew, as a look into a table does."""

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
        assert all(trial.metrics[name] > 0 for name in (measured & METRICS.keys()) - {"accuracy"})

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
            assert len(told) == len(trial.curve) - (epoch - 1 if self.goes_on else 0)

    def test_a_damaged_checkpoint_is_passed_over(self, make: Make, proposal: Proposal, trial: Trial) -> None:
        checkpoints = MemoryCheckpoints({proposal.id: b"\x80\x02 not what was written"})
        assert outcome(make(checkpoints).estimate(proposal, seed=3, progress=lambda _: None)) == outcome(trial)

    def test_going_on_from_rung_to_rung_measures_the_same_as_training_at_once(
        self, make: Make, proposal: Proposal, trial: Trial
    ) -> None:
        checkpoints = MemoryCheckpoints()
        climbed = [make(checkpoints).estimate(rung, seed=3, progress=lambda _: None) for rung in rungs(proposal)]
        assert outcome(climbed[-1]) == outcome(trial)
        for rung, before in zip(climbed[1:], climbed, strict=False):
            assert rung.curve[: len(before.curve)] == before.curve

    def test_the_seconds_of_a_trial_that_goes_on_are_its_own(self, make: Make, proposal: Proposal) -> None:
        checkpoints = MemoryCheckpoints()
        for rung in rungs(proposal):
            begun = time.perf_counter()
            trial = make(checkpoints).estimate(rung, seed=3, progress=lambda _: None)
            if trial.curve:
                own = trial.curve[-1].seconds - (trial.curve[rung.epochs_before - 1].seconds if rung.epochs_before else 0)
                assert own <= trial.seconds <= time.perf_counter() - begun

    def test_a_trial_that_goes_on_and_was_killed_in_any_epoch_measures_the_same(
        self, make: Make, proposal: Proposal, trial: Trial
    ) -> None:
        *below, last = rungs(proposal)
        for epoch in range(last.epochs_before + 1, len(trial.curve) + 1):
            checkpoints = MemoryCheckpoints()
            for rung in below:
                make(checkpoints).estimate(rung, seed=3, progress=lambda _: None)
            with pytest.raises(Killed):
                make(checkpoints).estimate(last, seed=3, progress=killed_in_epoch(epoch))
            assert outcome(make(checkpoints).estimate(last, seed=3, progress=lambda _: None)) == outcome(trial)

    @pytest.mark.parametrize("state", [None, b"\x80\x02 not what was written"], ids=["lost", "damaged"])
    def test_a_trial_whose_parent_has_left_nothing_to_go_on_from_begins_anew(
        self, make: Make, proposal: Proposal, trial: Trial, state: bytes | None
    ) -> None:
        last = rungs(proposal)[-1]
        parents = {last.origin.trial: state} if isinstance(last.origin, GoesOn) and state else {}
        assert outcome(make(MemoryCheckpoints(parents)).estimate(last, seed=3, progress=lambda _: None)) == outcome(trial)

    def test_a_bad_candidate_becomes_a_failed_trial_that_says_why(self, bad: Make, proposal: Proposal) -> None:
        trial = bad(MemoryCheckpoints()).estimate(proposal, seed=3, progress=lambda _: None)
        assert trial.status == "failed"
        assert trial.metrics == {}
        assert trial.error
        assert trial.error.partition(":")[0].endswith("Error")
        assert (trial.proposal, trial.seed) == (proposal, 3)
        assert trial.seconds >= 0
