"""How networks are trained: optimizer, size of batches, augmentation, regularisation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archsmith.automl.situation import Situation
from archsmith.automl.timing import Split

STEPS = 1_200
"""Steps of the optimizer that a training has at least, where the batches can be made small enough for it."""
LEAST_BATCH, MOST_BATCH = 16, 128
PEAK, AT = 0.1, 128
"""Highest learning rate at this size of batches; at others it goes with the root of their size."""
MIRRORED, SHIFTED, CUT_OUT = 4, 8, 24
"""Times that an image comes again from which on it helps to mirror it, to shift it, and to leave a part of it out."""
FEW = 2_000
"""Images up to which all is done against learning them by heart."""
SHIFTABLE = 8
"""Pixels of a side from which on an eighth of it is one."""
LARGE = 20
"""Pixels of a side from which on a square can be left out of an image without taking away what it shows."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How networks are trained, and why so."""

    settings: Mapping[str, Any]
    """The section `training`."""
    augmentation: str
    why_augmentation: str
    regularisation: str
    why_regularisation: str
    steps: str
    why_steps: str


def recipe(situation: Situation, time: Split) -> Recipe:
    """Choose how networks are trained."""
    n, again = situation.n_train, time.visits / max(1, situation.n_train)
    few = n <= FEW
    batch = _batch(situation, time.visits)
    rate = float(f"{PEAK * math.sqrt(batch / AT):.2g}")
    augment, why = _augment(situation, again)
    decay = 1e-3 if few else 5e-4
    smoothing = 0.1
    settings: dict[str, Any] = {
        "optimizer": "sgd", "learning_rate": rate, "batch_size": batch, "weight_decay": decay, "label_smoothing": smoothing,
        "clip_gradient": 5.0, **({"augment": augment} if augment else {}),
    }  # fmt: skip
    regularised = f"weight decay {decay:g}, label smoothing {smoothing:g}"
    return Recipe(
        settings,
        ", ".join(augment) or "none",
        why,
        regularised,
        f"{n:,} training images are few, and soon known by heart." if few else "the usual, for the usual number of images.",
        f"batches of {batch}, learning rate up to {rate:g}, one cycle",
        f"so a training has about {time.visits / batch:,.0f} steps; smaller batches would make more of them, but slower ones.",
    )


def _batch(situation: Situation, visits: float) -> int:
    """Return the images a step: a power of two, so that there are enough steps."""
    batch = MOST_BATCH * (4 if situation.gpu else 1)
    while batch > LEAST_BATCH and (visits / batch < STEPS or batch > situation.n_train / 8):
        batch //= 2
    return batch


def _augment(situation: Situation, again: float) -> tuple[list[str], str]:
    """Return the random changes of training images, and why these."""
    if again < MIRRORED:
        return [], f"each image is seen {again:.2g} times only, and need not be changed to be new."
    found = ["flip"] if situation.flips else []
    if situation.shifts and situation.side >= SHIFTABLE and again >= SHIFTED:
        found.append("crop")
    if situation.n_train <= FEW and situation.side >= LARGE and again >= CUT_OUT:
        found.append("cutout")
    flips = "mirrored images are still of their class" if situation.flips else "mirrored images would not be of their class"
    return found, f"each image is seen {again:.3g} times; {flips}, as the data show."
