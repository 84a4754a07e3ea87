"""Cross-validation: a candidate is trained once for each part of the images, on all others, and measured on that part.

Where there are a few hundred images, a fifth of them to validate on tells candidates apart by luck: of 60 images, accuracy has a
standard error of five points. With folds every image validates once, so that k times as many do, for k times the training.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from archsmith.errors import TimeLimitError
from archsmith.evaluation.data import Dataset, Images, shuffled
from archsmith.evaluation.training import Training
from archsmith.values import EpochRecord, curve_to_rows
from archsmith.values.births import Birth


def folds(dataset: Dataset, k: int, seed: int) -> tuple[Dataset, ...]:
    """Return the data set `k` times: one part of its training and validation images validates, and all others are trained on.

    Args:
        dataset: Its test images are left as they are.
        k: Number of parts. Each has the same share of each class, and as many images, within one.
        seed: Of what is in which part.
    """
    parts = (dataset.train, dataset.validation)
    whole = Images(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))
    order = np.concatenate(shuffled(whole, seed))  # class by class, so that every k-th is of the same share of each
    held = np.empty(len(order), np.int64)
    held[order] = np.arange(len(order)) % k
    places = [torch.from_numpy(held == fold) for fold in range(k)]
    return tuple(
        replace(dataset, train=whole.take((~place).nonzero()[:, 0]), validation=whole.take(place.nonzero()[:, 0]), names={})
        for place in places
    )


class FoldedTraining:
    """Trainings of one network on several folds, epoch by epoch side by side, with one curve: the mean of theirs.

    It goes on and is stopped as a single `Training` is, after any epoch of all.

    Args:
        trainings: One a fold, none of which has begun.
        limit_s: Seconds of training and validation of all folds after which it is given up.
        cut_off: Whether it ends then, after an epoch of all folds, with what they have learned, and is not given up.
    """

    birth: Birth | None = None
    """None: nothing is inherited here."""

    def __init__(self, trainings: Sequence[Training], *, limit_s: float = math.inf, cut_off: bool = False) -> None:
        self._trainings, self._limit_s, self._cut_off = tuple(trainings), limit_s, cut_off
        self.curve: list[EpochRecord] = []

    @property
    def seconds(self) -> float:
        """Seconds of all folds, not of those that another trial has had before."""
        return math.fsum(training.seconds for training in self._trainings)

    def run(self) -> Iterator[EpochRecord]:
        """Train the epochs that are left, and yield the mean of the folds after each.

        Raises:
            DivergedError: A loss is not finite in one of the folds.
            TimeLimitError: All folds together took longer than the limit.
        """
        if self._is_cut_off():  # by its last epoch, after which it was killed
            return
        for _ in zip(*map(self._watched, self._trainings), strict=True):
            self.curve.append(self._mean(len(self.curve)))
            yield self.curve[-1]
            if self._is_cut_off():
                return

    def _is_cut_off(self) -> bool:
        return self._cut_off and bool(self.curve) and self.seconds >= self._limit_s

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs to go on exactly here: tensors and plain values only."""
        return {"curve": curve_to_rows(self.curve), "folds": [training.state() for training in self._trainings]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; where it does not fit, this raises, and the training is of no more use."""
        for training, its in zip(self._trainings, state["folds"], strict=True):
            training.restore(its)
        self._enter()

    def continue_from(self, state: dict[str, Any]) -> None:
        """Go on where the training of another trial has ended; where its state does not fit, this raises as `restore` does."""
        for training, its in zip(self._trainings, state["folds"], strict=True):
            training.continue_from(its)
        self._enter()

    def _enter(self) -> None:
        epochs = {len(training.curve) for training in self._trainings}
        if len(epochs) > 1:
            raise ValueError(f"its folds have {sorted(epochs)} epochs")
        self.curve = [self._mean(k) for k in range(epochs.pop())]

    def _watched(self, training: Training) -> Iterator[EpochRecord]:
        """Yield the epochs of a fold; their time counts together."""
        for record in training.run():
            if self.seconds > self._limit_s and not self._cut_off:
                raise TimeLimitError(
                    f"Epoch {record.epoch} of {len(self._trainings)} folds ran past the limit of {self._limit_s:g} s a trial."
                )
            yield record

    def _mean(self, k: int) -> EpochRecord:
        """Return the mean of the folds' records of epoch k + 1; their steps and seconds are all there were."""
        records = [training.curve[k] for training in self._trainings]
        loss, val_loss, accuracy = (
            math.fsum(values) / len(records)
            for values in zip(*((r.train_loss, r.val_loss, r.val_accuracy) for r in records), strict=True)
        )
        steps, seconds = sum(r.step for r in records), math.fsum(r.seconds for r in records)
        return EpochRecord(records[0].epoch, steps, loss, val_loss, accuracy, seconds)
