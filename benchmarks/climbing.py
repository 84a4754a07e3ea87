"""Strategies whose networks begin with their parents' weights, against those that train from scratch, at equal seconds.

    python benchmarks/climbing.py --out climbing.csv                                    # three hours; it goes on where it stopped
    python benchmarks/climbing.py --out try.csv --seconds 10 --seeds 1 --retrain 3      # to see that it runs
    python benchmarks/climbing.py --out fashion.csv --data fashion --seconds 600 --methods random,evolution,hill-climbing

Whole searches by `archsmith.run`, one after the other, each with so many seconds for its trials, on one worker with one thread.
Those from scratch train each network for `--epochs`, and those that inherit for `--heirs`; `evolution-short` is evolution from
scratch with the epochs of the heirs, so that what is inherited can be told from what is shorter. The winner of each is trained
from scratch, all alike, and judged by the test images.

A row a search: trials, failed ones and those that inherited, the best validation accuracy, the winner's test accuracy and
parameters, seconds. Prints JSON: means over the seeds with their standard errors, and the differences to random search and to
evolution in the same space with the same seed.
"""

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from digits import mean
from recorded import append, ids
from shown import track

import archsmith
from archsmith.values import Born

COLUMNS = (
    "id", "method", "seed", "trials", "failed", "inherited", "best_accuracy", "test_accuracy", "n_params", "epochs", "busy_s",
    "wall_s",
)  # fmt: skip
DATA: Mapping[str, Mapping[str, Any]] = {
    "digits": {"name": "digits", "validation": 0.4},
    "fashion": {"name": "fashion-mnist", "image_size": 14, "validation": 0.1},
}
SHARES = {"digits": 1.0, "fashion": 0.25}
"""Of the training images."""
SPACES: Mapping[str, Mapping[str, Any]] = {"chain": {}, "tree-cell": {"channels": 8, "cells": 1, "depth": 2, "branches": 2}}
"""Cells by default take minutes a training on one core."""
ACCURACY = {"metric": "accuracy", "goal": "maximize"}


@dataclass(frozen=True, slots=True)
class Method:
    """A strategy, and how it is used."""

    strategy: Mapping[str, Any]
    """Its section of the search file."""
    inherits: bool = True
    """Whether its networks are trained for as long as heirs are."""
    space: str = "chain"
    """A space in which it works."""
    others: tuple[Mapping[str, Any], ...] = ()
    """Objectives beside the accuracy."""


METHODS: Mapping[str, Method] = {
    "random": Method({"name": "random"}, inherits=False),
    "evolution": Method({"name": "evolution"}, inherits=False),
    "evolution-short": Method({"name": "evolution"}),
    "evolution-inherit": Method({"name": "evolution", "inherit": True}),
    "tournament-inherit": Method({"name": "tournament", "inherit": True}),
    "hill-climbing": Method({"name": "hill-climbing"}),
    "lemonade": Method({"name": "lemonade"}, others=({"metric": "n_params", "goal": "minimize"},)),
    "eas": Method({"name": "eas"}),
    "random-tree": Method({"name": "random"}, inherits=False, space="tree-cell"),
    "evolution-tree": Method({"name": "evolution"}, inherits=False, space="tree-cell"),
    "path-level": Method({"name": "path-level"}, space="tree-cell"),
}


def main() -> None:
    """Run every method with every seed, and tell what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="File that keeps what is done, a row a search.")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--data", choices=DATA, default="digits")
    parser.add_argument("--seconds", type=float, default=120, help="Of the trials of a search.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=6, help="Of a training from scratch.")
    parser.add_argument("--heirs", type=int, default=2, help="Of one that begins with a parent's weights.")
    parser.add_argument("--retrain", type=int, default=30, help="Epochs of the winner.")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    methods, done, first = arguments.methods.split(","), ids(arguments.out), arguments.first_seed
    # Seed by seed, so that what there is after a while compares.
    wanted = [(method, seed) for seed in range(first, first + arguments.seeds) for method in methods]
    for method, seed in track(wanted, "Searching"):
        if f"{method}-{seed}" not in done:
            append(arguments.out, COLUMNS, search(method, seed, arguments))
    settings = {name: value for name, value in vars(arguments).items() if name != "out"}
    print(json.dumps({"settings": settings, **report(arguments.out, methods)}, indent=2))


def search(name: str, seed: int, arguments: argparse.Namespace) -> dict[str, object]:
    """Run a search; return its row."""
    method, begun = METHODS[name], time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result = archsmith.run(search_file(method, seed, arguments), store=folder, watch=lambda _: None, warn=lambda _: None)
        history, model = result.snapshot.history, result.best.metrics
    return {
        "id": f"{name}-{seed}",
        "method": name,
        "seed": seed,
        "trials": len(history),
        "failed": len(history.failed),
        "inherited": sum(isinstance(t.birth, Born) for t in history),
        "best_accuracy": round(max(t.metrics["accuracy"] for t in history.completed), 5),
        "test_accuracy": round(model["test_accuracy"], 5),
        "n_params": round(model["n_params"]),
        "epochs": sum(len(t.curve) for t in history),
        "busy_s": round(history.busy_s(), 1),
        "wall_s": round(time.perf_counter() - begun, 1),
    }


def search_file(method: Method, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the search file says."""
    return {
        "apiVersion": "archsmith.dev/v1alpha1",
        "kind": "Search",
        "metadata": {"name": "climbing"},
        "spec": {
            "seed": seed,
            "data": dict(DATA[arguments.data]),
            "space": {"name": method.space, **SPACES[method.space]},
            "strategy": dict(method.strategy),
            "estimation": {
                "epochs": arguments.heirs if method.inherits else arguments.epochs,
                "data": SHARES[arguments.data],
            },
            "training": {"batch_size": 64},
            "objectives": [ACCURACY, *map(dict, method.others)],
            "budget": {"trials": 10_000, "minutes": arguments.seconds / 60},
            "resources": {"workers": 1, "cpu": 1},
            "retrain": {"epochs": arguments.retrain},
            "tracking": {"enabled": False},
        },
    }


def report(out: Path, methods: list[str]) -> dict[str, Any]:
    """Return what each method found, in means over the seeds that there are."""
    with out.open(newline="") as file:
        rows = {(line["method"], int(line["seed"])): line for line in csv.DictReader(file)}
    return {"methods": {method: summary(method, rows) for method in methods}}


def summary(method: str, rows: Mapping[tuple[str, int], Mapping[str, str]]) -> dict[str, Any]:
    """Return the means of a method, and of how far it is ahead of those from scratch."""
    seeds = [seed for name, seed in rows if name == method]
    found: dict[str, Any] = {"seeds": len(seeds)}
    for column in ("test_accuracy", "best_accuracy", "n_params", "trials", "epochs"):
        found[column] = mean([float(rows[method, seed][column]) for seed in seeds])
    for baseline, other in METHODS.items():
        both = [seed for seed in seeds if (baseline, seed) in rows]
        if both and not other.inherits and other.space == METHODS[method].space and method != baseline:
            ahead = [float(rows[method, s]["test_accuracy"]) - float(rows[baseline, s]["test_accuracy"]) for s in both]
            found[f"ahead_of_{baseline}"] = mean(ahead)
    return found


if __name__ == "__main__":
    main()
