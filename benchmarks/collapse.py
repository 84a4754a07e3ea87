"""DARTS on NAS-Bench-201, where it is known to end in skips, with and without guards; the table says what they are worth.

    python benchmarks/collapse.py --table ../shared/bench/nas-bench-201.csv --out collapse.jsonl

A search is of the paper's 50 epochs, 6,250 steps of the weights and as many of the alphas, on images of Fashion-MNIST at 8 x 8,
in a network of one cell a stage: some three and a half minutes on a quiet core. What is in `--out` already is not run again, and
a search that was cut off goes on; `--guards` and `--seeds` choose. The limit on skips is that on what is derived from the plain
search, so it costs nothing more.

Must show: where 4 of 6 edges or more are skips, the search says so itself; and with a guard, what is derived is above the mean of
random cells for at least 4 of 5 seeds. Prints JSON.
"""

import argparse
import csv
import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from archsmith.evaluation.checkpoint import dump, loaded
from archsmith.evaluation.data import Dataset, load, subset
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.sharing.make import make_training
from archsmith.evaluation.sharing.relaxed.skips import limited
from archsmith.evaluation.sharing.relaxed.training import RelaxedTraining
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spaces.skips import skips
from archsmith.spec import DataSpec, TrainingSpec
from archsmith.spec.supernets import DARTS, Relaxed
from archsmith.values import Architecture, Fidelity, History
from archsmith.values.verdicts import verdicts

SPACE = NasBench201Config.model_validate({"channels": 8, "cells": 1}).build()
GUARDS: Mapping[str, Relaxed] = {
    "plain": DARTS,
    "beta-decay": replace(DARTS, beta_decay=50.0, alpha_decay=0.0),
    "partial": replace(DARTS, partial=4),
}
LIMIT = 2
"""Skips a cell that P-DARTS leaves."""


def main() -> None:
    """Run what has not been run, and say what came of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("collapse.jsonl"))
    parser.add_argument("--guards", nargs="+", choices=list(GUARDS), default=list(GUARDS))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    runs = [json.loads(line) for line in arguments.out.read_text().splitlines()] if arguments.out.exists() else []
    data = _images()
    for guard in arguments.guards:
        for seed in range(arguments.seeds):
            if not any(run["guard"] == guard and run["seed"] == seed for run in runs):
                runs.append(search(guard, seed, data, arguments.out.with_suffix(f".{guard}.{seed}.pt")))
                with arguments.out.open("a") as out:
                    out.write(json.dumps(runs[-1]) + "\n")
    print(json.dumps(summary(runs, arguments.table), indent=2))


def search(guard: str, seed: int, data: Dataset, state: Path) -> dict[str, Any]:
    """Search once; `state` is where it leaves off after each epoch, and goes on."""
    begin = time.process_time()
    training = make_training(
        GUARDS[guard], space=SPACE, dataset=data, fidelity=Fidelity(1), training=TrainingSpec(batch_size=32),
        device=choose_device(gpu=0, fallback="cpu"), seed=seed,
    )  # fmt: skip
    assert isinstance(training, RelaxedTraining)
    if state.exists():
        training.restore(loaded(state.read_bytes()))
    for _ in training.run():
        state.write_bytes(dump(training.state()))
    records = training.epochs
    said = verdicts(records, History(()), skips=partial(skips, SPACE), metric="accuracy", sign=1, trained=True, ended=True)
    probabilities = training.alphas.probabilities()
    (limit,) = training.network.derive(limited(training.network.points, probabilities, LIMIT, training.network.likeliest), 1)
    state.unlink(missing_ok=True)
    return {
        "guard": guard, "seed": seed, "steps": records[-1].step, "cpu_seconds": round(time.process_time() - begin),
        "derived": list(training.derived(1)[0].choices), "limited": list(limit.choices), "said": [v.kind for v in said],
        "skips": [_skips(record.derived) for record in records], "val_accuracy": [r.val_accuracy for r in records],
        "entropy": records[-1].entropy, "probabilities": {name: p.tolist() for name, p in probabilities.items()},
        "settings": asdict(GUARDS[guard]),
    }  # fmt: skip


def summary(runs: list[dict[str, Any]], table: Path) -> dict[str, Any]:
    """Return what each guard leads to, by the accuracy on CIFAR-10 of what is derived."""
    with table.open() as file:
        worth = {row["arch"]: float(row["cifar10_test_200ep"]) for row in csv.DictReader(file)}
    mean = statistics.fmean(worth.values())
    found: dict[str, Any] = {"random_cells": round(mean, 2)}
    for guard in [*GUARDS, "limit on skips"]:
        chosen = [r for r in runs if r["guard"] == ("plain" if guard == "limit on skips" else guard)]
        cells = [r["limited" if guard == "limit on skips" else "derived"] for r in chosen]
        accuracies = [worth[SPACE.to_text(Architecture(SPACE.name, tuple(cell)))] for cell in cells]
        found[guard] = {
            "accuracy": accuracies,
            "skips": [cell.count("skip_connect") for cell in cells],
            "above_random": sum(accuracy > mean for accuracy in accuracies),
            "of": len(accuracies),
        }
        if guard != "limit on skips":
            collapsed = [r for r in chosen if r["skips"][-1] >= 4]
            found[guard] |= {"collapsed": len(collapsed), "warned": sum("collapse" in r["said"] for r in collapsed)}
            found[guard] |= {"cpu_seconds": [r["cpu_seconds"] for r in chosen], "steps": [r["steps"] for r in chosen]}
    return found


def _skips(architecture: Architecture | None) -> int:
    return architecture.choices.count("skip_connect") if architecture else 0


def _images() -> Dataset:
    """Return 8,000 images to train with, half of them for the weights, and 1,000 to validate with."""
    data = load(DataSpec(name="fashion-mnist", image_size=8), seed=0)
    few = {
        "train": subset(data.train, 8000 / len(data.train), 0),
        "validation": subset(data.validation, 1000 / len(data.validation), 0),
    }
    return replace(data, **few)


if __name__ == "__main__":
    main()
