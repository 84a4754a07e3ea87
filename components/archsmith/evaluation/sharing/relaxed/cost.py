"""What the choices are expected to cost, as a term of their loss.

Reference: Cai, Zhu, Han 2019, ProxylessNAS (arXiv:1812.00332), eq. 5 and 6; Xie 2019, SNAS (arXiv:1812.09926), section 2.4: the
cost of a network is the sum of those of its options, so its expectation is linear in the probabilities.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from archsmith.models.mixed.network import Point

Prices = Mapping[str, Tensor]
"""What each option of a point costs in all the places that share it, by the point's name: (n_options,), in any unit."""


class ExpectedCost:
    """The expected cost, in units of that of equal probabilities.

    Args:
        points: The choices of the network.
        prices: What their options cost; a point that is left out costs nothing.
        device: Where the alphas are.
    """

    def __init__(self, points: Sequence[Point], prices: Prices, device: torch.device | str = "cpu") -> None:
        rows = [prices.get(p.name, torch.zeros(len(p.options))).to("cpu", torch.float64) for p in points]
        equal = sum(float(row.mean()) for row in rows)
        if not equal > 0:
            raise ValueError("All options cost nothing, so there is nothing to weigh by `cost`; leave it out.")
        self._prices = (torch.cat(rows) / equal).to(device, torch.float32)

    def __call__(self, shares: Tensor) -> Tensor:
        """Return the cost at these probabilities: (n,) -> ()."""
        return (shares * self._prices.to(shares.dtype)).sum()
