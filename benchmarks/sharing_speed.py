"""A step of shared weights against one of the same network alone, side by side in one run, on one thread.

    python benchmarks/sharing_speed.py --steps 40

Ours is all that a step has: an architecture that was not seen before is drawn, its network is built and put on the bank's
tensors, one step is taken of them, and of their momenta alone. The other is the loop that anyone would write for a network that
is built already. Both have the same images, optimizer and limit of the gradient, and take turns. CPU time is counted, so that
other processes matter little. Prints JSON.
"""

import argparse
import json
import statistics
import time

import numpy as np
import torch
from torch.nn import functional as F

from archsmith.evaluation.data import Dataset, Images
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.sharing.ground import Ground
from archsmith.evaluation.sharing.sampled import SampledTraining
from archsmith.models import build
from archsmith.spaces import SPACES
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import Sampled
from archsmith.values import Architecture, Fidelity

LIMIT = 1.15
SMALL = {
    "nas-bench-201": {"cells": 1, "channels": 16},
    "cell": {"cells": 3, "channels": 8},
    "chain": {"layers": {"min": 4, "max": 4}, "operations": ["conv", "sepconv"], "filters": [16, 32]},
}
CHANNELS, SIZE, BATCH = 1, 28, 128
"""Those of Fashion-MNIST, and of the search file's default."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--spaces", nargs="+", default=list(SMALL))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = {name: measured(SPACES[name].model_validate(SMALL[name]).build(), arguments.steps) for name in arguments.spaces}
    within = all(row["ratio"] <= LIMIT for row in rows.values())
    print(json.dumps({"steps": arguments.steps, "limit": LIMIT, "within": within, "spaces": rows}, indent=2))


def measured(space: Space, steps: int) -> dict[str, float]:
    """Return the medians of both, in milliseconds, and the ratio of their sums."""
    rng = np.random.default_rng(0)
    spec, device = TrainingSpec(batch_size=BATCH), choose_device(gpu=0, fallback="cpu")
    ground = Ground.of(space, _dataset(), fidelity=Fidelity(1), training=spec, device=device, seed=0)
    training = SampledTraining(Sampled(1), ground)
    x, y = next(training._batches.epoch(torch.Generator().manual_seed(0)))
    for _ in range(5):
        ours(training, space.sample(rng), x, y), alone(training, space, space.sample(rng), x, y)
    pairs = []
    for _ in range(steps):
        architecture = space.sample(rng)
        pairs.append((ours(training, architecture, x, y), alone(training, space, architecture, x, y)))
    return {
        "ours_ms": round(1e3 * statistics.median(a for a, _ in pairs), 2),
        "alone_ms": round(1e3 * statistics.median(b for _, b in pairs), 2),
        "ratio": round(statistics.median(a / b for a, b in pairs), 3),
        "ratio_of_sums": round(sum(a for a, _ in pairs) / sum(b for _, b in pairs), 3),
    }


def ours(training: SampledTraining, architecture: Architecture, x: torch.Tensor, y: torch.Tensor) -> float:
    """Return the seconds of a step, the building of the network included."""
    begin = time.process_time()
    training._step([architecture], 0.1, x, y, averaged=True)
    return time.process_time() - begin


def alone(training: SampledTraining, space: Space, architecture: Architecture, x: torch.Tensor, y: torch.Tensor) -> float:
    """Return the seconds of the second step of a network that is there already: the first one makes momenta."""
    settings = training._ground.training
    network = (
        build(space, architecture, (CHANNELS, SIZE, SIZE), 10, fidelity=Fidelity(1)).to(memory_format=torch.channels_last).train()
    )
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.01, momentum=settings.momentum, nesterov=True, weight_decay=settings.weight_decay
    )
    for _ in range(2):
        begin = time.process_time()
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(x), y).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip_gradient)
        optimizer.step()
        end = time.process_time() - begin
    return end


def _dataset() -> Dataset:
    generator = torch.Generator().manual_seed(0)

    def images(n: int) -> Images:
        pixels = torch.randint(256, (n, CHANNELS, SIZE, SIZE), dtype=torch.uint8, generator=generator)
        return Images(pixels, torch.randint(10, (n,), generator=generator))

    return Dataset(images(2 * BATCH), images(BATCH), images(8), tuple("0123456789"), (0.5,), (0.25,))


if __name__ == "__main__":
    main()
