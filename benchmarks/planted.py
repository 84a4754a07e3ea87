"""Every method with shared weights on data made so that one known operation on each of three edges is needed, and no other helps.

    python benchmarks/planted.py --processes 2 --out planted.jsonl

An image has three channels of 8 x 8. In each, four patterns are added up that are orthogonal on every 2 x 2 square, each with a
strength and a sign of its own; an operation sees the strength of one pattern. The class says of one pattern a channel, the
planted ones, whether it is strong. So an operation that is not planted sees nothing of the class.

Each method, with its own settings but for the epochs, has to find all three planted operations in at least 9 of 10 seeds, and
where it has probabilities, with at least twice that of chance each. With shuffled labels there is nothing to find: at most 5 of
10. Methods that sample and have no probabilities look at all 64 architectures with the shared weights, and take the best.
What is in `--out` already is not run again. Prints JSON; some minutes in all.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from archsmith.evaluation.data import Dataset, Images
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.sharing.ground import Ground
from archsmith.evaluation.sharing.make import make_looks, make_training
from archsmith.evaluation.sharing.relaxed.make import shares_of
from archsmith.evaluation.sharing.relaxed.training import RelaxedTraining
from archsmith.models.blocks import GlobalPool
from archsmith.models.mixed.derivation import Slot, logs, slot
from archsmith.models.mixed.network import MixedStack, Mixes, Mixing, Mixture, Point
from archsmith.models.parts import Parts, Place
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import RELAXATIONS, Relaxed, Sampled, SupernetSettings
from archsmith.values import Architecture, Fidelity

PATTERNS: Mapping[str, Sequence[Sequence[int]]] = {
    "level": ((1, 1), (1, 1)),
    "columns": ((1, -1), (1, -1)),
    "rows": ((1, 1), (-1, -1)),
    "checks": ((1, -1), (-1, 1)),
}
PLANTED = ("rows", "checks", "columns")
EDGES, SIDE, CHANNELS, CLASSES = 3, 8, 4, 8
EPOCHS, N_TRAIN, N_VALIDATION = 8, 1024, 256
TRAINING = TrainingSpec(batch_size=32)

METHODS: Mapping[str, SupernetSettings] = {
    "darts": replace(RELAXATIONS["darts"], epochs=EPOCHS),
    "darts, second order": replace(RELAXATIONS["darts"], epochs=EPOCHS, update="second"),
    "gdas": replace(RELAXATIONS["gdas"], epochs=EPOCHS),
    "snas": replace(RELAXATIONS["snas"], epochs=EPOCHS),
    "proxyless": replace(RELAXATIONS["proxyless"], epochs=EPOCHS),
    "joint": replace(RELAXATIONS["fabric"], epochs=EPOCHS),
    "single-path": Sampled(EPOCHS),
    "fair": Sampled(EPOCHS, "fair"),
    "one-shot": Sampled(EPOCHS, "dropout"),
    "enas": Sampled(EPOCHS, "policy"),
}


class PlantedSpace(DecisionSpace):
    """One of four operations on each of three edges."""

    def __init__(self) -> None:
        super().__init__("planted", [Decision(f"op_{k}", tuple(PATTERNS)) for k in range(EDGES)])

    def layers(self, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity) -> Parts:
        """Return the network of an architecture."""
        del input_shape, fidelity
        places = {f"edge_{k}": Place(str(op), operation(str(op))) for k, op in enumerate(architecture.choices)}
        return {"edges": Edges(places), **ending(n_classes)}

    def graph(self, architecture: Architecture) -> Graph:
        """Return its edges."""
        edges = tuple(Edge("image", "output", str(op)) for op in architecture.choices)
        return Graph((Node("image", "image", "input"), Node("output", "class", "output")), edges)


class Edges(nn.ModuleDict):
    """An operation on each channel: (B, 3, H, W) -> (B, 3 C, H - 1, W - 1)."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply them."""
        return torch.cat([edge(x[:, k : k + 1]) for k, edge in enumerate(self.values())], 1)


class MixedEdges(nn.ModuleDict, Mixing):
    """All operations on each channel."""

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """Apply them."""
        return torch.cat([edge(x[:, k : k + 1], mixes) for k, edge in enumerate(self.values())], 1)


class PlantedMixed(MixedStack):
    """The mixed network of the space."""

    def __init__(self, space: PlantedSpace, n_classes: int) -> None:
        points = [Point(d.name, tuple(PATTERNS)) for d in space.decisions]
        mixtures = {f"edge_{k}": Mixture(p.name, {op: operation(op) for op in PATTERNS}) for k, p in enumerate(points)}
        super().__init__(space, points, {"edges": MixedEdges(mixtures), **ending(n_classes)})

    def slots(self, probabilities: Mapping[str, np.ndarray]) -> Sequence[Slot]:
        """Return a slot an edge."""
        return [slot([{p.name: op} for op in p.options], logs(probabilities[p.name])) for p in self.points]

    def read(self, chosen: Mapping[str, Any]) -> Architecture:
        """Return the architecture of these operations."""
        return self.space.architecture(chosen)  # type: ignore[attr-defined, no-any-return]

    def options(self, architecture: Architecture) -> Mapping[str, tuple[str, ...]]:
        """Return its operations."""
        return {p.name: (str(op),) for p, op in zip(self.points, architecture.choices, strict=True)}


