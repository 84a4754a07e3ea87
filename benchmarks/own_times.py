"""The own time of a proposal by the strategies whose networks inherit weights, beside Optuna's TPE, in one run.

    python benchmarks/own_times.py                                                       # two minutes on one core

Nothing is trained: an accuracy is what share of the decisions is at its last choice, so that networks that grow are better.
Prints JSON: the median time of a proposal in ms, of those that lead to so many trials, and its ratio to that of TPE in the same
space.
"""

import argparse
import json
import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is there, which else takes all cores for matrices of a few rows

import time
from collections.abc import Callable, Mapping
from statistics import median

from peers import TPE
from shown import track

from archsmith.bench.ours import Ours
from archsmith.spaces import SPACES
from archsmith.spaces.space import Space
from archsmith.spec import Objective
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem
from archsmith.values import Architecture, Fidelity

METHODS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "evolution": ("chain", {"inherit": True}),
    "tournament": ("chain", {"inherit": True}),
    "hill-climbing": ("chain", {}),
    "lemonade": ("chain", {}),
    "eas": ("chain", {}),
    "path-level": ("tree-cell", {}),
}
"""The space that each is timed in, and its settings."""
OBJECTIVES = (Objective(metric="accuracy", goal="maximize"), Objective(metric="n_params", goal="minimize"))
WINDOW = 20
"""Proposals whose median is taken."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--lengths", default="100,1000", help="trials in the history")
    options = parser.parse_args()
    lengths, names = [int(n) for n in options.lengths.split(",")], options.methods.split(",")
    spaces = {METHODS[name][0]: SPACES[METHODS[name][0]]().build() for name in names}
    work = [*(("tpe", space) for space in spaces), *((name, METHODS[name][0]) for name in names)]
    spent = {(name, space): times(name, spaces[space], max(lengths)) for name, space in track(work, "strategies")}
    found = {job: {n: 1e3 * median(seconds[n - WINDOW : n]) for n in lengths} for job, seconds in spent.items()}
    rows = {
        name: {f"ms_at_{n}": round(ms, 2) for n, ms in found[name, space].items()}
        | {f"ratio_at_{n}": round(ms / found["tpe", space][n], 3) for n, ms in found[name, space].items()}
        for name, space in work
        if name != "tpe"
    }
    tpe = {space: {f"ms_at_{n}": round(ms, 2) for n, ms in found["tpe", space].items()} for space in spaces}
    print(json.dumps({"tpe": tpe, **rows}, indent=2))


def times(name: str, space: Space, trials: int) -> list[float]:
    """Return the seconds of each proposal of a search."""
    if name == "tpe":
        ask, tell = TPE.solve(space, 0, ["maximize"])
        return timed(ask, lambda a: tell([accuracy(space, a)]), trials)
    config = STRATEGIES[name].model_validate(METHODS[name][1])
    problem = Problem(space, OBJECTIVES, Fidelity(epochs=3), trials, scores=lambda a: {"n_params": size(a)})
    ask_ours, tell_ours = Ours(name, config).solve(problem, 0)
    return timed(ask_ours, lambda a: tell_ours({"accuracy": accuracy(space, a), "n_params": size(a)}), trials)


def timed(ask: Callable[[], Architecture | None], tell: Callable[[Architecture], None], trials: int) -> list[float]:
    """Search, and return the seconds of each proposal."""
    found: list[float] = []
    for _ in range(trials):
        begun = time.perf_counter()
        architecture = ask()
        found.append(time.perf_counter() - begun)
        assert architecture is not None, "the spaces are larger than that"
        tell(architecture)
    return found


def accuracy(space: Space, architecture: Architecture) -> float:
    """Return the share of the decisions that are at their last choice."""
    pairs = list(zip(space.decisions, architecture.choices, strict=True))
    return sum(choice == decision.choices[-1] for decision, choice in pairs) / len(pairs)


def size(architecture: Architecture) -> float:
    """Return a number that grows with the network, in place of its parameters."""
    return float(sum(choice for choice in architecture.choices if isinstance(choice, int)))


if __name__ == "__main__":
    main()
