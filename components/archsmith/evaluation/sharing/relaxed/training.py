"""The training of a mixed network and of its choices, epoch by epoch; it can be stopped after any epoch and go on later."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from archsmith.errors import DivergedError
from archsmith.evaluation.batches import Batch, Batches
from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.relaxed.alphas import Alphas, named
from archsmith.evaluation.sharing.relaxed.cost import Prices
from archsmith.evaluation.sharing.relaxed.gradients import Average, alone
from archsmith.evaluation.sharing.relaxed.learner import Learner
from archsmith.evaluation.sharing.relaxed.looked import Chosen, looked_at
from archsmith.evaluation.sharing.relaxed.skips import limited, most_skips
from archsmith.evaluation.sharing.relaxed.supernet import Supernet, compile_options
from archsmith.evaluation.training import CHECK_EVERY
from archsmith.models.initialise import initialise
from archsmith.models.mixed.network import Mixed
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import Relaxed
from archsmith.values import Architecture, SupernetEpoch

STATISTICS = 10
"""Batches from which an architecture gets its batch normalisation's statistics before it is looked at."""


@dataclass(frozen=True, slots=True)
class Shares:
    """The images of a training of shared weights."""

    weights: Batches
    """What the weights are trained on."""
    alphas: Batches | None
    """What the choices are trained on; None where that is the same."""
    validation: Batches
    """What neither is trained on."""
    plain: Batches
    """What the weights are trained on, not augmented, as those to validate with are not."""


class RelaxedTraining:
    """Trains the weights of all options and the parameters of the choices; see `SupernetTraining`.

    Args:
        network: What to train; its weights are drawn anew from `seed`.
        images: What to train and to validate on.
        settings: The method.
        training: Precision and label smoothing.
        device: Where to train.
        seed: Seed of weights, alphas, order of images, augmentation and samples.
        prices: What the options cost, where the settings weigh that.
        average: Averages gradients over the processes that train together.
    """

    def __init__(
        self,
        network: Mixed,
        images: Shares,
        settings: Relaxed,
        training: TrainingSpec,
        *,
        device: Device,
        seed: int,
        prices: Prices | None = None,
        average: Average = alone,
    ) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        initialise(network, self._generator)
        device.place(network)
        if settings.compile:
            compile_options(network)
        self.network = network
        self.alphas = Alphas(network.points, self._generator, device.target)
        self.epochs: list[SupernetEpoch] = []
        self._images, self._settings, self._device, self._seed = images, settings, device, seed
        self._supernet = Supernet(network, device, training)
        self._learner = Learner(
            self._supernet, self.alphas, settings, self._generator, scaler=device.scaler(training.precision),
            steps=settings.epochs * len(images.weights), prices=prices, average=average,
        )  # fmt: skip
        self._precision, self._average = training.precision, average
        self._ended = False

    def run(self) -> Iterator[SupernetEpoch]:
        """Train the epochs that are left, and yield the record of each; raises `DivergedError` where a loss is not finite."""
        while len(self.epochs) < self._settings.epochs and not self._ended:
            self.epochs.append(self._epoch())
            self._ended = self._skips_too_much()
            yield self.epochs[-1]

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs to go on exactly here: tensors and plain values only."""
        return {
            "learner": self._learner.state(),
            "generator": self._generator.get_state(),
            "epochs": [record.to_dict() for record in self.epochs],
            "ended": self._ended,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; where it does not fit, this raises, and the training is of no more use."""
        self._learner.restore(state["learner"])
        self._generator.set_state(state["generator"])
        self.epochs = [SupernetEpoch.from_dict(record) for record in state["epochs"]]
        if len(self.epochs) > self._settings.epochs:
            raise ValueError(f"it is of {len(self.epochs)} epochs, not of {self._settings.epochs}")
        self._ended = state["ended"]

    def derived(self, n: int) -> tuple[Architecture, ...]:
        """Return up to `n` different architectures, the most probable first."""
        probabilities, most = self.alphas.probabilities(), self._settings.most_skips
        if most is None:
            return tuple(self.network.derive(probabilities, n))
        points = self.network.points
        probabilities = limited(points, probabilities, most, self.network.likeliest)
        found = self.network.derive(probabilities, n, lambda path: most_skips(points, path) <= most)
        return tuple(found or self.network.derive(probabilities, 1))

    def _epoch(self) -> SupernetEpoch:
        start = time.perf_counter()
        seconds = self.epochs[-1].seconds if self.epochs else 0.0
        number = len(self.epochs) + 1
        train_loss = self._train(number)
        loss, accuracy = self._looked_at(architecture := self.derived(1)[0])
        held = self._images.alphas or self._images.weights
        eigenvalue = self._learner.eigenvalue(next(self._the_same(held))) if self._settings.eigenvalue else None
        return SupernetEpoch(
            number, number * len(self._images.weights), train_loss, seconds + time.perf_counter() - start, loss, accuracy,
            probabilities=named(self.network.points, self.alphas.probabilities()),
            temperature=self._learner.temperature(number / self._settings.epochs) if self._learner.has_temperature else None,
            eigenvalue=eigenvalue, derived=architecture,
        )  # fmt: skip

    def _train(self, epoch: int) -> float:
        """Train an epoch and return the mean loss of the weights."""
        self.network.train()
        total = torch.zeros((), device=self._device.target)
        n, held = len(self._images.weights), self._held()
        for step, batch in enumerate(self._images.weights.epoch(self._generator)):
            total += self._learner.step((epoch - 1 + step / n) / self._settings.epochs, step, batch, held)
            if (step + 1) % CHECK_EVERY == 0 or step + 1 == n:
                self._average([total])  # so that all processes see the same
                if not math.isfinite(mean := total.item() / (step + 1)):
                    raise DivergedError(f"The training loss is {mean} in epoch {epoch}; try a lower `learning_rate`.")
        return total.item() / n

    def _held(self) -> Iterator[Batch]:
        """Yield batches for the choices, as many as are wanted."""
        while self._images.alphas is not None:
            yield from self._images.alphas.epoch(self._generator)

    def _the_same(self, batches: Batches) -> Iterator[Batch]:
        """Yield batches that are the same whenever they are asked for, and take nothing from the generator."""
        return batches.epoch(torch.Generator().manual_seed(self._seed))

    def _looked_at(self, architecture: Architecture) -> tuple[float, float]:
        """Return validation loss and accuracy of an architecture with the shared weights."""
        statistics = (x for x, _ in islice(self._the_same(self._images.plain), STATISTICS))
        return looked_at(Chosen(self.network, architecture), statistics, self._images.validation, self._device, self._precision)

    def _skips_too_much(self) -> bool:
        """Tell whether the training ends here, since a cell has come to too many skips."""
        most = self._settings.most_skips
        if not self._settings.end_at_skips or most is None:
            return False
        return most_skips(self.network.points, self.network.likeliest(self.alphas.probabilities())) > most
