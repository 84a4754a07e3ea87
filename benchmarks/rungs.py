"""Strategies with rungs on recorded curves: what they find, and at which cost, beside other projects' and plain rules.

    python benchmarks/rungs.py                                     # benchmarks/fashion-curves.csv, in 40 orders
    python benchmarks/rungs.py --table ec-nas-5v.csv --orders 20   # 2 and 4 epochs of cells, with their decisions
    python benchmarks/rungs.py --table ec-nas-5v.csv --sampler bayesian --peers       # what a model proposes climbs the rungs
    python benchmarks/rungs.py --only times                        # own time of a proposal, beside Optuna's TPE

The rows of a table are taken in random orders. Each strategy goes through as much of the table as its share of the epochs of
training it all allows, and then has found the best of what was trained for longest, as a rule to its end. Its regret is that of
this one at its end to the best of the table, in points of validation accuracy; it is held to .2 by the upper end of a one-sided
interval of 95 %. On a table whose
architectures have decisions, BOHB and Syne Tune's are there too; on the other one they have nothing to learn from.

It needs `pip install "archsmith[bench]"` for Syne Tune. A minute for the curves, ten for the cells, on one core; prints JSON.
"""

import argparse
import csv
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import product
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from peers import TPE
from rung_peers import PEERS, Looks, Trained
from scipy import stats
from shown import CONSOLE, track

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Graph
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spec import Objective
from archsmith.steps.pace import Ask, Limit, Pace
from archsmith.strategies import STRATEGIES
from archsmith.strategies.rungs.ladder import Ladder
from archsmith.strategies.strategy import Problem
from archsmith.values import Architecture, EpochRecord, Fidelity, History, Proposal, Trial

FASHION = Path(__file__).with_name("fashion-curves.csv")
ACCURACY = (Objective(metric="accuracy", goal="maximize"),)
SHARES = {
    "successive-halving": 0.12, "successive-halving, one bracket": 0.12, "asha": 0.15, "pasha": 0.15, "freeze-thaw": 0.15,
    "hyperband": 0.29, "bohb": 0.29,
}  # fmt: skip
"""The share of the epochs that each may spend. One bracket is as large as that allows: the paper's, whose budget is given."""
POINTS = 0.2
"""The regret that is allowed."""
LENGTHS, WINDOW = (100, 1000), 20
"""Proposals are timed at these lengths of the history: the median of the last so many."""


class Table(DecisionSpace):
    """Measured architectures as a space.

    Args:
        decisions: The decisions that the architectures are made of.
        rows: The choices of each.
        curves: Their values in points, (n_rows, n_looks).
        epochs: The epoch of each look.
        eta: 1/eta of a rung goes on.
    """

    def __init__(
        self, decisions: list[Decision], rows: list[tuple[Any, ...]], curves: np.ndarray, epochs: tuple[int, ...], eta: int
    ) -> None:
        super().__init__("table", decisions)
        self.rows = rows
        self.row_of = {Architecture("table", choices): k for k, choices in enumerate(rows)}
        self.curves, self.epochs, self.eta = curves, epochs, eta

    def graph(self, architecture: Architecture) -> Graph:
        """Return nothing: it is not drawn."""
        raise NotImplementedError

    def value(self, architecture: Architecture, epochs: int) -> float:
        """Return what was measured of an architecture after so many epochs."""
        return float(self.curves[self.row_of[architecture], self.epochs.index(epochs)])


