"""How busy workers are, simulated: whoever is free gets the next proposal as the pace allows, beside rounds with a barrier.

    python benchmarks/idle.py

Trials take a time that depends on the network, 5 x from the fastest to the slowest, and on the epochs. Each way is simulated
with 20 trials a worker of the same fidelity, and with ASHA over rungs of 1, 3, 9 and 27 epochs and 5 trainings' worth a worker.
`busy` is the share of all workers' time from the beginning to the last proposal in which they train; `whole` counts the end too,
where nothing is left to begin. `at once` is how many may be without a trial that is seen, for W workers; `steps/pace.py` has what
is chosen.
"""

import argparse
from dataclasses import replace
from heapq import heappop, heappush

import numpy as np

from archsmith.spaces import SPACES
from archsmith.spec import Objective
from archsmith.steps.pace import Ask, Limit, Pace
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem, Strategy
from archsmith.testing.strategies import one_max
from archsmith.values import Fidelity, History, Proposal, Trial

TIMES = 5.0
"""How much longer the slowest network takes than the fastest."""
FULL = Fidelity(27)
TRAININGS = 5
"""Full trainings' worth a worker, where there are rungs."""


def main() -> None:
    """Simulate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--strategies", nargs="*", default=["random", "asha"])
    options = parser.parse_args()
    for strategy in options.strategies:
        for workers in (2, 4, 16):
            ways = {f"{f:g} W": max(workers, round(f * workers)) for f in (1, 1.25, 1.5, 1.75, 2, 3)} | {
                "2 W - 1": 2 * workers - 1
            }
            for name, at_once in sorted(ways.items(), key=lambda way: way[1]):
                shares = np.array([simulated(strategy, workers, at_once, seed) for seed in range(options.seeds)])
                busy, whole = shares.mean(axis=0)
                print(
                    f"{strategy:8} W {workers:2}  at once {name:8} {at_once:3}  busy {busy:6.1%}  whole {whole:6.1%}", flush=True
                )
            if strategy == "random":
                barrier = np.mean([with_barrier(workers, seed) for seed in range(options.seeds)])
                print(f"{strategy:8} W {workers:2}  rounds of {max(8, workers)} with a barrier: busy {barrier:6.1%}", flush=True)


def problem(trials: int) -> tuple[Problem, object]:
    """Return a space of a few million chains, to be searched for the sake of its times."""
    space = SPACES["nas-bench-201"]().build()
    return Problem(space, (Objective(metric="accuracy", goal="maximize"),), FULL, trials), space


def seconds(proposal: Proposal, seed: int) -> float:
    """Return how long a proposal trains."""
    slow = np.random.default_rng([seed, int(proposal.architecture.id, 16)]).random()
    return float(proposal.cost * TIMES**slow)


def simulated(name: str, workers: int, at_once: int, seed: int) -> tuple[float, float]:
    """Return the share of the workers' time in which they train, to the last proposal and to the end."""
    config = STRATEGIES[name].model_validate({})
    rungs = len(config.ladder(FULL)) > 1
    most = TRAININGS * workers if rungs else 20 * workers
    solved, space = problem(most)
    strategy: Strategy = config.build(solved)
    limit = Limit(cost=most * FULL.cost) if rungs else Limit(trials=most)
    pace, now, number = Pace(at_once, limit), 0.0, 0
    ends: list[tuple[float, int, Proposal]] = []
    open_, spans = list[Proposal](), list[tuple[float, float]]()
    last = 0.0
    while True:
        while len(ends) < workers:
            turn = pace.turn()
            while not open_ and isinstance(turn, Ask):
                asked = strategy.ask(turn.seen, 1, np.random.default_rng([seed, turn.number]))
                if asked:
                    proposal = replace(asked[0], number=turn.number, seen=len(turn.seen))
                    pace.add(proposal)
                    open_.append(proposal)
                    last = now
                elif not pace.nothing():
                    break
                turn = pace.turn()
            if not open_:
                break
            proposal = open_.pop(0)
            number += 1
            end = now + seconds(proposal, seed)
            spans.append((now, end))
            heappush(ends, (end, number, proposal))
        if not ends:
            break
        now, _, done = heappop(ends)
        pace.measured(Trial(done, "complete", {"accuracy": one_max(space, done.architecture)}))
    busy = sum(min(end, last) - min(begin, last) for begin, end in spans)
    return busy / (workers * last), sum(end - begin for begin, end in spans) / (workers * now)


def with_barrier(workers: int, seed: int) -> float:
    """Return the same share for rounds whose trials are handed out one by one, each of which waits for its slowest."""
    solved, _ = problem(20 * workers)
    strategy, size = STRATEGIES["random"].model_validate({}).build(solved), max(8, workers)
    asked = strategy.ask(History(), 20 * workers, np.random.default_rng(seed))
    now = busy = 0.0
    for first in range(0, len(asked), size):
        free = [now] * workers
        for proposal in asked[first : first + size]:
            taken = min(range(workers), key=free.__getitem__)
            free[taken] += seconds(proposal, seed)
            busy += seconds(proposal, seed)
        now = max(free)
    return busy / (workers * now)


if __name__ == "__main__":
    main()
