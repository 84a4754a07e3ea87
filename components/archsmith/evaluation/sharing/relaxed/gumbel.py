"""One option, the greatest of a sample, with the gradient that the sample would have had.

Reference: Dong, Yang 2019, GDAS (arXiv:1910.04465), eq. 5 to 7; Jang, Gu, Poole 2017 (arXiv:1611.01144), section 2.2.

Deviation: the authors' code adds the weights of the options that are not computed to the output, zeros with a gradient, which
then is that of a constant image. Here they have none of their own, as in the paper's eq. 7; but through the softmax, the gradient
of the chosen option's weight moves all alphas.
"""

import torch
from torch import Tensor

from archsmith.evaluation.sharing.relaxed.alphas import Alphas
from archsmith.evaluation.sharing.relaxed.concrete import relaxed_sample
from archsmith.evaluation.sharing.relaxed.weighing import Drawn, gumbel_noise, one_hot


class Gumbel:
    """Weighs one option by 1 and the others by nothing; only that one is computed."""

    def for_weights(self, alphas: Alphas, temperature: float, generator: torch.Generator) -> Drawn:
        """Weigh them for a step of the weights; see `Weighing`."""
        soft = relaxed_sample(alphas, gumbel_noise(alphas, generator), temperature)
        chosen = [int(part.argmax()) for part in alphas.split(soft.detach().cpu())]
        hard = one_hot(alphas, chosen) + (soft - soft.detach())
        return Drawn(hard, alphas.softmax(alphas.values), [(k,) for k in chosen])

    for_alphas = for_weights

    def settle(self, before: Tensor, alphas: Alphas, drawn: Drawn) -> None:
        """Leave the alphas as they are."""
