"""The steps of the weights and of the alphas, each with an optimizer of its own."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from archsmith.evaluation.batches import Batch
from archsmith.evaluation.device import to_cpu
from archsmith.evaluation.sharing.relaxed import WEIGHINGS, optimizers
from archsmith.evaluation.sharing.relaxed.alphas import Alphas
from archsmith.evaluation.sharing.relaxed.beta_decay import beta_decay
from archsmith.evaluation.sharing.relaxed.cost import ExpectedCost, Prices
from archsmith.evaluation.sharing.relaxed.eigenvalue import largest_eigenvalue
from archsmith.evaluation.sharing.relaxed.gradients import Average, Gradients, alone
from archsmith.evaluation.sharing.relaxed.supernet import Supernet
from archsmith.evaluation.sharing.relaxed.temperature import annealed
from archsmith.evaluation.sharing.relaxed.unrolled import unrolled
from archsmith.evaluation.sharing.relaxed.weighing import Drawn, everything
from archsmith.spec.supernets import Relaxed


class Learner:
    """Trains weights and alphas, step by step; in a step of the alphas, weights and statistics stay as they are, bit for bit.

    Args:
        supernet: The network and its weights.
        alphas: The parameters of its choices.
        settings: The method.
        generator: On the CPU; the only source of randomness.
        scaler: Of losses in float16.
        steps: Steps of the weights in the whole training.
        prices: What the options cost, where the settings weigh that.
        average: Averages gradients over processes.
    """

    def __init__(
        self,
        supernet: Supernet,
        alphas: Alphas,
        settings: Relaxed,
        generator: torch.Generator,
        *,
        scaler: torch.amp.GradScaler,
        steps: int,
        prices: Prices | None = None,
        average: Average = alone,
    ) -> None:
        if settings.cost and prices is None:
            raise ValueError(f"The value of `cost` is {settings.cost:g}, but nothing says what the options cost.")
        self._supernet, self.alphas, self._settings, self._generator = supernet, alphas, settings, generator
        self._weighing, self._scaler = WEIGHINGS[settings.weights], scaler
        self._gradients, self._average = Gradients(scaler, average), average
        self._cost = ExpectedCost(alphas.points, prices, alphas.values.device) if settings.cost and prices is not None else None
        turns = steps if settings.update == "joint" else round((1 - settings.warmup) * steps / settings.alpha_every)
        self.of_weights = optimizers.of_weights(supernet.weights, settings)
        self.of_alphas = optimizers.of_alphas(alphas.values, settings, steps=turns)

    @property
    def has_temperature(self) -> bool:
        """Whether the samples have one."""
        return self._settings.weights in ("concrete", "gumbel")

    def temperature(self, share: float) -> float:
        """Return the temperature after a share of the training, in [0, 1]."""
        return annealed(self._settings.temperature, self._settings.annealing, share)

    def step(self, share: float, number: int, batch: Batch, held: Iterator[Batch]) -> Tensor:
        """Take the step that begins after a share of the training, and return the loss of the weights, detached.

        Args:
            share: In [0, 1).
            number: Of the step in its epoch, from 0.
            batch: Images for the weights.
            held: Images for the alphas, of which it takes the next ones where it is their turn.
        """
        settings = self._settings
        for group in self.of_weights.param_groups:
            group["lr"] = optimizers.rate_of_weights(settings, share)
        if settings.update == "joint":
            return self.train_both(share, batch)
        if share >= settings.warmup and number % settings.alpha_every == 0:
            self.train_alphas(share, batch, next(held))
        return self.train_weights(share, batch)

    def train_weights(self, share: float, batch: Batch) -> Tensor:
        """Take a step of the weights that are computed."""
        drawn = self._weighing.for_weights(self.alphas, self.temperature(share), self._generator)
        loss = self._supernet.loss(batch, drawn.mixes(self.alphas, drawn.weights.detach()))
        self._gradients.into(loss, self._supernet.weights)
        self._move_weights()
        return loss.detach()

    def train_alphas(self, share: float, batch: Batch, held: Batch) -> None:
        """Take a step of the alphas by images of their own; a second-order one looks a step ahead by the weights' next images."""
        drawn = self._weighing.for_alphas(self.alphas, self.temperature(share), self._generator)
        with self._supernet.statistics_left_alone():
            self._move_alphas(drawn, self._slope(drawn, batch, held), share)

    def train_both(self, share: float, batch: Batch) -> Tensor:
        """Take a step of weights and alphas by the same images and the same sample."""
        drawn = self._weighing.for_alphas(self.alphas, self.temperature(share), self._generator)
        leaf = drawn.weights.detach().requires_grad_()
        loss = self._supernet.loss(batch, drawn.mixes(self.alphas, leaf))
        (slope,) = self._gradients.into(loss, self._supernet.weights, [leaf])
        self._move_weights()
        self._move_alphas(drawn, slope, share)
        return loss.detach()

    def eigenvalue(self, batch: Batch) -> float | None:
        """Return the largest eigenvalue of the Hessian by the alphas, all options weighed by their probabilities.

        It is found in full precision, as slopes of slopes would vanish in less; None where it can't be found.
        """
        alphas, places = self.alphas, everything(self.alphas)

        def loss(values: Tensor) -> Tensor:
            shares = alphas.softmax(values)
            return self._supernet.loss(batch, Drawn(shares, shares, places).mixes(alphas, shares), in_full=True)

        self._supernet.network.train()  # by the batch's statistics, as the alphas are trained
        with self._supernet.statistics_left_alone():
            return largest_eigenvalue(loss, alphas.values, self._average)

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs."""
        return {
            "network": to_cpu(self._supernet.network.state_dict()),
            "alphas": to_cpu(self.alphas.values),
            "of_weights": to_cpu(self.of_weights.state_dict()),
            "of_alphas": to_cpu(self.of_alphas.state_dict()),
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; raises where it does not fit."""
        self._supernet.network.load_state_dict(state["network"])
        if self.alphas.values.shape != state["alphas"].shape:
            raise ValueError(f"it has {len(state['alphas'])} alphas, not {len(self.alphas.values)}")
        with torch.no_grad():
            self.alphas.values.copy_(state["alphas"])
        self.of_weights.load_state_dict(state["of_weights"])
        self.of_alphas.load_state_dict(state["of_alphas"])
        if state["scaler"]:  # there is none of a CPU
            self._scaler.load_state_dict(state["scaler"])

    def _slope(self, drawn: Drawn, batch: Batch, held: Batch) -> Tensor:
        """Return the gradient of the validation loss by what the options are weighed by: (n,)."""
        leaf, supernet = drawn.weights.detach().requires_grad_(), self._supernet
        if self._settings.update == "second":
            return unrolled(
                lambda weights: supernet.loss(batch, drawn.mixes(self.alphas, leaf), weights),
                lambda weights: supernet.loss(held, drawn.mixes(self.alphas, leaf), weights),
                leaf, self.of_weights, self._gradients, hessian=self._settings.hessian,
                # In bfloat16, most weights would be the same on both sides of a difference.
                in_full=lambda weights: supernet.loss(batch, drawn.mixes(self.alphas, leaf), weights, in_full=True),
            )  # fmt: skip
        (slope,) = self._gradients.of(supernet.loss(held, drawn.mixes(self.alphas, leaf)), [leaf])
        return slope

    def _move_weights(self) -> None:
        if self._settings.clip_gradient is not None:
            self._scaler.unscale_(self.of_weights)
            nn.utils.clip_grad_norm_(self._supernet.weights, self._settings.clip_gradient)
        self._scaler.step(self.of_weights)
        self._scaler.update()
        self.of_weights.zero_grad(set_to_none=True)

    def _move_alphas(self, drawn: Drawn, slope: Tensor, share: float) -> None:
        """Take a step down a slope, which is by what the options are weighed by, and down what else the alphas' loss has."""
        along, directions = [drawn.weights], [slope]
        if self._cost is not None:
            along.append(self._settings.cost * self._cost(drawn.shares))
        if self._settings.beta_decay:
            along.append(self._settings.beta_decay * share * beta_decay(self.alphas))
        directions += [torch.ones_like(term) for term in along[1:]]
        (gradient,) = torch.autograd.grad(along, [self.alphas.values], directions)
        if self._scaler.is_enabled() and not torch.isfinite(gradient).all():  # it is still finding its scale
            return
        before = self.alphas.values.detach().clone()
        self.alphas.values.grad = gradient
        self.of_alphas.step()
        self._weighing.settle(before, self.alphas, drawn)
