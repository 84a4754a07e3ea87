"""Strategies that relax the choices: all options side by side, weighed by parameters that are trained with the weights.

Each is a preset of `archsmith.spec.supernets.Relaxed`, whose parts a file may set otherwise. The guards against a collapse are
not of the papers of these methods: they are offered to all of them.

References:
    - Liu, Simonyan, Yang 2019, DARTS: Differentiable Architecture Search (arXiv:1806.09055).
    - Dong, Yang 2019, Searching for a Robust Neural Architecture in Four GPU Hours (arXiv:1910.04465): GDAS.
    - Xie, Zheng, Liu, Lin 2019, SNAS: Stochastic Neural Architecture Search (arXiv:1812.09926).
    - Cai, Zhu, Han 2019, ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware (arXiv:1812.00332).
    - Saxena, Verbeek 2016, Convolutional Neural Fabrics (arXiv:1606.02492).
    - Ye, Li, Li, Chen, Fan, Ouyang 2022, beta-DARTS (arXiv:2203.01665); Xu et al. 2020, PC-DARTS (arXiv:1907.05737);
      Chen, Xie, Wu, Tian 2019, Progressive DARTS (arXiv:1904.12760), section 3.3; Liang et al. 2019, DARTS+ (arXiv:1909.06035);
      Zela et al. 2020, Understanding and Robustifying Differentiable Architecture Search (arXiv:1909.09656).
"""

from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from archsmith.spec import Config
from archsmith.spec.supernets import DARTS, FABRIC, GDAS, PROXYLESS, SNAS, Relaxed
from archsmith.strategies.sharing.settings import Epochs, SharingConfig

Weight = Annotated[float, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]
HeldShare = Annotated[float, Field(gt=0, lt=1)]


