"""How busy workers are with the trials of rungs: a simulation, at the pace of a search without rounds."""

import heapq
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spec import at_once
from archsmith.steps.pace import Ask, Limit, Over, Pace
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import ACCURACY
from archsmith.values import Fidelity, Proposal, Trial, seed_from

WORKERS = 16
FULL = Fidelity(27)
TRAININGS = 20


def chance(proposal: Proposal) -> np.random.Generator:
    return np.random.default_rng(seed_from(proposal.architecture.id))


def busy_share(strategy: str, seconds_of: Callable[[Proposal], float]) -> float:
    """Return the share of the workers' time in which they train, until nothing more is proposed."""
    problem = Problem(NasBench201Config().build(), ACCURACY, FULL, budget=TRAININGS)
    solver = STRATEGIES[strategy]().build(problem)
    pace = Pace(at_once(WORKERS), Limit(cost=TRAININGS * FULL.cost))
    free, working, now, busy = WORKERS, list[tuple[float, int, Proposal]](), 0.0, 0.0
    while not isinstance(turn := pace.turn(), Over):
        found = solver.ask(turn.seen, 1, np.random.default_rng(turn.number)) if isinstance(turn, Ask) and free else ()
        if isinstance(turn, Ask) and free and not found:
            assert pace.nothing()
        elif isinstance(turn, Ask) and found:
            proposal = replace(found[0], number=turn.number, seen=len(turn.seen))
            pace.add(proposal)
            heapq.heappush(working, (now + seconds_of(proposal), proposal.number, proposal))
            busy, free = busy + seconds_of(proposal), free - 1
        else:  # nobody is free, or what is to be seen next is still being measured
            now, _, ended = heapq.heappop(working)
            pace.measured(Trial(ended, "complete", {"accuracy": chance(ended).random()}))
            free += 1
    late = sum(end - now for end, _, _ in working)
    return (busy - late) / (WORKERS * now)


@pytest.mark.parametrize("strategy", ["successive-halving", "hyperband", "asha"])
def test_sixteen_workers_are_busy_nine_tenths_of_the_time_on_rungs_of_1_to_27_epochs(strategy: str) -> None:
    assert busy_share(strategy, lambda p: p.cost) > 0.98
    # networks of which the slowest needs five times as long as the fastest for an epoch
    assert busy_share(strategy, lambda p: p.cost * 5 ** chance(p).random()) > 0.9
