"""Time of training in `estimate` against a bare torch loop of the same network, batch and threads, in turn.

    python benchmarks/training.py --threads 2 --pairs 7

Ours includes what a trial needs beside the steps: the checkpoint of each epoch, written to a local store, checks of the
loss and of the clock, and the curve. Both validate after each epoch. Prints JSON.
"""

import argparse
import json
import statistics
import tempfile
import time

import numpy as np
import torch
from torch.nn import functional as F

from archsmith.evaluation.data import Dataset, Images
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.train import TrainEstimator
from archsmith.models import build
from archsmith.spaces.chain import ChainConfig
from archsmith.spec import TrainingSpec
from archsmith.steps.checkpoints import StoredCheckpoints
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture, Fidelity, Proposal

LIMIT = 1.1
SETTINGS = TrainingSpec(batch_size=128, schedule="constant")
SPACE = ChainConfig(layers={"min": 4, "max": 4}, operations=["conv"], filters=[32], kernels=[3]).build()
EPOCHS = 2


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    dataset = _dataset(6000, 1000)
    architecture = SPACE.sample(np.random.default_rng(0))
    ours(dataset, architecture), bare(dataset, architecture)
    pairs = [(ours(dataset, architecture), bare(dataset, architecture)) for _ in range(arguments.pairs)]
    ratios = sorted(a / b for a, b in pairs)
    figures = {
        "threads": arguments.threads,
        "estimate_s": round(statistics.median(a for a, _ in pairs), 3),
        "bare_s": round(statistics.median(b for _, b in pairs), 3),
        "ratio": {"min": round(ratios[0], 3), "median": round(statistics.median(ratios), 3), "max": round(ratios[-1], 3)},
        "limit": LIMIT,
        "within": statistics.median(ratios) <= LIMIT,
    }
    print(json.dumps(figures, indent=2))


def ours(dataset: Dataset, architecture: Architecture) -> float:
    """Return the seconds of training and validation, checkpoints included."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = StoredCheckpoints(SearchFolder(open_store(folder), "bench"))
        device = choose_device(gpu=0, fallback="cpu")
        estimator = TrainEstimator(dataset, SPACE, SETTINGS, device, checkpoints, 1e9, 0)
        begin = time.perf_counter()
        ends = [begin]
        proposal = Proposal(architecture, Fidelity(EPOCHS))
        trial = estimator.estimate(proposal, seed=0, progress=lambda _: ends.append(time.perf_counter()))
        assert trial.status == "complete", trial.error
        return ends[-1] - begin


def bare(dataset: Dataset, architecture: Architecture) -> float:
    """Return the seconds of the loop that anyone would write."""
    begin = time.perf_counter()
    network = build(SPACE, architecture, dataset.input_shape, 10, fidelity=Fidelity(1)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    x, y = dataset.train.images.float() / 255, dataset.train.labels
    for _ in range(EPOCHS):
        network.train()
        for index in torch.randperm(len(y))[: len(y) // 128 * 128].split(128):
            loss = F.cross_entropy(network(x[index]), y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
        network.eval()
        with torch.inference_mode():
            logits = torch.cat([network(part.float() / 255) for part in dataset.validation.images.split(256)])
            (logits.argmax(1) == dataset.validation.labels).float().mean().item()
    return time.perf_counter() - begin


def _dataset(n: int, n_validation: int) -> Dataset:
    generator = torch.Generator().manual_seed(0)

    def images(count: int) -> Images:
        pixels = torch.randint(0, 256, (count, 1, 28, 28), generator=generator, dtype=torch.uint8)
        return Images(pixels, torch.randint(0, 10, (count,), generator=generator))

    return Dataset(images(n), images(n_validation), images(10), tuple("0123456789"), (0.5,), (0.29,))


if __name__ == "__main__":
    main()
