"""The parameters of all choices of a network."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from archsmith.models.mixed.network import Point
from archsmith.values.supernets import Probabilities

SPREAD = 1e-3
"""Standard deviation of the alphas in the beginning: all options are as good as equal (Liu 2019)."""


class Alphas:
    """The parameters of all choices, in one tensor; a softmax over those of a point makes them probabilities.

    Args:
        points: The choices of the network.
        generator: On the CPU; what the alphas are drawn from.
        device: Where the network is.
    """

    def __init__(self, points: Sequence[Point], generator: torch.Generator, device: torch.device | str = "cpu") -> None:
        self.points = tuple(points)
        self._sizes = [len(point.options) for point in self.points]
        self.values = (SPREAD * torch.randn(sum(self._sizes), generator=generator)).to(device).requires_grad_()
        """(n,), the alphas of all options, point after point."""

    def split(self, flat: Tensor) -> tuple[Tensor, ...]:
        """Return the part of each point: (n,) -> (n_options,) each; gradients flow through it."""
        return torch.split(flat, self._sizes)

    def softmax(self, scores: Tensor) -> Tensor:
        """Return the softmax over each point: (n,) -> (n,)."""
        return torch.cat([part.softmax(0) for part in self.split(scores)])

    def probabilities(self) -> dict[str, np.ndarray]:
        """Return the probabilities of the options of each point, by its name: (n_options,), float64."""
        parts = self.split(self.values.detach().to("cpu", torch.float64))
        return {point.name: part.softmax(0).numpy() for point, part in zip(self.points, parts, strict=True)}


def named(points: Sequence[Point], probabilities: dict[str, np.ndarray]) -> Probabilities:
    """Return the probabilities by the names of the options."""
    return {p.name: dict(zip(p.options, map(float, probabilities[p.name]), strict=True)) for p in points}