class CostConfig(Config):
    """What the choices cost, in their loss: the weight of one of these, in units of the cost at equal probabilities."""

    flops: Weight | None = None
    """Of the multiply-adds of an image."""
    latency_s: Weight | None = None
    """Of the seconds of an image, by the table that `archsmith latency` has measured."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.flops is None) == (self.latency_s is None):
            raise ValueError("`cost` must have one of `flops` and `latency_s`, with its weight, as in `cost: {flops: 0.1}`")
        return self


class TemperatureConfig(Config):
    """The temperature of the samples: the closer to zero, the closer they are to one option."""

    start: Annotated[float, Field(gt=0)]
    """In the beginning."""
    end: Annotated[float, Field(gt=0)]
    """In the end."""


class RelaxedConfig(SharingConfig):
    """Base of those that hold all options side by side; what a file does not set is as the method's paper has it."""

    preset: ClassVar[Relaxed] = DARTS
    """The paper's settings."""

    arch_learning_rate: Rate | None = None
    """Of the choices' parameters, by Adam; where left out, it follows from the number of their steps, so that they can move as far as in the paper's search."""  # noqa: E501
    arch_weight_decay: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Of the choices' parameters; the paper's where left out."""
    beta_decay: Annotated[float, Field(ge=0)] = 0.0
    """A guard: the weight of what holds the choices' parameters together, so that none runs away early; 50 on NAS-Bench-201 (Ye 2022)."""  # noqa: E501
    partial: Annotated[int, Field(ge=1)] = 1
    """A guard: one in so many channels goes through the options, the others past them; 4 in the paper (Xu 2020)."""
    max_skips: Annotated[int, Field(ge=0)] | None = None
    """A guard: most skips of a cell in what is derived; 2 in the paper (Chen 2019)."""
    stop_at_skips: bool = False
    """A guard: whether the training ends once a cell would have more skips than `max_skips` (Liang 2019)."""
    eigenvalue: bool = False
    """Whether the largest eigenvalue of the Hessian by the choices is measured after each epoch: where it grows, what is derived is worse than its mixture (Zela 2020)."""  # noqa: E501
    cost: CostConfig | None = None
    """What the choices cost, in their loss; nothing where left out."""
    compile: bool = False
    """Whether the options are compiled by `torch.compile`: that takes minutes, and pays on a GPU."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.stop_at_skips and self.max_skips is None:
            raise ValueError("`stop_at_skips` is set, but not `max_skips`, which says how many skips are too many; give both")
        _ = self.supernet  # it raises for what does not fit together
        return self

    @property
    def supernet(self) -> Relaxed:
        """How the shared weights are trained."""
        costs = {} if self.cost is None else self.cost.model_dump(exclude_none=True)
        own: dict[str, Any] = {"price": next(iter(costs)), "cost": next(iter(costs.values()))} if costs else {}
        if self.arch_weight_decay is not None:
            own["alpha_decay"] = self.arch_weight_decay
        return replace(
            self.preset,
            epochs=self.epochs,
            alpha_rate=self.arch_learning_rate,
            beta_decay=self.beta_decay,
            partial=self.partial,
            most_skips=self.max_skips,
            end_at_skips=self.stop_at_skips,
            eigenvalue=self.eigenvalue,
            compile=self.compile,
            **own,
            **self.method,
        )

    @property
    def method(self) -> dict[str, Any]:
        """What only this method has to set."""
        return {}


class DARTSConfig(RelaxedConfig):
    """All options weighed by a softmax, whose parameters follow the validation loss, to first or second order (Liu 2019)."""

    order: Literal[1, 2] = 1
    """Whether the gradient looks one step of the weights ahead (2), which takes about three times as long."""
    arch_share: HeldShare = DARTS.alpha_share
    """Share of the training images that the choices are trained on, and the weights are not."""

    @property
    def method(self) -> dict[str, Any]:
        """The order, and the split of the images."""
        return {"update": "second" if self.order == 2 else "first", "alpha_share": self.arch_share}


class GDASConfig(RelaxedConfig):
    """One option a step, drawn by a hard Gumbel-softmax through which gradients pass (Dong 2019)."""

    preset = GDAS
    epochs: Epochs = GDAS.epochs
    """Passes over the training images in which the shared weights are trained."""
    temperature: TemperatureConfig = TemperatureConfig(start=GDAS.temperature[0], end=GDAS.temperature[1])
    """Of the samples; it falls linearly."""
    arch_share: HeldShare = GDAS.alpha_share
    """Share of the training images that the choices are trained on, and the weights are not."""

    @property
    def method(self) -> dict[str, Any]:
        """The temperature, and the split of the images."""
        return {"temperature": (self.temperature.start, self.temperature.end), "alpha_share": self.arch_share}


class SNASConfig(RelaxedConfig):
    """All options weighed by a sample of the concrete distribution, trained with the weights on the same images (Xie 2019)."""

    preset = SNAS
    epochs: Epochs = SNAS.epochs
    """Passes over the training images in which the shared weights are trained."""
    temperature: TemperatureConfig = TemperatureConfig(start=SNAS.temperature[0], end=SNAS.temperature[1])
    """Of the samples; it falls exponentially."""

    @property
    def method(self) -> dict[str, Any]:
        """The temperature."""
        return {"temperature": (self.temperature.start, self.temperature.end)}


class ProxylessConfig(RelaxedConfig):
    """One option a step for the weights and two for the choices, by binary gates (Cai 2019)."""

    preset = PROXYLESS
    epochs: Epochs = PROXYLESS.epochs
    """Passes over the training images in which the shared weights are trained."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = PROXYLESS.warmup
    """Share of the epochs in which the choices wait for the weights."""
    arch_share: HeldShare = PROXYLESS.alpha_share
    """Share of the training images that the choices are trained on, and the weights are not."""

    @property
    def method(self) -> dict[str, Any]:
        """The warm-up, and the split of the images."""
        return {"warmup": self.warmup, "alpha_share": self.arch_share}


class FabricConfig(RelaxedConfig):
    """All of a trellis over scale and depth trained at once; the path of the greatest weight is derived (Saxena 2016)."""

    preset = FABRIC
    of_space = "fabric"
