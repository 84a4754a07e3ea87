"""One option that a binary gate opens; for the gradient of the gates a second one is looked at.

Reference: Cai, Zhu, Han 2019, ProxylessNAS (arXiv:1812.00332), eq. 2 to 4, and section 3.2.1: two options are sampled, all others
are masked as if they did not exist, and a gate opens one of the two. Their alphas learn by how much the loss would change with
either gate; then both are shifted so that the probabilities of the masked ones stay.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from archsmith.evaluation.sharing.relaxed.alphas import Alphas
from archsmith.evaluation.sharing.relaxed.weighing import Drawn, one_hot

Pair = tuple[int, int]
"""Two options of a point: the one whose gate is open, and the other."""


class Gates:
    """Weighs one option by 1; in a step of the alphas it knows of a second one what its weight would change."""

    def for_weights(self, alphas: Alphas, temperature: float, generator: torch.Generator) -> Drawn:
        """Open one gate of each point; see `Weighing`."""
        del temperature  # the gates are binary
        shares = alphas.softmax(alphas.values)
        chosen = [_sample(part, 1, generator)[0] for part in alphas.split(shares.detach().cpu())]
        return Drawn(one_hot(alphas, chosen), shares, [(k,) for k in chosen])

    def for_alphas(self, alphas: Alphas, temperature: float, generator: torch.Generator) -> Drawn:
        """Sample two options of each point, and open the gate of one of them; see `Weighing`."""
        del temperature
        pairs = []
        for part in alphas.split(alphas.values.detach().cpu()):
            a, b = _sample(part.softmax(0), 2, generator)
            opened = _sample(part[[a, b]].softmax(0), 1, generator)[0]
            pairs.append((a, b) if opened == 0 else (b, a))
        return gated(alphas, pairs)

    def settle(self, before: Tensor, alphas: Alphas, drawn: Drawn) -> None:
        """Leave the masked options' probabilities as they were."""
        with torch.no_grad():
            parts = zip(alphas.split(alphas.values), alphas.split(before), drawn.active, drawn.watched, strict=True)
            for after, old, active, watched in parts:
                pair = [*active, *watched]
                moved = after[pair] - (after[pair].logsumexp(0) - old[pair].logsumexp(0))
                after.copy_(old)
                after[pair] = moved


def gated(alphas: Alphas, pairs: Sequence[Pair]) -> Drawn:
    """Return open gates at the first option of each pair, with the gradient of eq. 4 between the two."""
    weights, shares = one_hot(alphas, [opened for opened, _ in pairs]), []
    moving = []
    for part, pair in zip(alphas.split(alphas.values), pairs, strict=True):
        between = part[list(pair)].softmax(0)
        at = torch.tensor(pair, device=part.device)
        moving.append(torch.zeros_like(part).index_add(0, at, between - between.detach()))
        fixed = part.detach().softmax(0)
        shares.append(fixed + fixed[at].sum() * moving[-1])
    return Drawn(weights + torch.cat(moving), torch.cat(shares), [(a,) for a, _ in pairs], [(b,) for _, b in pairs])


def _sample(probabilities: Tensor, n: int, generator: torch.Generator) -> list[int]:
    """Draw `n` different places by their probabilities."""
    return probabilities.clamp_min(1e-20).multinomial(n, generator=generator).tolist()  # there have to be n that can be drawn