@dataclass(frozen=True)
class Run:
    """What a search has come to."""

    share: float
    """Of the epochs of the whole table."""
    regret: float
    """Points to the best of the table."""
    full: int
    """How many were trained to their end."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=FASHION)
    parser.add_argument("--orders", type=int, default=40)
    parser.add_argument("--at-once", type=int, default=1, help="How many of our trials are at work side by side.")
    parser.add_argument("--strategies", nargs="+", choices=list(SHARES), default=list(SHARES), help="Those of ours.")
    parser.add_argument("--sampler", default="random", help="What strategies with rungs take architectures from.")
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--only", choices=("found", "times"))
    options = parser.parse_args()
    if any(peer.startswith("Syne Tune") for peer in options.peers) and find_spec("syne_tune") is None:
        parser.error("Syne Tune is missing, one of the peers; install it: pip install 'archsmith[bench]'")
    said: dict[str, Any] = {}
    if options.only != "times":
        table = cells(options.table) if "matrix" in options.table.open().readline() else chains(options.table)
        said |= {"table": options.table.name, "rows": len(table.rows), "orders": options.orders, "at_once": options.at_once}
        said["sampler"] = options.sampler
        said["found"] = found(table, options)
    if options.only != "found":
        said["ask_ms"] = ask_times()
    print(json.dumps(said, indent=2))


def chains(path: Path) -> Table:
    """Read our recorded curves; the row is the only decision, for the space that they are of has millions of others."""
    rows = list(csv.DictReader(path.open(newline="", encoding="utf-8")))
    epochs = tuple(range(1, sum(name.startswith("valid_") for name in rows[0]) + 1))
    curves = 100 * np.array([[float(row[f"valid_{k}"]) for k in epochs] for row in rows])
    places = tuple(range(len(rows)))
    return Table([Decision("row", places)], [(k,) for k in places], curves, epochs, eta=3)


def cells(path: Path) -> Table:
    """Read EC-NAS: a cell of up to five nodes is its edges and the operations between, after 2 and after 4 epochs."""
    read = list(csv.DictReader(path.open(newline="", encoding="utf-8")))
    n_edges = {n * (n - 1) // 2: n for n in (2, 3, 4, 5)}
    nodes = tuple(n_edges.values())
    decisions = [Decision("nodes", nodes)]
    decisions += [
        Decision(f"edge_{k}", (0, 1), {"nodes": tuple(n for e, n in n_edges.items() if e > k)} if k else {}) for k in range(10)
    ]
    operations = ("conv1x1", "conv3x3", "maxpool3x3")
    decisions += [Decision(f"op_{k}", operations, {"nodes": tuple(n for n in nodes if n > k + 2)}) for k in range(3)]
    rows = []
    for row in read:
        ops = row["ops"].split("-") if row["ops"] else []
        choices = [*map(int, row["matrix"]), *[None] * (10 - len(row["matrix"])), *ops, *[None] * (3 - len(ops))]
        rows.append((n_edges[len(row["matrix"])], *choices))
    curves = np.array([[float(row["valid_2ep"]), float(row["valid_4ep"])] for row in read])
    return Table(decisions, rows, curves, (2, 4), eta=2)


def found(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    """Return what each finds, over the orders; each is told as soon as it is there, as all together take long."""
    modelled, orders = len(table.decisions) > 1, options.orders
    ours, peers = options.strategies, options.peers
    said: dict[str, Any] = {}
    for name in (name for name in ours if modelled or name != "bohb"):
        runs = [search(table, name, seed, SHARES[name], options) for seed in track(range(orders), name)]
        said[name] = summary(runs, SHARES[name])
        CONSOLE.print(said[name])
    for label, share in product(peers, sorted({SHARES[name] for name in ours})):
        if modelled or "BOHB" not in label:
            name = f"{label}, up to {share:.0%}"
            runs = [judged(table, PEERS[label](looks(table, share, seed)), share, seed) for seed in track(range(orders), name)]
            said[name] = summary(runs, None)
            CONSOLE.print(said[name])
    return said


def search(table: Table, name: str, seed: int, share: float, options: argparse.Namespace) -> Run:
    """Run one of our strategies, at the pace of a search without rounds."""
    trainings = share * len(table.rows)
    full = Fidelity(table.epochs[-1])
    strategy_name, _, one_bracket = name.partition(", ")
    config = STRATEGIES[strategy_name].model_validate(_settings(table, strategy_name, options.sampler))
    if one_bracket:
        affordable = int(trainings * config.architectures_a_training(Ladder(config.ladder(full), widens=False)))
        config = config.model_copy(update={"architectures": min(affordable, len(table.rows))})
    problem = Problem(
        table, ACCURACY, full, budget=int(trainings), trainings=trainings,
        feasible=table.row_of.__contains__, listed=list(table.row_of),
    )  # fmt: skip
    strategy = config.build(problem)
    pace, left = Pace(options.at_once, Limit()), trainings * full.cost
    while isinstance(turn := pace.turn(), Ask):
        asked = strategy.ask(turn.seen, 1, np.random.default_rng([seed, turn.number]))
        if asked:
            proposal = replace(asked[0], number=turn.number, seen=len(turn.seen))
            left -= proposal.cost
            if left < 0:
                break
            pace.add(proposal)
            pace.measured(measured(table, proposal))
        elif not pace.nothing():
            break
    longest = max(p.fidelity.epochs for p in pace.proposals)
    last = [p.architecture for p in pace.proposals if p.fidelity.epochs == longest]
    winner = max(last, key=lambda architecture: table.value(architecture, longest))
    ends = table.curves[:, -1]
    spent = sum(p.fidelity.epochs - p.epochs_before for p in pace.proposals)
    regret = float(ends.max() - table.value(winner, full.epochs))
    return Run(spent / (len(ends) * full.epochs), regret, len(last) if longest == full.epochs else 0)


def _settings(table: Table, name: str, sampler: str) -> dict[str, Any]:
    """Return a strategy's settings for the looks that a table has."""
    first = table.epochs[0]
    if name != "freeze-thaw":
        own = {} if name == "bohb" else {"sampler": {"name": sampler}}  # it has a sampler of its own
        return {"eta": table.eta, "lowest": {"epochs": first}, **own}
    return {"step": first} if first > 1 else {}  # it has no rungs, but steps of a training


