"""Training of one network, epoch by epoch, which can be stopped after any epoch and go on later."""

import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.errors import DivergedError, TimeLimitError
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.device import Device, to_cpu
from archsmith.evaluation.optimization import make_optimizer, make_schedule
from archsmith.models.initialise import initialise
from archsmith.spec import TrainingSpec
from archsmith.values import EpochRecord

CHECK_EVERY = 50
"""Steps between two looks at the loss and the clock; each look waits for a GPU."""


class Training:
    """A training run: the network, its optimizer, and how far it has come.

    Args:
        network: What to train; its weights are drawn anew from `seed`.
        batches: The training images.
        validation: The validation images.
        settings: Optimizer, schedule and the like.
        epochs: Passes over the training images.
        device: Where to train.
        seed: Seed of weights, order of images and augmentation.
        limit_s: Seconds of training after which it is given up.
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
        limit_s: float = math.inf,
        keep_best: bool = False,
    ) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        initialise(network, self._generator)
        self.network = device.place(network)
        self.curve: list[EpochRecord] = []
        self.best_weights: dict[str, Tensor] | None = None
        self._batches, self._validation, self._settings = batches, validation, settings
        self._epochs, self._device, self._limit_s, self._keep_best = epochs, device, limit_s, keep_best
        self._optimizer = make_optimizer(self.network, settings)
        self._schedule = make_schedule(self._optimizer, settings, epochs * len(batches))
        mixed = device.autocast(settings.precision)
        self._scaler = torch.amp.GradScaler(device.torch.type, enabled=mixed._enabled and device.low_precision == torch.float16)

    def run(self) -> Iterator[EpochRecord]:
        """Train the epochs that are left, and yield the record of each.

        Raises:
            DivergedError: The loss is not finite.
            TimeLimitError: Training took longer than its limit.
        """
        while len(self.curve) < self._epochs:
            self.curve.append(self._epoch())
            if self._keep_best and self.curve[-1] is self.best:
                self.best_weights = to_cpu(self.network.state_dict())
            yield self.curve[-1]

    @property
    def best(self) -> EpochRecord:
        """The epoch of the highest validation accuracy, the first of equals by the lower loss."""
        return max(self.curve, key=lambda r: (r.val_accuracy, -r.val_loss))

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs to go on exactly here: tensors and plain values only."""
        return {
            "network": to_cpu(self.network.state_dict()),
            "optimizer": to_cpu(self._optimizer.state_dict()),
            "schedule": {"last_epoch": self._schedule.last_epoch},
            "scaler": self._scaler.state_dict(),
            "generator": self._generator.get_state(),
            "curve": [[r.epoch, r.step, r.train_loss, r.val_loss, r.val_accuracy, r.seconds] for r in self.curve],
            "best_weights": self.best_weights,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._scaler.load_state_dict(state["scaler"])
        self._generator.set_state(state["generator"])
        self.curve = [EpochRecord(*row) for row in state["curve"]]
        self.best_weights = state["best_weights"]

    def _epoch(self) -> EpochRecord:
        number = len(self.curve) + 1
        before = self.curve[-1].seconds if self.curve else 0.0
        start = time.perf_counter()
        train_loss = self._train(number, start - before)
        loss, accuracy = evaluate(self.network, self._validation, self._device, self._settings)
        self._device.synchronize()
        return EpochRecord(number, number * len(self._batches), train_loss, loss, accuracy, before + time.perf_counter() - start)

    def _train(self, epoch: int, start: float) -> float:
        self.network.train()
        total = torch.zeros((), device=self._device.torch)
        for step, (x, y) in enumerate(self._batches.epoch(self._generator), start=1):
            total += self._step(x, y)
            if step % CHECK_EVERY == 0 or step == len(self._batches):
                if not math.isfinite(total.item()):
                    raise DivergedError(f"The training loss is {total.item() / step} in epoch {epoch}; try a lower `learning_rate`.")
                if time.perf_counter() - start > self._limit_s:
                    raise TimeLimitError(f"Epoch {epoch} of {self._epochs} ran past the limit of {self._limit_s:g} s a trial.")
        return total.item() / len(self._batches)

    def _step(self, x: Tensor, y: Tensor) -> Tensor:
        """(B, C, H, W), (B,) -> the loss, detached."""
        settings = self._settings
        with self._device.autocast(settings.precision):
            loss = F.cross_entropy(self.network(x), y, label_smoothing=settings.label_smoothing)
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()
        if settings.clip_gradient is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip_gradient)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._schedule.step()
        return loss.detach()


@torch.inference_mode()
def evaluate(network: nn.Module, batches: Batches, device: Device, settings: TrainingSpec) -> tuple[float, float]:
    """Return mean cross-entropy and accuracy over `batches`."""
    network.eval()
    loss = torch.zeros((), device=device.torch)
    hits = torch.zeros((), device=device.torch)
    n = 0
    for x, y in batches.evaluation():
        with device.autocast(settings.precision):
            logits = network(x)
        loss += F.cross_entropy(logits.float(), y, reduction="sum")
        hits += (logits.argmax(1) == y).sum()
        n += len(y)
    return loss.item() / n, hits.item() / n
