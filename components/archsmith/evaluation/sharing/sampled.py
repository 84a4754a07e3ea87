"""Training of shared weights by the networks of sampled architectures.

Each step trains the networks of one architecture or a few, on the tensors that all architectures of the space share
(`models.shared.bank`): only what is sampled is computed, and only that is moved. How they are chosen is what the methods
differ in: see `paths` and `policy`. Options, for each of them:

    - slicing: narrower layers and smaller kernels are parts of larger ones. Then a step has the largest and the smallest network
      beside those that are chosen. Reference: Yu, Huang 2019, Universally Slimmable Networks (arXiv:1903.05134), section 3.2.
    - few-shot: from some epoch on, each choice of one decision has weights of its own, which begin as the shared ones.
      Reference: Zhao, Wang, Tian, Fonseca, Guo 2021, Few-Shot Neural Architecture Search (arXiv:2006.06863), section 3.3.
      Deviation: all parts are trained in turns, in one training; the steps of each are a share of all.

All that is random is drawn from generators of the epoch, so that a training goes on after any epoch without keeping theirs.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.errors import DivergedError, InfeasibleError, UnbuildableError
from archsmith.evaluation.batches import Batch, Batches
from archsmith.evaluation.device import to_cpu
from archsmith.evaluation.optimization import multiplier
from archsmith.evaluation.sharing.bank import make_bank
from archsmith.evaluation.sharing.ground import Ground
from archsmith.evaluation.sharing.look import Looker
from archsmith.evaluation.sharing.path_optimizer import PathOptimizer
from archsmith.evaluation.sharing.paths import CHOOSERS, Chooser, Sandwich
from archsmith.evaluation.sharing.policy import Policy
from archsmith.evaluation.sharing.statistics import batch_statistics
from archsmith.evaluation.training import CHECK_EVERY
from archsmith.models.shared.bank import Bank
from archsmith.models.shared.mixed_bank import MixedBank
from archsmith.models.shared.slices import SlicedBank
from archsmith.spec.supernets import Sampled
from archsmith.values import Architecture, SupernetEpoch

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "uniform": {"learning_rate": 0.05, "weight_decay": 4e-5, "schedule": "cosine", "clip_gradient": 5.0},
    "fair": {"learning_rate": 0.045, "weight_decay": 4e-5, "schedule": "cosine", "clip_gradient": 5.0},
    "dropout": {"learning_rate": 0.05, "weight_decay": 4e-5, "schedule": "cosine", "clip_gradient": 5.0},
    "policy": {"learning_rate": 0.05, "weight_decay": 1e-4, "schedule": "cosine", "clip_gradient": 5.0},
}
"""The methods' own settings of the training, where the search file has none."""

TRIES = 100
"""Draws in which one must have a network."""


