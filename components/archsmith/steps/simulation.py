"""What a strategy would propose, asked with invented results: how many trials a search has on which rung, and of what size."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from archsmith.search import Search
from archsmith.steps.pace import Ask, Limit, Pace
from archsmith.strategies.rungs.sampler import Sampler
from archsmith.strategies.strategy import Strategy, everything
from archsmith.values import Architecture, Proposal, Trial, seed_from
from archsmith.values.metrics import METRICS

LIMIT_S = 1.5
"""Seconds after which the strategy is asked no more; what is left of the budget is taken to go on like that."""
NOISE = 0.02
"""Standard deviation of an invented accuracy around what is invented for its architecture."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was proposed, and which part of the budget that is."""

    proposals: tuple[Proposal, ...]
    """In their order."""
    share: float
    """Share of the budget that they take, in (0, 1]."""


def simulate(
    search: Search, feasible: Callable[[Architecture], bool] = everything, *, limit_s: float = LIMIT_S
) -> Simulated | None:
    """Ask the strategy of a search for all its trials, one after the other, with invented results; None where it has none.

    Nothing is trained. A strategy that goes by what it finds may do something else in the end; what it spends on which rung
    depends little on that. What finds architectures for rungs is random here, as others would take their time to learn.

    Args:
        search: The search, whose trials are trained alone.
        feasible: Whether an architecture keeps the limits.
        limit_s: Seconds that it may take, about.
    """
    begin = time.monotonic()
    strategy, measured = _quick(search, feasible), sorted(search.estimation.measures(buildable=True))
    pace = Pace(1, Limit(search.most_trials, search.most_cost))
    made: list[Proposal] = []
    while isinstance(turn := pace.turn(), Ask):
        if made and time.monotonic() - begin > limit_s:
            return Simulated(tuple(made), _share(search, made))
        if asked := strategy.ask(turn.seen, 1, search.rng(turn.number)):
            made.append(replace(asked[0], number=len(made), round=len(made), seen=len(turn.seen)))
            pace.add(made[-1])
            pace.measured(Trial(made[-1], "complete", _invented(made[-1], measured), seconds=1.0))
        elif not pace.nothing():
            break
    return Simulated(tuple(made), 1.0) if made else None


def _quick(search: Search, feasible: Callable[[Architecture], bool]) -> Strategy:
    """Make the strategy, with random architectures on its lowest rung."""
    config = search.strategy_config
    if "sampler" in type(config).model_fields:
        config = config.model_copy(update={"sampler": Sampler()})
    return replace(search, strategy_config=config).strategy(feasible)


def _invented(proposal: Proposal, measured: list[str]) -> Mapping[str, float]:
    """Invent metrics: each architecture has its worth, and is measured with some noise."""
    worth = np.random.default_rng(seed_from(proposal.architecture.id))
    noise = np.random.default_rng(seed_from(proposal.id)).normal(0.0, NOISE)
    value = min(max(worth.uniform(0.1, 0.9) + noise, 0.0), 1.0)
    return {name: 1000 * value if METRICS.get(name) and METRICS[name].goal == "minimize" else value for name in measured}


def _share(search: Search, made: list[Proposal]) -> float:
    """Return the share of the budget that these proposals take, by whichever end is nearer."""
    cost = math.fsum(p.cost for p in made)
    return min(1.0, max(len(made) / search.most_trials, cost / search.most_cost))
