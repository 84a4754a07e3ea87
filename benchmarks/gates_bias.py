"""By how much the gradient of ProxylessNAS' gates is off, by enumeration of all 64 architectures of a small space.

    python benchmarks/gates_bias.py

Where the loss is linear in the gates of each choice, a step with two options has the exact gradient of those two, with the
others masked: `tests/components/evaluation/sharing/relaxed/test_gates.py`. A network's loss is not linear. Here the expectation
of the gradient over all pairs and gates, 1,728 of them, is set beside the gradient of the expected loss, which is a sum over all
architectures: the cosine of the angle between them, and how long the one is beside the other. Prints JSON; half a minute.
"""

import itertools
import json
from collections.abc import Sequence

import numpy as np
import torch
from planted import CLASSES, TRAINING, PlantedMixed, PlantedSpace, images
from torch import Tensor

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.sharing.relaxed.alphas import Alphas
from archsmith.evaluation.sharing.relaxed.gates import gated
from archsmith.evaluation.sharing.relaxed.supernet import Supernet
from archsmith.models.initialise import initialise
from archsmith.models.mixed.network import Mix


def main() -> None:
    """Enumerate."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    network = PlantedMixed(PlantedSpace(), CLASSES)
    initialise(network, generator)
    supernet = Supernet(network.double().train(), choose_device(gpu=0, fallback="cpu"), TRAINING)
    x, y = next(Batches(images(0, shuffled=False).train, 64).epoch(generator))
    alphas = Alphas(network.points, generator)
    said = {}
    for spread in (0.0, 1.0, 3.0):
        alphas.values = (spread * torch.randn(12, generator=generator, dtype=torch.float64)).requires_grad_()
        exact, expected = (
            gradient_of_expected_loss(supernet, alphas, (x.double(), y)),
            expected_gradient(supernet, alphas, (x.double(), y)),
        )
        cosine = torch.nn.functional.cosine_similarity(exact, expected, dim=0)
        said[f"alphas of deviation {spread:g}"] = {
            "cosine": round(cosine.item(), 4), "length": round((expected.norm() / exact.norm()).item(), 4),
        }  # fmt: skip
    print(json.dumps(said, indent=2))


def gradient_of_expected_loss(supernet: Supernet, alphas: Alphas, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the gradient of the sum over all architectures of their probabilities times their losses: (12,)."""
    shares = alphas.split(alphas.softmax(alphas.values))
    terms = []
    for chosen in itertools.product(range(4), repeat=3):
        mixes = {p.name: Mix(torch.eye(4, dtype=torch.float64)[k], (k,)) for p, k in zip(alphas.points, chosen, strict=True)}
        with torch.no_grad(), supernet.statistics_left_alone():
            loss = supernet.loss(batch, mixes)
        terms.append(loss * torch.stack([part[k] for part, k in zip(shares, chosen, strict=True)]).prod())
    return torch.autograd.grad(torch.stack(terms).sum(), [alphas.values])[0]


def expected_gradient(supernet: Supernet, alphas: Alphas, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the mean of the gradient of two paths over all that can be drawn: (12,)."""
    chances = [pair_chances(part) for part in alphas.split(alphas.values.detach())]
    total = torch.zeros_like(alphas.values)
    for pairs in itertools.product(itertools.permutations(range(4), 2), repeat=3):
        chance = float(np.prod([chances[k][pair] for k, pair in enumerate(pairs)]))
        drawn = gated(alphas, pairs)
        with supernet.statistics_left_alone():
            loss = supernet.loss(batch, drawn.mixes(alphas, drawn.weights))
        total += chance * torch.autograd.grad(loss, [alphas.values])[0]
    return total


def pair_chances(scores: Tensor) -> dict[Sequence[int], float]:
    """Return how probable it is that two options are sampled and the gate of the first is opened."""
    p = scores.softmax(0).tolist()
    chances: dict[Sequence[int], float] = {}
    for a, b in itertools.permutations(range(len(p)), 2):
        both = p[a] * p[b] / (1 - p[a]) + p[b] * p[a] / (1 - p[b])  # drawn one after the other, in either order
        chances[a, b] = both * p[a] / (p[a] + p[b])
    return chances


if __name__ == "__main__":
    main()
