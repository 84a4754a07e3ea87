"""All options at once, weighed by a softmax of the alphas.

Reference: Liu, Simonyan, Yang 2019, DARTS (arXiv:1806.09055), eq. 2.
"""

import torch
from torch import Tensor

from archsmith.evaluation.sharing.relaxed.alphas import Alphas
from archsmith.evaluation.sharing.relaxed.weighing import Drawn, everything


class Softmax:
    """Weighs all options by their probabilities."""

    def for_weights(self, alphas: Alphas, temperature: float, generator: torch.Generator) -> Drawn:
        """Weigh them for a step of the weights; see `Weighing`."""
        del temperature, generator  # there is nothing random
        shares = alphas.softmax(alphas.values)
        return Drawn(shares, shares, everything(alphas))

    for_alphas = for_weights

    def settle(self, before: Tensor, alphas: Alphas, drawn: Drawn) -> None:
        """Leave the alphas as they are."""
