"""What is found by shared weights and a short training of the best, against random search of at least twice the epochs.

    python benchmarks/reranked.py residual --looks looks-residual.jsonl --out reranked-residual.jsonl
    python benchmarks/reranked.py cells --out reranked-cells.jsonl

Shared weights are trained for three trainings' worth of epochs, counted as passes of the images through a network: methods
whose step has several networks have as many fewer epochs. The ten best by the loss of looks at the table's architectures, or by
the choices' probabilities in relaxations, are trained for a tenth of the epochs each, and the best of these by its validation
accuracy wins. That is 4 of the 10 trainings that random search has, or 5 with the winner's own. What is found is judged by its
test accuracy when trained alone, the mean of three seeds.

Random search trains 10 of the table's architectures, and takes the best by the validation accuracy of one seed; it is judged by
the others, and its accuracy is the mean over many draws.

The chains are spaces of a user's own, which no relaxation knows; the cells are those of NAS-Bench-201. What is done is kept in
the file and not done twice. Prints JSON.
"""

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record_truth import EPOCHS, SEEDS, SETUPS, alone, architectures, images, table
from shown import track
from truth import METHODS, TRAINING, Truth, keep, known, lines, looked

from archsmith.evaluation.device import choose_device
from archsmith.evaluation.sharing.make import make_training
from archsmith.spaces.space import Space
from archsmith.spec.supernets import Relaxed
from archsmith.strategies.sharing.relaxed import DARTSConfig, GDASConfig, ProxylessConfig, SNASConfig
from archsmith.values import Architecture, Fidelity, seed_from

