"""What stoppers tell of a curve's end, and what they save, on recorded curves: `benchmarks/fashion-curves.csv` and its like.

    python benchmarks/curves.py                                  # as recorded, one schedule over all epochs
    python benchmarks/curves.py benchmarks/fashion-curves-rung.csv --orders 20
    python benchmarks/curves.py ec-nas-5v.csv --columns valid_2ep,valid_4ep --only predict

Two parts. `predict`: the curves in random orders; after 15 and after 60 that have finished, each stopper predicts the ends of all
others at 10, 25 and 50 % of the epochs. `stop`: random search over the table with each stopper, by the code that searches use, in
as many orders; beside them the median rule, and ASHA by stopping (rungs 1, 3, 9; the best third goes on, and of all others the
same tenth is spared).
A quarter of an hour on a quiet core for 20 orders. Prints JSON.
"""

import argparse
import csv
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from record_curves import SPACE
from scipy.stats import spearmanr
from shown import track

from archsmith.evaluation.stopping import STOPPERS
from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.watching import Remembering, Stopping, prepared
from archsmith.spec import Objective
from archsmith.values import Architecture, EpochRecord, Fidelity, History, Proposal, Trial

TABLE = Path(__file__).with_name("fashion-curves.csv")
SHARES = (0.1, 0.25, 0.5)
FINISHED = "15,60"
ACCURACY = (Objective(metric="accuracy", goal="maximize"),)
LIMITS = {"error": 0.7, "rank": -0.02, "covered": (0.84, 0.96), "look_ms": 20.0, "loss_points": 0.2, "saved_points": 2.0}
ETA = 3
STOPPING = Stopping("spares", STOPPERS["median"](), SPACE, ACCURACY)
"""Says whom nobody stops."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", type=Path, default=TABLE)
    parser.add_argument("--columns", help="Of the curve, separated by commas; valid_1, valid_2, ... where left out.")
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--trials", type=int, default=100, help="Of a search.")
    parser.add_argument("--stoppers", default=",".join(STOPPERS))
    parser.add_argument("--finished", default=FINISHED, help="Of how many curves predictions are made, separated by commas.")
    parser.add_argument("--only", choices=("predict", "stop"))
    arguments = parser.parse_args()
    rows = list(csv.DictReader(arguments.table.open(newline="")))
    columns = arguments.columns.split(",") if arguments.columns else [c for c in rows[0] if c.startswith("valid_")]
    values = np.array([[float(row[c]) for c in columns] for row in rows])
    values = values / 100 if np.nanmax(values) > 1 else values
    names = arguments.stoppers.split(",")
    found: dict[str, Any] = {"table": arguments.table.name, "curves": len(values), "epochs": len(columns), "limits": LIMITS}
    if arguments.only != "stop":
        curves = Curves(values, np.stack([_features(row) for row in rows]))
        found["predict"] = {
            name: told(name, curves, arguments.orders, [int(n) for n in arguments.finished.split(",")])
            for name in track(names, "Predicting")
        }
    if arguments.only != "predict":
        architectures = [SPACE.from_text(row["architecture"]) for row in rows]
        found["stop"] = searches(names, architectures, values, arguments.orders, arguments.trials)
    print(json.dumps(found, indent=2))


def told(name: str, curves: Curves, orders: int, finished: Sequence[int]) -> dict[str, Any]:
    """Return how well a stopper tells the ends, by how many curves have finished and how much of one is seen."""
    looks = sorted({max(1, round(share * curves.horizon)) for share in SHARES})
    made: dict[str, Any] = {}
    for n in finished:
        if n >= len(curves) - 15:
            continue
        runs = [_told_once(name, curves, n, looks, seed) for seed in range(orders)]
        made[f"after {n}"] = {f"epoch {t}": _summary([run[t] for run in runs]) for t in looks}
        made[f"after {n}"]["fit_s"] = round(float(np.median([run[0] for run in runs])), 2)
    return made


def _told_once(name: str, curves: Curves, n: int, looks: Sequence[int], seed: int) -> dict[int, Any]:
    order = np.random.default_rng(seed).permutation(len(curves))
    order = order[: n + 100]
    begun = time.process_time()
    watch: Any = STOPPERS[name]().build().fit(curves.take(order[:n]))
    made: dict[int, Any] = {0: time.process_time() - begun}
    for t in looks:
        lines = []
        for k in order[n:]:
            begun = time.process_time()  # others may be at work on the machine
            prediction = watch.predict(curves.values[k, :t], curves.features[k])
            took = time.process_time() - begun
            low, high = prediction.interval(0.9)
            last, came = curves.values[k, t - 1], curves.values[k, -1]
            lines.append((prediction.mean, last, came, low <= came <= high, high - low, took))
        made[t] = np.array(lines)
    return made


def _summary(runs: Sequence[np.ndarray]) -> dict[str, float]:
    """Summarise the predictions of several orders at an epoch: columns are mean, last value, end, covered, width, seconds."""
    every = np.concatenate(runs)
    off, naive = np.median(np.abs(every[:, 0] - every[:, 2])), np.median(np.abs(every[:, 1] - every[:, 2]))
    ranks = [spearmanr(run[:, 0], run[:, 2])[0] - spearmanr(run[:, 1], run[:, 2])[0] for run in runs]
    return {
        "error_of_last_values": round(float(off / naive), 2),
        "error_points": round(100 * float(off), 2),
        "rank_above_last_values": round(float(np.mean(ranks)), 3),
        "covered_of_90": round(float(every[:, 3].mean()), 3),
        "width_points": round(100 * float(np.median(every[:, 4])), 1),
        "look_ms": round(1e3 * float(np.quantile(every[:, 5], 0.99)), 2),
    }


def searches(
    names: Sequence[str], architectures: Sequence[Architecture], values: np.ndarray, orders: int, n: int
) -> Mapping[str, Any]:
    """Return epochs saved and what the best found has lost by it, over several orders."""
    every = ["asha by stopping", "median", *(name for name in names if name != "median")]
    made: dict[str, list[tuple[float, float, float]]] = {name: [] for name in every}
    for seed in track(range(orders), "Searching"):
        order = np.random.default_rng(1000 + seed).permutation(len(values))[:n]
        best = float(np.nanmax(values[order, -1]))
        for name in every:
            if name == "asha by stopping":
                spared = [STOPPING.spares(architectures[k]) for k in order]
                ends, lengths = _asha(values[order], spared)
            else:
                ends, lengths = _search(name, architectures, values, order)
            saved = 1 - sum(lengths) / (len(order) * values.shape[1])
            made[name].append((100 * (best - ends), 100 * saved, float(np.mean(np.array(lengths) < values.shape[1]))))
    return {name: _saved(np.array(rows)) for name, rows in made.items()}


def _saved(rows: np.ndarray) -> dict[str, float]:
    error = rows.std(0, ddof=1) / math.sqrt(len(rows)) if len(rows) > 1 else np.full(3, math.nan)
    return {
        "loss_points": round(float(rows[:, 0].mean()), 3), "loss_error": round(float(error[0]), 3),
        "epochs_saved_percent": round(float(rows[:, 1].mean()), 1), "saved_error": round(float(error[1]), 1),
        "stopped_share": round(float(rows[:, 2].mean()), 2),
    }  # fmt: skip


def _search(name: str, architectures: Sequence[Architecture], values: np.ndarray, order: np.ndarray) -> tuple[float, list[int]]:
    """Search one trial after the other; return the best end found and the epochs of each trial."""
    config = STOPPERS[name]()
    stopping, stopper = Stopping(name, config, SPACE, ACCURACY), Remembering(config.build())
    trials: list[Trial] = []
    for number, k in enumerate(order):
        proposal = Proposal(architectures[k], Fidelity(values.shape[1]), number=number)
        looking = prepared(stopping, stopper, History(tuple(trials)), proposal)
        curve = tuple(_records(values[k]))
        stop = next((s for t in range(1, len(curve)) if (s := looking(proposal, curve[:t]))), None) if looking else None
        seen = curve[: stop.epoch] if stop else curve
        trials.append(Trial(proposal, "stopped" if stop else "complete", {"accuracy": seen[-1].val_accuracy}, seen, stop=stop))
    complete = [t.metrics["accuracy"] for t in trials if t.status == "complete"]
    return max(complete), [len(t.curve) for t in trials]


def _records(row: np.ndarray) -> Iterator[EpochRecord]:
    for k, value in enumerate(row, start=1):
        yield EpochRecord(k, k, math.nan, math.nan, float(value), float(k))


def _asha(values: np.ndarray, spared: Sequence[bool]) -> tuple[float, list[int]]:
    """Stop at each rung what is not among the best third of those that have come to it (Li 2020, the variant that stops)."""
    horizon = values.shape[1]
    rungs = [r for r in (ETA**k for k in range(20)) if r < horizon]
    reached: dict[int, list[float]] = {r: [] for r in rungs}
    lengths, ends = [], []
    for row, spares in zip(values, spared, strict=True):
        length = horizon
        for r in rungs:
            reached[r].append(row[r - 1])
            enough = sorted(reached[r], reverse=True)[max(len(reached[r]) // ETA, 1) - 1]
            if row[r - 1] < enough and not spares:
                length = r
                break
        lengths.append(length)
        if length == horizon:
            ends.append(float(row[-1]))
    return max(ends), lengths


def _features(row: Mapping[str, str]) -> np.ndarray:
    """Return a vector of the architecture; of a table of cells its matrix, its operations and its size."""
    if "architecture" in row:
        return SPACE.features(SPACE.from_text(row["architecture"]))
    bits = [float(b) for b in row["matrix"].ljust(10, "0")]
    ops = [
        float(op == known) for op in (row["ops"].split("-") + ["none"] * 3)[:3] for known in ("conv3x3", "conv1x1", "maxpool3x3")
    ]
    return np.array([*bits, *ops, math.log10(float(row["n_params"])) / 8])


if __name__ == "__main__":
    main()
