"""What a search is chosen from: the images, the time, and how fast this machine trains."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archsmith.values.data_facts import DataFacts

START_S, MODEL_S, REPORT_S, TRACKING_S = 4.0, 5.0, 5.0, 7.0
"""What a search takes on a quiet machine beside its trainings: its processes and their imports; the exports of a model, which are
loaded again and compared; the report and its pictures; what MLflow is told."""


LEAST_SLOPE = 0.1
"""Share of what the larger network takes a multiply-add that one more takes at least: of networks that are small for a GPU, all
take the same time, and chance decides which of two is the faster."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How long a network trains, as measured."""

    flops: int
    """Multiply-adds of an image."""
    train_s: float
    """Seconds an image of training, in a worker."""
    check_s: float = 0.0
    """Seconds an image of validation; a third of a training's where it is 0."""
    fixed_s: float = 0.0
    """Seconds before the first epoch of a trial and after its last."""

    @property
    def check(self) -> float:
        """Seconds an image of validation, as a share of those of training."""
        return self.check_s / self.train_s if self.check_s and self.train_s else 1 / 3


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the choice depends on."""

    minutes: float
    """Minutes for everything, from the first look at the data to the report."""
    spent_s: float
    """Seconds of them that are gone."""
    facts: DataFacts
    """What is known of the images, at the size that they are trained at."""
    rates: Sequence[Rate]
    """How long networks train here: at least one, of different sizes."""
    workers: int = 1
    """Trials side by side."""
    threads: int = 1
    """Threads with which a single training is fastest."""
    together: float = 1.0
    """How many times faster it is with them than with those of a worker."""
    slowness: float = 1.0
    """How many times longer this machine takes for what can't be measured beforehand than a quiet one."""
    flips: bool = False
    """Whether a mirrored image is still of its class."""
    shifts: bool = True
    """Whether a shifted image is still of its class."""
    gpu: bool = False
    """Whether trainings run on a GPU."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """What a network may have at most, of `n_params` and `flops`."""
    most_flops: float = math.inf
    """Multiply-adds beyond which a network would break a limit on what can only be measured, such as its latency, about."""
    goals: int = 1
    """How many metrics are to be made better, one of them the accuracy."""
    references: bool = True
    """Whether references are trained beside the winner."""
    tracked: bool = True
    """Whether MLflow is told."""
    folds: bool = False
    """Whether trials may train on several parts of the images in turn."""
    image_size: int | None = None
    """Height and width to which the images were resized; None where they are as they are."""
    resized: str = ""
    """Why they were."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """The section `data` as it was asked for."""

    @property
    def n_train(self) -> int:
        """Training images."""
        return self.facts.n("train")

    @property
    def n_labelled(self) -> int:
        """Images to train and to validate with."""
        return self.n_train + self.facts.n("validation")

    @property
    def side(self) -> int:
        """Pixels of the shorter side."""
        return min(self.facts.input_shape[1:])

    def train_s(self, flops: float) -> float:
        """Return the seconds an image of training of a network with so many multiply-adds, in a worker.

        Between the networks that were measured and beyond them it is a straight line: what each layer costs by itself, and what
        each multiply-add does.
        """
        low, high = min(self.rates, key=lambda r: r.flops), max(self.rates, key=lambda r: r.flops)
        if high.flops == low.flops:
            return low.train_s * max(0.3, flops / low.flops)
        slope = max((high.train_s - low.train_s) / (high.flops - low.flops), LEAST_SLOPE * high.train_s / high.flops)
        return max(low.train_s + slope * (flops - low.flops), 0.3 * low.train_s)

    @property
    def check(self) -> float:
        """Seconds an image of validation, as a share of those of training."""
        return sum(rate.check for rate in self.rates) / len(self.rates)

    @property
    def fixed_s(self) -> float:
        """Seconds of a trial beside its epochs."""
        # The first one has loaded modules, which the processes of trials have; but on a GPU each of them makes a context.
        return (max if self.gpu else min)(rate.fixed_s for rate in self.rates)

    @property
    def start_s(self) -> float:
        """Seconds from the choice to the first trial, and between the other steps."""
        return START_S * self.slowness

    @property
    def end_s(self) -> float:
        """Seconds after the trainings: exports, report, MLflow."""
        models = 3 if self.references else 1
        return self.slowness * (models * MODEL_S + REPORT_S + TRACKING_S * self.tracked)

    def test_s(self, flops: float) -> float:
        """Return the seconds in which a winner of so many multiply-adds classifies the test images, and references do."""
        return self.models * self.facts.n("test") * self.check * self.train_s(flops) / self.together

    @property
    def models(self) -> float:
        """How many trainings of the winner's length there are in full; a linear reference is a small part of one."""
        return 2.15 if self.references else 1.0
