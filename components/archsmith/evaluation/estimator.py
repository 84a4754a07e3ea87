"""The interface of an estimator: from a proposal to a trial."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from archsmith.values import Architecture, EpochRecord, Proposal, Stop, Trial

Progress = Callable[[tuple[EpochRecord, ...]], None]
"""Called with the curve so far at the end of each epoch, in the process that trains."""

Look = Callable[[Proposal, tuple[EpochRecord, ...]], Stop | None]
"""Called with the curve so far after each epoch of its own but the last one; what it returns ends the trial there."""


def look_at_nothing(proposal: Proposal, curve: tuple[EpochRecord, ...]) -> None:
    """Let every trial run on."""
    del proposal, curve


class Checkpoints(Protocol):
    """Where an estimator leaves what it, or a trial that goes on from this one, needs to go on; the store, in a search."""

    def read(self, trial: str) -> bytes | None:
        """Return the checkpoint of the trial with this id, or None where there is none."""
        ...

    def write(self, trial: str, state: bytes) -> None:
        """Keep `state` in place of the one before; a fault that may pass is passed over."""
        ...


class Estimator(Protocol):
    """Measures a candidate. The estimate step calls it, in a worker process of its own for each trial.

    Where the settings say that it only looks things up, it is called in the step's own process. It never raises for a bad
    candidate: one that diverges or crashes comes back as a failed trial with its error, and the search goes on. The same
    proposal and seed give the same metrics on a CPU.
    """

    def estimate(self, proposal: Proposal, *, seed: int, progress: Progress) -> Trial:
        """Measure `proposal`, going on from its checkpoint where there is one, else from where its origin says.

        A trial that goes on from another has the whole curve, and in the end the metrics of a training that was never
        stopped; its seconds are its own.

        Args:
            proposal: What to measure, and at which fidelity.
            seed: Seed of everything random in it, in [0, 2^32).
            progress: Called at the end of each epoch.

        Returns:
            A trial with a finite value of every metric that its settings promise in `measures`, or a failed one.
        """
        ...


@runtime_checkable
class KnowsTests(Protocol):
    """An estimator that knows what an architecture reaches on test images, without training it."""

    def test(self, architecture: Architecture) -> Mapping[str, float]:
        """Return `test_accuracy`, or nothing where it is not known; the retrain step asks once, for the winner."""
        ...
