"""The interface of a training of shared weights."""

from collections.abc import Iterator
from typing import Any, Protocol

from archsmith.values import Architecture, SupernetEpoch


class SupernetTraining(Protocol):
    """Trains shared weights epoch by epoch. The step `train_supernet` calls it, and writes its state after each epoch.

    All randomness comes from its seed; restored after any epoch, in any process, it ends as an undisturbed one does (CPU).
    """

    def run(self) -> Iterator[SupernetEpoch]:
        """Train the epochs that are left, and yield the record of each; raises `DivergedError` where a loss is not finite."""
        ...

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs to go on exactly here: tensors and plain values only."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; where it does not fit, this raises, and the training is of no more use."""
        ...

    def derived(self, n: int) -> tuple[Architecture, ...]:
        """Return up to `n` different architectures that the training prefers, the best first; none where it prefers none."""
        ...
