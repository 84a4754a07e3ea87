"""Successive halving: many architectures at little expense, the best of them at more, until one is left; and again.

Reference: Jamieson, Talwalkar 2016, Non-stochastic Best Arm Identification and Hyperparameter Optimization
(arXiv:1502.07943), section 3, in the form of Li 2017 (arXiv:1603.06560), Algorithm 1, lines 4-9: each rung costs eta times as
much a trial, and 1/eta of its trials go on.

Where this deviates from the papers:
    - There is a bracket after another until the budget is over, and the next one begins while a rung waits for its last trials.
    - A trial goes on from its weights, where its network stays as it is.
"""

from typing import Annotated

from pydantic import Field

from archsmith.strategies.rungs.climbing import Climbing
from archsmith.strategies.rungs.plans import Plan, halving
from archsmith.strategies.rungs.sampler import Sampler
from archsmith.strategies.rungs.settings import BracketsConfig, sampled
from archsmith.strategies.strategy import Problem


class SuccessiveHalvingConfig(BracketsConfig):
    """Many architectures briefly, the best 1/eta of them longer, and so on to the full fidelity (Jamieson 2016).

    It goes by the first objective that has a goal, within the limits of all. The budget counts full trainings' worth.
    """

    architectures: Annotated[int, Field(ge=2)] | None = None
    """How many a bracket begins with; as many as leave one for the highest rung where left out: eta^(rungs - 1)."""
    sampler: Sampler = Sampler()
    """The strategy that finds new architectures, a section of its own as in `{name: bayesian, startup: 8}`. It learns from the
    highest rung that has enough results."""

    def plans(self, n_rungs: int) -> tuple[Plan, ...]:
        """Return the bracket."""
        return (halving(n_rungs, self.eta, self.architectures or self.eta ** (n_rungs - 1)),)

    def build(self, problem: Problem) -> Climbing:
        """Make the strategy; raises `ValueError` where no objective has a goal, or the fidelity leaves no room for rungs."""
        ladder = self.ladder_of(problem)
        source = sampled(self.sampler, problem, ladder, self.architectures_a_training(ladder))
        return self.climbing(problem, "successive-halving", source)