class SampledTraining:
    """Trains shared weights by sampled architectures; see `SupernetTraining`.

    Args:
        settings: What is trained.
        ground: What it is trained on.
    """

    def __init__(self, settings: Sampled, ground: Ground) -> None:
        self._settings, self._ground = settings, ground.preset(PRESETS[settings.paths])
        self._batches = self._ground.train_batches()
        self._validation = self._ground.validation_batches()
        self.bank = make_bank(settings, self._ground)
        training = self._ground.training
        self._scaler = ground.device.scaler(training.precision)
        self._optimizer = PathOptimizer(training, self._scaler)
        self._looker = Looker(settings, self._ground, self.bank)
        self._policy = self._make_policy() if settings.paths == "policy" else None
        self._epochs, self._steps, self._seconds = 0, 0, 0.0

    def run(self) -> Iterator[SupernetEpoch]:
        """Train the epochs that are left, and yield the record of each."""
        while self._epochs < self._settings.epochs:
            yield self._epoch()

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs to go on exactly here."""
        return {
            "bank": to_cpu(self.bank.state()),
            "optimizer": self._optimizer.state(self.bank.parameters),
            "policy": self._policy.state() if self._policy else None,
            "epochs": self._epochs,
            "steps": self._steps,
            "seconds": self._seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; where it does not fit, this raises, and the training is of no more use."""
        if not 0 <= state["epochs"] <= self._settings.epochs:
            raise ValueError(f"it is of {state['epochs']} epochs, not of {self._settings.epochs}")
        self.bank.restore(state["bank"])
        self._optimizer.restore(state["optimizer"], self.bank.parameters)
        if self._policy:
            self._policy.restore(state["policy"])
        self._epochs, self._steps, self._seconds = state["epochs"], state["steps"], state["seconds"]

    def derived(self, n: int) -> tuple[Architecture, ...]:
        """Return what the policy prefers; nothing where there is none."""
        return self._policy.preferred(n, self._rng("derived")) if self._policy else ()

    def _make_policy(self) -> Policy:
        settings = self._settings
        return Policy(
            self._ground.space,
            updates=settings.epochs * self._updates,
            rate=settings.policy_rate,
            entropy=settings.policy_entropy,
        )

    @property
    def _updates(self) -> int:
        """Updates of the policy an epoch."""
        return self._settings.updates_of(len(self._batches))

    def _rng(self, what: str) -> np.random.Generator:
        return np.random.default_rng(self._ground.seed_of(what))

    def _generator(self, what: str) -> torch.Generator:
        return torch.Generator().manual_seed(self._ground.seed_of(what))

    def _epoch(self) -> SupernetEpoch:
        number, start = self._epochs + 1, time.perf_counter()
        self._split()
        loss = self._train(number)
        if self._policy:
            self._train_policy(self._policy, number)
        self._epochs, self._steps = number, self._steps + len(self._batches)
        record = SupernetEpoch(number, self._steps, loss, 0.0, **self._preference(number))
        self._seconds += time.perf_counter() - start
        return replace(record, seconds=self._seconds)

    def _split(self) -> None:
        """Split the weights, if it is time."""
        settings = self._settings
        due = self._epochs == min(math.ceil(settings.split_after * settings.epochs), settings.epochs - 1)
        if due and settings.split is not None and isinstance(self.bank, Bank):
            self.bank.split(settings.split)
            self._optimizer.forget()

    def _train(self, epoch: int) -> float:
        """Train the weights for an epoch; return the mean loss."""
        chooser = self._chooser(epoch)
        total, n = torch.zeros((), device=self._ground.device.target), len(self._batches)
        for step, (x, y) in enumerate(self._batches.epoch(self._generator(f"images/{epoch}")), start=1):
            share = (epoch - 1 + (step - 1) / n) / self._settings.epochs
            total += self._step(self._buildable(chooser, share), share, x, y, averaged=chooser.averaged)
            if (step % CHECK_EVERY == 0 or step == n) and not math.isfinite(total.item()):
                raise DivergedError(
                    f"The loss of the shared weights is {total.item() / step} in epoch {epoch}; try a lower `learning_rate`."
                )
        return total.item() / n

    def _chooser(self, epoch: int) -> Chooser:
        rng, space = self._rng(f"paths/{epoch}"), self._ground.space
        chooser = _Drawn(self._policy, rng) if self._policy else CHOOSERS[self._settings.paths](space, self._settings, rng)
        if isinstance(self.bank, SlicedBank) and self.bank.extremes:  # in a space without sizes there is nothing to slice
            return Sandwich(chooser, space, self.bank.extremes, rng)
        return chooser

    def _buildable(self, chooser: Chooser, share: float) -> Sequence[Architecture]:
        """Return the architectures of the next step; those without a network are passed over."""
        for _ in range(TRIES):
            if found := [one for one in chooser.draw(share) if self._has_network(one)]:
                return found
        raise InfeasibleError(f"Of {TRIES} draws from the space {self._ground.space.name!r} none has a network for these images.")

    def _has_network(self, architecture: Architecture) -> bool:
        try:
            self.bank.network(architecture)
        except UnbuildableError:
            return False
        return True

    def _step(self, architectures: Sequence[Architecture], share: float, x: Tensor, y: Tensor, *, averaged: bool) -> Tensor:
        """Move the weights of `architectures`: (B, C, H, W), (B,) -> their mean loss, detached."""
        training = self._ground.training
        networks = self._networks(architectures)
        total = torch.zeros((), device=self._ground.device.target)
        for network in networks:
            if not network.training:
                network.train()
            with self._ground.device.autocast(training.precision):
                loss = F.cross_entropy(network(x), y, label_smoothing=training.label_smoothing)
            part = loss / len(networks) if averaged else loss
            self._scaler.scale(part).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        touched = [one for architecture in architectures for one in self.bank.touched(architecture)]
        moved = dict.fromkeys(one.parameter for one in touched)
        self._ground.group.average([total, *(p.grad for p in moved if p.grad is not None)])
        self._optimizer.step(touched, training.learning_rate * multiplier(training.schedule, share))
        return total / len(networks)

    def _networks(self, architectures: Sequence[Architecture]) -> Sequence[nn.Module]:
        """Return what a step computes: a network for each architecture, or one for all of them."""
        if isinstance(self.bank, MixedBank):
            return [self.bank.together(architectures)]
        return [self.bank.network(architecture) for architecture in architectures]

    def _train_policy(self, policy: Policy, epoch: int) -> None:
        """Train the policy for as many updates as an epoch has; neither weights nor running statistics change."""
        rng = self._rng(f"policy/{epoch}")
        images = _endless(self._validation, self._generator(f"validation/{epoch}"))
        for _ in range(self._updates):
            drawn = [policy.sample(rng) for _ in range(self._settings.policy_batch)]
            found, device = [self._reward(one, *next(images)) for one in drawn], self._ground.device.target
            rewards = torch.tensor(found, dtype=torch.float64, device=device)
            self._ground.group.average([rewards])  # where several train together, all have the very same policy
            policy.learn(drawn, rewards.tolist())

    @torch.no_grad()
    def _reward(self, architecture: Architecture, x: Tensor, y: Tensor) -> float:
        """Return the accuracy of an architecture on a batch, by the batch's statistics; 0 where it has no network."""
        if not self._has_network(architecture):
            return 0.0
        network, device = self.bank.network(architecture), self._ground.device
        with batch_statistics(network), device.autocast(self._ground.training.precision):
            return float((network(x).argmax(1) == y).float().mean())

    def _preference(self, epoch: int) -> dict[str, Any]:
        """Return what the policy prefers by now, as the record of an epoch has it."""
        if not self._policy:
            return {}
        rng = self._rng(f"preference/{epoch}")
        found: dict[str, Any] = {"probabilities": self._policy.probabilities(rng)}
        for one in self._policy.preferred(1, rng):
            if self._has_network(one):
                loss, accuracy = self._looker.look(one)
                found |= {"derived": one, "val_loss": loss, "val_accuracy": accuracy}
        return found


class _Drawn:
    """Paths that a policy draws, one a step."""

    averaged = True

    def __init__(self, policy: Policy, rng: np.random.Generator) -> None:
        self._policy, self._rng = policy, rng

    def draw(self, share: float) -> Sequence[Architecture]:
        """Return one architecture."""
        del share
        return [self._policy.sample(self._rng)]


def _endless(batches: Batches, generator: torch.Generator) -> Iterator[Batch]:
    while True:
        yield from batches.epoch(generator)