def measured(table: Table, proposal: Proposal) -> Trial:
    """Look a proposal up, with its curve so far."""
    seen = [(e, table.value(proposal.architecture, e) / 100) for e in table.epochs if e <= proposal.fidelity.epochs]
    curve = tuple(EpochRecord(epoch, epoch, nan, nan, value, epoch) for epoch, value in seen)
    return Trial(proposal, "complete", {"accuracy": seen[-1][1]}, curve)


def looks(table: Table, share: float, seed: int) -> Looks:
    """Return the table in an order."""
    order = np.random.default_rng(seed).permutation(len(table.rows))
    rows = [table.rows[k] for k in order]
    return Looks(table.curves[order], table.epochs, table.eta, table.decisions, rows, share * len(table.rows), seed)


def judged(table: Table, trained: Iterator[Trained], share: float, seed: int) -> Run:
    """Go through what a peer trains until the budget is over, and judge the best of what was trained to its end."""
    order = np.random.default_rng(seed).permutation(len(table.rows))
    whole = len(table.rows) * table.epochs[-1]
    spent, best, n_full = 0, -np.inf, 0
    for row, epochs, to_its_end in trained:
        spent += epochs
        if to_its_end:
            n_full, best = n_full + 1, max(best, table.curves[order[row], -1])
        if spent >= share * whole * (1 - 1e-9):
            break
    return Run(spent / whole, float(table.curves[:, -1].max() - best), n_full)


def summary(runs: list[Run], limit: float | None) -> dict[str, Any]:
    """Return mean, and the upper end of its one-sided interval."""
    regrets = np.array([run.regret for run in runs])
    error = float(regrets.std(ddof=1) / len(runs) ** 0.5)
    upper = float(regrets.mean() + stats.t.ppf(0.95, len(runs) - 1) * error)
    share = float(np.mean([run.share for run in runs]))
    said = {
        "share": round(share, 4), "regret": round(float(regrets.mean()), 3), "standard_error": round(error, 3),
        "upper": round(upper, 3), "full": round(float(np.mean([run.full for run in runs])), 1),
    }  # fmt: skip
    return said if limit is None else {**said, "limit": limit, "within": bool(share <= limit * (1 + 1e-9) and upper <= POINTS)}


def ask_times() -> Mapping[str, Any]:
    """Return the median time of a proposal of a new architecture in ms at each length of the history, and its ratio to TPE's."""
    space = NasBench201Config().build()
    times = {
        TPE.label: _tpe_times(),
        **{name: _own_times(name, space) for name in track([n for n in SHARES if n in STRATEGIES], "times")},
    }
    reference = dict(times[TPE.label])
    return {
        name: {
            **{f"at_{n}": round(ms, 2) for n, ms in own.items()},
            **{f"ratio_{n}": round(own[n] / reference[n], 2) for n in own},
        }
        for name, own in times.items()
    }


def _own_times(name: str, space: DecisionSpace) -> dict[int, float]:
    problem = Problem(space, ACCURACY, Fidelity(27), budget=max(LENGTHS) // 4)
    strategy, history, spent = STRATEGIES[name]().build(problem), History(), list[float]()
    found: dict[int, float] = {}
    rng = np.random.default_rng(0)
    for number in range(max(LENGTHS)):
        begun = time.process_time()
        asked = strategy.ask(history, 1, np.random.default_rng(number))[0]
        if asked.epochs_before == 0:
            spent.append(time.process_time() - begun)
        value = sum(choice == "nor_conv_3x3" for choice in asked.architecture.choices) / 10 + 0.1 * rng.random()
        history = History((*history.trials, Trial(replace(asked, number=number), "complete", {"accuracy": value})))
        if number + 1 in LENGTHS:
            found[number + 1] = 1e3 * float(np.median(spent[-WINDOW:]))
    return found


def _tpe_times() -> dict[int, float]:
    ask, tell = TPE.solve(NasBench201Config().build(), 0, ["maximize"])
    rng, spent = np.random.default_rng(0), list[float]()
    for _ in range(max(LENGTHS)):
        begun = time.process_time()
        architecture = ask()
        spent.append(time.process_time() - begun)
        assert architecture is not None
        tell([sum(choice == "nor_conv_3x3" for choice in architecture.choices) / 10 + 0.1 * rng.random()])
    return {n: 1e3 * float(np.median(spent[n - WINDOW : n])) for n in LENGTHS}


if __name__ == "__main__":
    main()
