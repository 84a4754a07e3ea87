"""The interface of what the options of a choice are weighed by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from archsmith.evaluation.sharing.relaxed.alphas import Alphas
from archsmith.models.mixed.network import Mix

Places = Sequence[tuple[int, ...]]
"""Of each point, places of options."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the options are weighed by in a step."""

    weights: Tensor
    """(n,), of all options, point after point; gradients flow from it to the alphas."""
    shares: Tensor
    """(n,), probabilities in which the expected cost is linear; gradients flow through them too."""
    active: Places
    """The options that are computed."""
    watched: Places = ()
    """Those that are computed for the gradient of their weight alone; empty where there are none."""

    def mixes(self, alphas: Alphas, weights: Tensor) -> dict[str, Mix]:
        """Return the mixes of these options with `weights`: (n,)."""
        watched = self.watched or [()] * len(self.active)
        parts = zip(alphas.points, alphas.split(weights), self.active, watched, strict=True)
        return {point.name: Mix(part, active, seen) for point, part, active, seen in parts}


class Weighing(Protocol):
    """Weighs the options. The training loop asks it anew in each step; it keeps nothing."""

    def for_weights(self, alphas: Alphas, temperature: float, generator: torch.Generator) -> Drawn:
        """Weigh the options for a step of the weights.

        Args:
            alphas: The parameters of the choices.
            temperature: Of samples, > 0.
            generator: On the CPU; the only source of randomness.
        """
        ...

    def for_alphas(self, alphas: Alphas, temperature: float, generator: torch.Generator) -> Drawn:
        """Weigh the options for a step of the alphas; arguments as of `for_weights`."""
        ...

    def settle(self, before: Tensor, alphas: Alphas, drawn: Drawn) -> None:
        """Put the alphas right, in place, after the step that `drawn` was for; `before` they were so: (n,)."""
        ...


def everything(alphas: Alphas) -> Places:
    """Return the places of all options of each point."""
    return [tuple(range(len(point.options))) for point in alphas.points]


def gumbel_noise(alphas: Alphas, generator: torch.Generator) -> Tensor:
    """Draw standard Gumbel noise for each option: (n,), where the alphas are."""
    values = alphas.values
    # The logarithm of an exponential variable, negated, is a Gumbel variable.
    return torch.empty(len(values)).exponential_(generator=generator).log().neg().to(values)


def one_hot(alphas: Alphas, chosen: Sequence[int]) -> Tensor:
    """Return one at the chosen option of each point and zero elsewhere: (n,)."""
    flat = torch.zeros_like(alphas.values)
    for part, k in zip(alphas.split(flat), chosen, strict=True):
        part[k] = 1.0
    return flat
