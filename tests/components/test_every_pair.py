"""Every strategy on every space: neither knows the other, so no pair may be special."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from archsmith.search import load
from archsmith.spaces import SPACES
from archsmith.spaces.morphing import unmorphable
from archsmith.spaces.space import Space
from archsmith.spec import Objective
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import FULL, one_max, search
from archsmith.values import Proposal, Trial

OWN = Path(__file__).parents[2] / "examples" / "own-space.yaml"
OBJECTIVES = (Objective(metric="accuracy", goal="maximize"), Objective(metric="flops", goal="minimize", limit=40))

ONLY = {"eas": "chain", "path-level": "tree-cell"}
"""The strategies that are for one space only, whose others they refuse."""


@cache
def space_of(name: str) -> Space:
    """Return a space with default settings, and for the one that has none that of the example."""
    return load(OWN).space if name == "yaml" else SPACES[name]().build()


@pytest.mark.parametrize("goals", [1, 2])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", SPACES)
def test_a_search_of_batches_and_of_single_trials_proposes_networks_of_the_space_and_none_twice_at_a_fidelity(
    name: str, strategy: str, goals: int
) -> None:
    space = space_of(name)

    def measure(proposal: Proposal) -> Trial:
        if proposal.number % 7 == 6:
            return Trial(proposal, "failed", error="OutOfMemoryError: it is too large.")
        metrics = {
            "accuracy": one_max(space, proposal.architecture),
            "flops": float(len(space.assignment(proposal.architecture))),
        }
        return Trial(proposal, "complete", metrics)

    config, rng = STRATEGIES[strategy](), np.random.default_rng(0)
    derived = tuple(space.sample(rng) for _ in range(200)) if config.sharing else ()
    most = config.sharing.top if config.sharing and config.sharing.looks == 0 else 20
    problem = Problem(space, OBJECTIVES[:goals], FULL, budget=20, derived=derived)
    if (only := ONLY.get(strategy, name)) != name:
        with pytest.raises(ValueError, match=only):
            config.build(problem)
        return
    if strategy not in ONLY and config.inherits and (why := unmorphable(space)):
        with pytest.raises(ValueError, match=re.escape(why)):
            config.build(problem)
        return
    solver = config.build(problem)
    history = search(solver, measure, rounds=range(2), size=8)
    history = search(solver, measure, rounds=range(2, 6), size=1, history=history)
    proposed = [(space.canonical(t.proposal.architecture), t.proposal.fidelity) for t in history]
    assert len(set(proposed)) == len(proposed) == most
    for trial in history:
        space.validate(trial.proposal.architecture)
