"""ASHA: asynchronous successive halving, which promotes whatever is among the best of its rung so far.

Reference: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar 2020, A System for Massively Parallel
Hyperparameter Tuning (arXiv:1810.05934), Algorithm 2. r is `lowest` and R the fidelity of the search; its s is 0.

Where this deviates from the paper:
    - A trial goes on from its weights, where its network stays as it is.
    - When a small space has nothing new, the next best of the highest rung goes on, and so on until all are trained in full.
"""

from archsmith.strategies.rungs.asynchronous import Asynchronous
from archsmith.strategies.rungs.climbing import Climbing
from archsmith.strategies.rungs.sampler import Sampler
from archsmith.strategies.rungs.settings import ContinuousConfig, sampled
from archsmith.strategies.strategy import Problem


class ASHAConfig(ContinuousConfig):
    """Successive halving that waits for nothing: whatever is among the best 1/eta of its rung so far goes on (Li 2020).

    It goes by the first objective that has a goal, within the limits of all. The budget counts full trainings' worth.
    """

    sampler: Sampler = Sampler()
    """The strategy that finds new architectures, a section of its own as in `{name: bayesian, startup: 8}`. It learns from the
    highest rung that has enough results."""

    def build(self, problem: Problem) -> Climbing:
        """Make the strategy; raises `ValueError` where no objective has a goal, or the fidelity leaves no room for rungs."""
        ladder = self.ladder_of(problem)
        source = sampled(self.sampler, problem, ladder, 1 / self.cost_an_architecture(ladder))
        return Climbing(problem, "asha", ladder=ladder, schedule=lambda: Asynchronous(self.eta, ladder), source=source)
