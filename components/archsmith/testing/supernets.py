"""A training of shared weights that needs no torch, to test what goes on around one."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from archsmith.errors import DivergedError
from archsmith.spaces.space import Space
from archsmith.values import Architecture, SupernetEpoch

STEPS = 4
"""Steps of an epoch."""

Disturb = Callable[[int, int], None]
"""Called in each step with the numbers of the epoch and of the step, from 1; what it raises ends the training there."""


def undisturbed(epoch: int, step: int) -> None:
    """Let the training run on."""
    del epoch, step


@dataclass
class WalkingTraining:
    """Trains by a random walk: the preferences for the options of each decision move a bit each step.

    It is a `SupernetTraining`: what it ends with depends on its seed alone, however often it was stopped.
    """

    space: Space
    """Where the architectures come from."""
    epochs: int
    """Epochs in all."""
    seed: int = 0
    """Seed of the walk."""
    disturb: Disturb = undisturbed
    """Called in each step."""
    diverges_after: float = math.inf
    """The epoch after which the loss is no number."""
    epoch: int = 0
    """Epochs so far."""
    walk: np.ndarray = field(init=False)
    """(n_decisions, n_options), of as many options as the decision with the most has."""

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self.walk = np.zeros((len(self.space.decisions), max(len(d.choices) for d in self.space.decisions)))

    def run(self) -> Iterator[SupernetEpoch]:
        while self.epoch < self.epochs:
            for step in range(1, STEPS + 1):
                self.disturb(self.epoch + 1, step)
                self.walk = self.walk + self._rng.normal(size=self.walk.shape)
            self.epoch += 1
            if self.epoch > self.diverges_after:
                raise DivergedError("The training loss is nan in the supernet.")
            best = self.derived(1)[0]
            yield SupernetEpoch(
                self.epoch, STEPS * self.epoch, 1.0 / self.epoch, float(self.epoch), 1.0, 0.5, self._probabilities(), derived=best
            )

    def state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "walk": self.walk.tolist(), "rng": str(self._rng.bit_generator.state["state"]["state"])}

    def restore(self, state: dict[str, Any]) -> None:
        self.epoch, self.walk = state["epoch"], np.array(state["walk"])
        raw = self._rng.bit_generator.state
        raw["state"]["state"] = int(state["rng"])
        self._rng.bit_generator.state = raw

    def derived(self, n: int) -> tuple[Architecture, ...]:
        rng = np.random.default_rng(abs(int(1e6 * self.walk.sum())))
        drawn = (self.space.canonical(self.space.sample(rng)) for _ in range(50 * n))
        return tuple(dict.fromkeys(drawn))[:n]

    def _probabilities(self) -> Mapping[str, Mapping[str, float]]:
        found = {}
        for decision, row in zip(self.space.decisions, self.walk, strict=True):
            weights = np.exp(row[: len(decision.choices)])
            shares = (weights / weights.sum()).tolist()
            found[decision.name] = dict(zip(map(str, decision.choices), shares, strict=True))
        return found
