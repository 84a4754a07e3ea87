"""Training of one network, epoch by epoch, which can be stopped after any epoch and go on later."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.errors import DivergedError, TimeLimitError
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.device import Device, Precision, to_cpu
from archsmith.evaluation.distillation import distil
from archsmith.evaluation.optimization import make_optimizer, multiplier, share_of_span
from archsmith.evaluation.seeding import seeded
from archsmith.models.initialise import initialise
from archsmith.models.morphisms import Inherited, inherit
from archsmith.models.widening import widened
from archsmith.spec import TrainingSpec
from archsmith.values import Born, EpochRecord, seed_from
from archsmith.values.births import Birth, birth_from_dict

CHECK_EVERY = 50
"""Steps between two looks at the loss; each look waits for a GPU."""


class Training:
    """A training run: the network, its optimizer, and how far it has come.

    Args:
        network: What to train; its weights are drawn anew from `seed`.
        batches: The training images.
        validation: The validation images.
        settings: Optimizer, schedule and the like.
        epochs: Passes over the training images, those that another trial has had before included.
        device: Where to train.
        seed: Seed of weights, order of images and augmentation.
        spans: The epochs at which the learning rate's schedule ends, and begins anew where there are more, rising. The last one
            is the horizon: where it lies beyond `epochs`, this is a prefix of a longer training. Left out, it is `epochs`.
        limit_s: Seconds of training and validation after which it is given up; those of a trial before do not count.
        cut_off: Whether it ends at its limit with what it has learned by then, and is not given up.
        share: Share of its only epoch that is trained, in (0, 1], where there is no time for all of it.
        keep_best: Whether the weights of the best epoch are kept beside those of the last one.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        validation: Batches,
        settings: TrainingSpec,
        *,
        epochs: int,
        device: Device,
        seed: int,
        spans: Sequence[int] = (),
        limit_s: float = math.inf,
        cut_off: bool = False,
        share: float = 1.0,
        keep_best: bool = False,
    ) -> None:
        self._seed, self._generator = seed, torch.Generator().manual_seed(seed)
        initialise(network, self._generator)
        self.network = device.place(network)
        self.curve: list[EpochRecord] = []
        self.before = 0
        """Epochs of the curve that another trial has had."""
        self.birth: Birth | None = None
        """What it has begun with, where it was to inherit weights; it is set before the first epoch."""
        self._ancestors = 0
        """Epochs that its weights were trained for before those of the curve, by the trials that they were inherited from."""
        self.best_weights: dict[str, Tensor] | None = None
        self._batches, self._validation, self._settings = batches, validation, settings
        self._epochs, self._device, self._limit_s, self._keep_best = epochs, device, limit_s, keep_best
        self._optimizer = make_optimizer(self.network, settings)
        self._cut_off, self._steps = cut_off, max(1, math.ceil(share * len(batches)))
        self._spans: Sequence[float] = tuple(spans) or (epochs * share,)
        self._scaler = device.scaler(settings.precision)

    def run(self) -> Iterator[EpochRecord]:
        """Train the epochs that are left, and yield the record of each.

        Raises:
            DivergedError: The training loss or the validation loss is not finite.
            TimeLimitError: Training took longer than its limit, and is not cut off there.
        """
        while len(self.curve) < self._epochs and not self._is_cut_off:
            self.curve.append(self._epoch())
            if self._keep_best and self.curve[-1] is self.best:
                self.best_weights = to_cpu(self.network.state_dict())
            yield self.curve[-1]

    @property
    def best(self) -> EpochRecord:
        """The epoch of the highest validation accuracy; of equals the one of the lowest loss, then the first."""
        return max(self.curve, key=lambda r: (r.val_accuracy, -r.val_loss))

    @property
    def seconds(self) -> float:
        """Seconds of its birth and its own epochs, not of those that another trial has had before."""
        return self._seconds_at(len(self.curve)) - (self._seconds_at(self.before) if self.before else 0.0)

    @property
    def _is_cut_off(self) -> bool:
        """Whether its time is over, and it ends for that."""
        return self._cut_off and bool(self.curve) and self.seconds >= self._limit_s

    @property
    def line_epochs(self) -> int:
        """Epochs that its weights were trained for in all: its curve's, and those of the trials that it has inherited from."""
        return self._ancestors + len(self.curve)

    def step(self, at: float, x: Tensor, y: Tensor) -> Tensor:
        """Take the step that begins after `at` epochs: (B, C, H, W), (B,) -> the loss, detached."""
        settings = self._settings
        rate = settings.learning_rate * multiplier(settings.schedule, share_of_span(self._spans, at))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        with self._device.autocast(settings.precision):
            loss = F.cross_entropy(self.network(x), y, label_smoothing=settings.label_smoothing)
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if settings.clip_gradient is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip_gradient)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return loss.detach()

    def images(self) -> Tensor:
        """Draw a batch of training images as the network takes them, on the CPU: (B, C, H, W), float32 in [0, 1]."""
        x, _ = next(self._batches.epoch(self._generator))
        return x.cpu()

    def inherit(self, parent: nn.Module, images: Tensor, *, distilling: float) -> tuple[Inherited, float]:
        """Begin with the weights of a trained network; return what fitted, and the accuracy on the validation images with it.

        Args:
            parent: The trained network, on the CPU. It is moved to the device where it teaches.
            images: Some training images, as `images` returns them.
            distilling: Passes over the training images in which the outputs of `parent` are learned, where the network is
                smaller than that one and can't compute the same.
        """
        shrinks = _n_params(self.network) < _n_params(parent)
        inherited = inherit(parent, self.network.cpu(), images=images, generator=self._generator)
        self.network = self._device.place(self.network)
        if shrinks and (inherited.exact or inherited.approximate) and not inherited.same:
            distil(self._device.place(parent), self.network, self._batches, epochs=distilling, generator=self._generator)
        _, accuracy = evaluate(self.network, self._validation, self._device, self._settings.precision)
        return inherited, accuracy

    def be_born(self, birth: Birth) -> None:
        """Take note of what it begins with; the seconds that this took are its own."""
        self.birth = birth
        self._ancestors = birth.epochs if isinstance(birth, Born) else 0

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs to go on exactly here: tensors and plain values only."""
        return {
            "network": to_cpu(self.network.state_dict()),
            "optimizer": to_cpu(self._optimizer.state_dict()),
            "scaler": self._scaler.state_dict(),
            "generator": self._generator.get_state(),
            "curve": [list(astuple(record)) for record in self.curve],
            "before": self.before,
            "line": self.line_epochs,
            "birth": self.birth.to_dict() if self.birth else None,
            "best_weights": self.best_weights,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; where it does not fit, this raises, and the training is of no more use."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # there is none of a CPU
            self._scaler.load_state_dict(state["scaler"])
        self._generator.set_state(state["generator"])
        self.curve = [EpochRecord(*row) for row in state["curve"]]
        self.before = int(state["before"])
        self._ancestors = int(state.get("line", len(self.curve))) - len(self.curve)
        self.birth = birth_from_dict(state.get("birth"))
        if not 0 <= self.before <= len(self.curve) <= self._epochs:
            raise ValueError(f"it is of {len(self.curve)} epochs, {self.before} of them another trial's, not of {self._epochs}")
        self.best_weights = state["best_weights"]

    def continue_from(self, state: dict[str, Any]) -> None:
        """Go on where the training of another trial has ended; where its state does not fit, this raises as `restore` does.

        The weights of a narrower network are widened where that can be done exactly. Their momenta are not: the optimizer
        begins afresh then.
        """
        wide, narrow = self.network.state_dict(), state["network"]
        if any(name in narrow and narrow[name].shape != value.shape for name, value in wide.items()):
            generator = torch.Generator()
            generator.set_state(state["generator"])
            weights = widened(self.network, narrow, generator)
            state = {**state, "network": weights, "optimizer": self._optimizer.state_dict(), "generator": generator.get_state()}
        self.restore(state)
        self.before, self.birth = len(self.curve), None

    def _seconds_at(self, epoch: int) -> float:
        """Return the seconds after an epoch of the curve, those of the birth among them."""
        if epoch:
            return self.curve[epoch - 1].seconds
        return self.birth.seconds if self.birth else 0.0

    def _epoch(self) -> EpochRecord:
        number, steps = len(self.curve) + 1, self.curve[-1].step if self.curve else 0
        start = time.perf_counter()
        with seeded(seed_from(f"{self._seed}/epoch/{number}"), self._device):  # for dropout, whenever the epoch is trained
            train_loss, done = self._train(number, start - self.seconds)
        loss, accuracy = evaluate(self.network, self._validation, self._device, self._settings.precision)
        if not math.isfinite(loss):
            raise DivergedError(f"The validation loss is {loss} after epoch {number}; try a lower `learning_rate`.")
        seconds = self._seconds_at(len(self.curve)) + time.perf_counter() - start
        return EpochRecord(number, steps + done, train_loss, loss, accuracy, seconds)

    def _train(self, epoch: int, start: float) -> tuple[float, int]:
        """Train an epoch, or what there is time for; return the mean loss, and how many steps were taken."""
        self.network.train()
        total, n, taken = torch.zeros((), device=self._device.target), len(self._batches), 0
        for taken, (x, y) in enumerate(islice(self._batches.epoch(self._generator), self._steps), start=1):
            total += self.step(epoch - 1 + (taken - 1) / n, x, y)
            if (taken % CHECK_EVERY == 0 or taken == self._steps) and not math.isfinite(total.item()):
                raise DivergedError(f"The training loss is {total.item() / taken} in epoch {epoch}; try a lower `learning_rate`.")
            if time.perf_counter() - start > self._limit_s:
                if self._cut_off:
                    break
                raise TimeLimitError(f"Epoch {epoch} of {self._epochs} ran past the limit of {self._limit_s:g} s a trial.")
        return total.item() / taken, taken


def _n_params(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@torch.inference_mode()
def evaluate(network: nn.Module, batches: Batches, device: Device, precision: Precision) -> tuple[float, float]:
    """Return mean cross-entropy, in nats, and accuracy over `batches`; the network is left in evaluation mode."""
    network.eval()
    loss = torch.zeros((), device=device.target)
    hits = torch.zeros((), device=device.target)
    n = 0
    for x, y in batches.evaluation():
        with device.autocast(precision):
            logits = network(x)
        loss += F.cross_entropy(logits.float(), y, reduction="sum")
        hits += (logits.argmax(1) == y).sum()
        n += len(y)
    return loss.item() / n, hits.item() / n
