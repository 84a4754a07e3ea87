"""A strategy that begins with what another search has found: any other one, whose first new architectures are replaced by those.

Reference:
    Feurer, Springenberg and Hutter, Initializing Bayesian Hyperparameter Optimization via Meta-Learning (AAAI 2015): what was
    best before is measured first, and the strategy learns from that as from its own proposals.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from archsmith.strategies.fold import Fold
from archsmith.strategies.strategy import HasStart, Problem, Strategy, kept
from archsmith.values import Architecture, FromScratch, History, Inherits, Proposal, Trial

REASON = "warm start"
"""Why such a proposal is made."""


class WarmStart:
    """Has given architectures measured first, each in the place of one that the strategy proposes and that nobody has seen.

    So fidelities, rungs and brackets are the strategy's own, and the budget is what it was. What comes first follows from the
    history: it stays a pure function. Where the strategy's own would inherit weights, those in their place begin from scratch;
    what it must begin with itself stays.

    Args:
        problem: What is to be solved; what is not feasible in it is passed over.
        strategy: Proposes all the rest.
        first: What to measure first, in this order; architectures of the problem's space.
    """

    def __init__(self, problem: Problem, strategy: Strategy, first: Sequence[Architecture]) -> None:
        self._strategy = strategy
        self._canonical = cache(problem.space.canonical)
        self._feasible = cache(problem.feasible)
        self._first = tuple(dict.fromkeys(map(self._canonical, first)))
        self._measured = Fold[set[Architecture]](set, self._add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose as the strategy does, and what is left of the first ones in place of new ones of its own."""
        asked = self._strategy.ask(history, n, rng)
        known = self._measured(history) | {self._canonical(p.architecture) for p in history.running}
        own = {self._canonical(p.architecture) for p in asked}
        left = [a for a in self._first if a not in known and a not in own and self._feasible(a)]
        taken = {*known, *self._first}
        return [
            replace(proposal, architecture=left.pop(0), origin=FromScratch(), reason=REASON)
            if left and self._is_new(proposal) and self._canonical(proposal.architecture) not in taken
            else proposal
            for proposal in asked
        ]

    def _is_new(self, proposal: Proposal) -> bool:
        """Tell whether another architecture may take this one's place."""
        begins = isinstance(proposal.origin, FromScratch | Inherits)
        return begins and not (isinstance(self._strategy, HasStart) and self._strategy.is_start(proposal.architecture))

    def keeps(self, history: History) -> frozenset[str]:
        """Return the ids of the trials whose weights the strategy may need yet."""
        return kept(self._strategy, history)

    def _add(self, measured: set[Architecture], trial: Trial) -> None:
        measured.add(self._canonical(trial.proposal.architecture))