class Strength(nn.Module):
    """The strength of a pattern wherever it is: (B, 1, H, W) -> (B, 1, H - 1, W - 1)."""

    kernel: Tensor

    def __init__(self, pattern: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.tensor(pattern, dtype=torch.float32)[None, None] / 4)

    def forward(self, x: Tensor) -> Tensor:
        """Find it."""
        return nn.functional.conv2d(x - 0.5, self.kernel).abs()


def operation(pattern: str) -> nn.Module:
    """Return what sees a pattern; its weights say what its strength means to each channel."""
    return nn.Sequential(
        Strength(PATTERNS[pattern]), nn.Conv2d(1, CHANNELS, 1, bias=False), nn.BatchNorm2d(CHANNELS, affine=False)
    )


def ending(n_classes: int) -> dict[str, nn.Module]:
    """Return what follows the edges: too little to find out anything that the operations did not."""
    return {"global_pool": GlobalPool(), "classifier": nn.Linear(EDGES * CHANNELS, n_classes)}


def images(seed: int, *, shuffled: bool) -> Dataset:
    """Make the images of a seed."""
    rng, n = np.random.default_rng(seed), N_TRAIN + N_VALIDATION
    strengths = rng.uniform(size=(n, EDGES, len(PATTERNS)))
    signs = rng.choice((-1, 1), size=strengths.shape)
    tiles = np.stack([np.tile(np.array(pattern), (SIDE // 2, SIDE // 2)) for pattern in PATTERNS.values()])
    pixels = np.einsum("nkp,phw->nkhw", strengths * signs, tiles)
    pixels = 128 + 28 * pixels + rng.normal(0, 3, pixels.shape)
    strong = [strengths[:, k, list(PATTERNS).index(op)] > 0.5 for k, op in enumerate(PLANTED)]
    labels = sum(bit.astype(np.int64) << k for k, bit in enumerate(strong))
    if shuffled:
        labels = rng.permutation(labels)
    every = Images(torch.from_numpy(pixels.round().clip(0, 255).astype(np.uint8)), torch.from_numpy(labels))
    train, validation = every.take(torch.arange(N_TRAIN)), every.take(torch.arange(N_TRAIN, n))
    return Dataset(train, validation, validation, tuple(map(str, range(CLASSES))), (0.5,) * EDGES, (0.2,) * EDGES)


def search(method: str, seed: int, shuffled: bool) -> dict[str, Any]:
    """Search once: what was found, and with which probabilities."""
    torch.set_num_threads(1)
    begin = time.process_time()
    settings, space = METHODS[method], PlantedSpace()
    stand: dict[str, Any] = {
        "space": space, "dataset": images(seed, shuffled=shuffled), "fidelity": Fidelity(1), "training": TRAINING,
        "device": choose_device(gpu=0, fallback="cpu"), "seed": seed,
    }  # fmt: skip
    if isinstance(settings, Relaxed):
        ground = Ground.of(**stand)
        training: Any = RelaxedTraining(
            PlantedMixed(space, CLASSES), shares_of(settings, ground), settings, TRAINING, device=ground.device, seed=seed
        )
    else:
        training = make_training(settings, **stand)
    records = list(training.run())
    found = training.derived(1)
    if not found:
        looker = make_looks(settings, training.state(), **stand).looker
        found = [max(space.enumerate(), key=lambda a: looker.look(a)[1])]
    probabilities = records[-1].probabilities
    tops = [probabilities[f"op_{k}"][op] for k, op in enumerate(PLANTED)] if probabilities else []
    return {
        "method": method, "shuffled": shuffled, "seed": seed, "found": found[0].choices == PLANTED, "planted": tops,
        "val_accuracy": records[-1].val_accuracy, "cpu_seconds": time.process_time() - begin,
    }  # fmt: skip


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("planted.jsonl"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    arguments = parser.parse_args()
    runs = [json.loads(line) for line in arguments.out.read_text().splitlines()] if arguments.out.exists() else []
    known = {(run["method"], run["seed"], run["shuffled"]) for run in runs}
    asked = [(m, seed, shuffled) for seed in range(arguments.seeds) for m in arguments.methods for shuffled in (False, True)]
    left = [one for one in asked if one not in known]
    with ProcessPoolExecutor(arguments.processes, get_context("spawn")) as pool, arguments.out.open("a") as out:
        for run in pool.map(search, *zip(*left, strict=True)) if left else ():
            runs.append(run)
            print(json.dumps(run), file=out, flush=True)
    print(json.dumps({"cpu_minutes": round(sum(r["cpu_seconds"] for r in runs) / 60, 1), **summary(runs)}, indent=2))


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return for each method in how many seeds it finds what is planted, and whether that is as it must be."""
    said = {}
    for method in dict.fromkeys(run["method"] for run in runs):
        real, shuffled = ([r for r in runs if r["method"] == method and r["shuffled"] is s] for s in (False, True))
        sure = [r["found"] and (not r["planted"] or min(r["planted"]) >= 2 / len(PATTERNS)) for r in real]
        tops = [min(r["planted"]) for r in real if r["planted"]]
        lucky = sum(r["found"] for r in shuffled)
        said[method] = {
            "found": sum(sure), "of": len(real), "with_shuffled_labels": lucky,
            "least_probability": round(min(tops), 2) if tops else None,
            "cpu_seconds": round(sum(r["cpu_seconds"] for r in (*real, *shuffled))),
            "as_it_must_be": sum(sure) >= 0.9 * len(real) and lucky <= 0.5 * len(shuffled),
        }  # fmt: skip
    return said


if __name__ == "__main__":
    main()
