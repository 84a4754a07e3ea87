"""Hyperband: brackets of successive halving, from many architectures that begin low to few that begin at the top.

How much a cheap trial says of a full one is not known before. So the brackets differ in how much they trust cheap ones, and
each of them costs about the same.

Reference: Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar 2017, Hyperband: A Novel Bandit-Based Approach to Hyperparameter
Optimization (arXiv:1603.06560), Algorithm 1: s_max, n and r are computed in whole numbers here, R is the fidelity of the
search and its unit is `lowest`.

Where this deviates from the paper:
    - After the last bracket the first one comes again, until the budget is over, and the next one begins while a rung waits for
      its last trials.
    - A trial goes on from its weights, where its network stays as it is.
"""

from archsmith.strategies.rungs.climbing import Climbing
from archsmith.strategies.rungs.plans import Plan, all_brackets
from archsmith.strategies.rungs.sampler import Sampler
from archsmith.strategies.rungs.settings import BracketsConfig, sampled
from archsmith.strategies.strategy import Problem


class HyperbandConfig(BracketsConfig):
    """Successive halving in brackets that trust cheap trials more or less, in turn (Li 2017).

    It goes by the first objective that has a goal, within the limits of all. The budget counts full trainings' worth.
    """

    sampler: Sampler = Sampler()
    """The strategy that finds new architectures, a section of its own as in `{name: bayesian, startup: 8}`. It learns from the
    highest rung that has enough results."""

    def plans(self, n_rungs: int) -> tuple[Plan, ...]:
        """Return the brackets."""
        return all_brackets(n_rungs, self.eta)

    def build(self, problem: Problem) -> Climbing:
        """Make the strategy; raises `ValueError` where no objective has a goal, or the fidelity leaves no room for rungs."""
        ladder = self.ladder_of(problem)
        source = sampled(self.sampler, problem, ladder, self.architectures_a_training(ladder))
        return self.climbing(problem, "hyperband", source)
