"""What the table of `archsmith latency` says of networks, beside how long they take.

    python benchmarks/latency_table.py                                  # the mobile space at 224 x 224 pixels
    python benchmarks/latency_table.py --space fabric --side 32

In each round, all operations are measured, and then the networks of 30 random architectures, on one thread and by the clock
of that thread, which stands still while other processes have the core. The networks that the table itself measures are others.
Prints JSON: the rank correlation of what the table predicts with the medians of the networks, and the mean of the relative
errors; beside them those of multiply-adds and parameters, times the factor that suits these networks best. The limits are those
of the mobile space: a correlation of .95 at least, and an error of 15 % at most.
"""

import argparse
import json
import sys
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from torch import nn

from archsmith.evaluation.device import choose_device
from archsmith.evaluation.latency_measuring import measured, plan_table
from archsmith.evaluation.latency_places import build_on_meta, operations_of
from archsmith.evaluation.stopwatch import Runner, Stopwatch
from archsmith.models.cost import cost
from archsmith.spaces import SPACES

CORRELATION, ERROR = 0.95, 0.15


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="mobile")
    parser.add_argument("--side", type=int, default=224, help="height and width of the images")
    parser.add_argument("--networks", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = compare(given.space, (3, given.side, given.side), given.networks, given.rounds, given.seed)
    print(json.dumps(found, indent=2))
    sys.exit(not found["keeps"])


def compare(name: str, shape: tuple[int, int, int], n: int, rounds: int, seed: int) -> dict[str, Any]:
    """Return how well the table and simpler measures tell the time of networks."""
    space, rng = SPACES[name]().build(), np.random.default_rng(seed + 1)
    stopwatch = Stopwatch(choose_device(gpu=0, fallback="cpu"))
    plan = plan_table(space, shape, 10, stopwatch.device, seed=seed)
    table = plan.table
    drawn: dict[str, nn.Module] = {}
    while len(drawn) < n:
        architecture = space.sample(rng)
        if architecture.id not in plan.networks:
            drawn[architecture.id] = build_on_meta(space, architecture, shape, 10)
    counted = [cost(network, shape) for network in drawn.values()]
    arguments = _image(shape)
    with stopwatch.ready():
        runners = [Runner.of(network, arguments, stopwatch) for network in drawn.values()]
    seconds: list[list[float]] = [[] for _ in runners]
    for _table in measured(plan, stopwatch, rounds=rounds, seed=seed):
        table = _table
        with stopwatch.ready():
            for k in rng.permutation(n):
                seconds[k].append(runners[k].measure(stopwatch))
        print(f"round {table.rounds} of {rounds}", file=sys.stderr)
    truth = np.array([median(found) for found in seconds])
    keys = [[one.key for _, one in operations_of(network, shape)] for network in drawn.values()]
    unseen = sum(key not in table.operations for of in keys for key in of)
    said = np.array([table.predict_s(of) for of in keys])
    correlation, error = float(spearmanr(said, truth)[0]), float(np.mean(np.abs(said / truth - 1)))
    return {
        "space": name, "shape": shape, "device": table.device, "operations": len(table.operations), "unseen": unseen,
        "rounds": rounds, "networks": n, "network_ms": [round(1e3 * float(f(truth)), 2) for f in (np.min, np.median, np.max)],
        "fixed_ms": round(1e3 * table.fixed_s, 3),
        "table": {"spearman": round(correlation, 4), "error": round(error, 4)},
        "without_what_is_fixed": _fit(said - table.fixed_s, truth, scaled=False),
        "flops": _fit(np.array([float(c.flops) for c in counted]), truth),
        "n_params": _fit(np.array([float(c.n_params) for c in counted]), truth),
        "noise_of_a_network": round(float(np.mean([_noise(found) for found in seconds])), 4),
        "keeps": bool(correlation >= CORRELATION and error <= ERROR),
    }  # fmt: skip


def _image(shape: tuple[int, int, int]) -> Any:
    import torch

    return (torch.zeros(1, *shape, device="meta"),)


def _fit(said: np.ndarray, truth: np.ndarray, *, scaled: bool = True) -> dict[str, float]:
    """Return correlation and error; `scaled` by the factor that has the least median error."""
    factor = float(np.median(truth / said)) if scaled else 1.0
    error = float(np.mean(np.abs(factor * said / truth - 1)))
    return {"spearman": round(float(spearmanr(said, truth)[0]), 4), "error": round(error, 4)}


def _noise(found: list[float]) -> float:
    """Return the difference of the medians of odd and even rounds, as a share."""
    return abs(median(found[::2]) / median(found[1::2]) - 1)


if __name__ == "__main__":
    main()
