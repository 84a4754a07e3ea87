"""All options at once, weighed by a sample of the concrete distribution.

Reference: Xie, Zheng, Liu, Lin 2019, SNAS (arXiv:1812.09926), eq. 4; Maddison, Mnih, Teh 2017 (arXiv:1611.00712), eq. 10. What is
log alpha there, up to a constant of each point, is alpha here.
"""

import torch
from torch import Tensor

from archsmith.evaluation.sharing.relaxed.alphas import Alphas
from archsmith.evaluation.sharing.relaxed.weighing import Drawn, everything, gumbel_noise


class Concrete:
    """Weighs all options by a sample that is close to one of them where the temperature is low."""

    def for_weights(self, alphas: Alphas, temperature: float, generator: torch.Generator) -> Drawn:
        """Weigh them for a step of the weights; see `Weighing`."""
        sample = relaxed_sample(alphas, gumbel_noise(alphas, generator), temperature)
        return Drawn(sample, alphas.softmax(alphas.values), everything(alphas))

    for_alphas = for_weights

    def settle(self, before: Tensor, alphas: Alphas, drawn: Drawn) -> None:
        """Leave the alphas as they are."""


def relaxed_sample(alphas: Alphas, noise: Tensor, temperature: float) -> Tensor:
    """Return the sample of the concrete distribution that this Gumbel noise makes: (n,) -> (n,)."""
    return alphas.softmax((alphas.values + noise) / temperature)