RELAXED: Mapping[str, Relaxed] = {
    "darts": DARTSConfig(epochs=3 * EPOCHS).supernet,
    "darts, second order": DARTSConfig(epochs=3 * EPOCHS, order=2).supernet,
    "gdas": GDASConfig(epochs=3 * EPOCHS).supernet,
    "snas": SNASConfig(epochs=3 * EPOCHS).supernet,
    "proxyless": ProxylessConfig(epochs=3 * EPOCHS).supernet,
}
"""The methods as the search file has them."""
TOP = 10
SHORT = max(1, round(EPOCHS / 10))
"""Epochs of what is trained again."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("space", choices=SETUPS)
    parser.add_argument("--out", type=Path, required=True, help="File that keeps what is done, a line a seed of a method.")
    parser.add_argument("--looks", type=Path, help="That of truth.py; beside --out where left out.")
    parser.add_argument("--methods", help="All that know the space, where left out.")
    parser.add_argument("--short", type=int, default=SHORT, help="Epochs of what is trained again; a file has one number.")
    parser.add_argument("--by", choices=("loss", "accuracy"), default="loss", help="What looks are ranked by; a file has one.")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    space = SETUPS[arguments.space].config.build()
    methods = arguments.methods.split(";") if arguments.methods else _able(arguments.space)
    looks = arguments.looks or arguments.out.with_suffix(".looks.jsonl")
    for method, seed in track(list(product(methods, range(arguments.seeds))), "Searching"):
        if not any(line["method"] == method and line["seed"] == seed for line in lines(arguments.out)):
            keep(
                arguments.out,
                {
                    "method": method,
                    "seed": seed,
                    **found(arguments.space, space, method, seed, looks, arguments.by, arguments.short),
                },
            )
    random = best_of_random(Truth(space, table(arguments.space)))
    print(json.dumps(report(arguments.space, list(lines(arguments.out)), methods, random), indent=2))


def _able(space: str) -> list[str]:
    return [*METHODS, *(RELAXED if space == "cells" else ())]


def found(name: str, space: Space, method: str, seed: int, looks: Path, by: str, short: int) -> dict[str, Any]:
    """Search, train the best briefly and the winner in full, with all seeds; what the table has of it is taken from there."""
    begun = time.process_time()
    best, passes = preferred(name, space, method, seed, looks, by)
    searched = time.process_time()
    values = [alone(space, one, images(), seed_from(f"short/{seed}"), short)[1] for one in best]
    winner = best[int(np.argmax(values))]
    trained = time.process_time()
    test = in_full(space, winner, table(name))
    return {
        "winner": space.to_text(winner),
        "id": winner.id,
        "test": test,
        "epochs": passes + short * len(best),
        "first": space.to_text(best[0]),
        "first_test": in_full(space, best[0], table(name)),
        "short": [round(value, 4) for value in values],
        "seconds": {"search": round(searched - begun, 1), "short": round(trained - searched, 1)},
    }


def preferred(name: str, space: Space, method: str, seed: int, looks: Path, by: str) -> tuple[list[Architecture], int]:
    """Return the ten best of a method, the best first, and how often the images went through a network for that."""
    if method in RELAXED:
        training = make_training(RELAXED[method], space=space, dataset=images(), fidelity=Fidelity(EPOCHS), training=TRAINING,
                                 device=choose_device(gpu=0, fallback="cpu"), seed=seed)  # fmt: skip
        for _ in training.run():
            pass
        return _different(space, training.derived(4 * TOP)), RELAXED[method].epochs
    paths = max(len(d.choices) for d in space.decisions) if method in ("fair", "one-shot") else 1
    epochs = 3 * EPOCHS // paths
    if not (values := known(looks, method, epochs, seed)):
        keep(looks, {"method": method, "epochs": epochs, "seed": seed, **looked(name, space, method, epochs, seed)})
        values = known(looks, method, epochs, seed)
    sign, k = (1, 1) if by == "loss" else (-1, 0)
    ordered = sorted(architectures(space, SETUPS[name].count), key=lambda one: sign * values[one.id][k])
    return ordered[:TOP], epochs * paths


def _different(space: Space, derived: Sequence[Architecture]) -> list[Architecture]:
    return list(dict.fromkeys(space.canonical(one) for one in derived))[:TOP]


def in_full(space: Space, architecture: Architecture, path: Path) -> list[float]:
    """Return the test accuracy of each seed, from the table where that has it."""
    rows = Truth(space, path)
    if architecture.id in rows.ids:
        return [round(float(value), 5) for value in rows.test[rows.ids.index(architecture.id)]]
    return [round(alone(space, architecture, images(), seed)[0], 5) for seed in range(SEEDS)]


def best_of_random(truth: Truth, draws: int = 2000) -> list[float]:
    """Return the test accuracy of the best of ten, over draws: by the validation accuracy of one seed, judged by the others."""
    rng, values = np.random.default_rng(0), []
    for _ in range(draws):
        ten, seed = rng.choice(len(truth.ids), TOP, replace=False), int(rng.integers(SEEDS))
        best = ten[int(np.argmax(truth.valid[ten, seed]))]
        values.append(float(np.delete(truth.test[best], seed).mean()))
    return values


def report(space: str, done: Sequence[Mapping[str, Any]], methods: Sequence[str], random: Sequence[float]) -> dict[str, Any]:
    """Return all figures, accuracies in percent."""
    baseline = float(np.mean(random))
    figures: dict[str, Any] = {
        "table": table(space).name,
        "random": {
            "epochs": TOP * EPOCHS,
            "accuracy": round(100 * baseline, 2),
            "sd_of_draws": round(100 * float(np.std(random)), 2),
        },
        "methods": {},
    }
    for method in methods:
        runs = [line for line in done if line["method"] == method]
        tests, firsts = (np.array([np.mean(line[key]) for line in runs]) for key in ("test", "first_test"))
        error = float(tests.std(ddof=1)) / math.sqrt(len(runs)) if len(runs) > 1 else 0.0
        figures["methods"][method] = {
            "seeds": len(runs),
            "epochs": max(line["epochs"] for line in runs),
            "accuracy": round(100 * float(tests.mean()), 2),
            "se": round(100 * error, 2) if len(runs) > 1 else None,
            "not_reranked": round(100 * float(firsts.mean()), 2),
            "within": bool(tests.mean() >= baseline - error),
        }
    return figures


if __name__ == "__main__":
    main()
