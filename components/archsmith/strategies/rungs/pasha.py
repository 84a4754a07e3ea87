"""PASHA: ASHA whose highest rungs open only if they are needed to tell which is the best.

Reference: Bohdal, Balles, Wistuba, Ermis, Archambeau, Zappella 2023, PASHA: Efficient HPO and NAS with Progressive Resource
Allocation (arXiv:2207.06940), Algorithm 1. r is `lowest`, R the fidelity of the search, N of its noise is 90.

Where this deviates from the paper:
    - Whether a rung opens depends on what was measured in the order of the proposals, not in that in which trials end.
    - What is on the way, as the noise has it, are the epochs of the highest open rung's trainings; where there is no curve, the
      rungs.
    - The noise that was found stays when a rung opens, as in the authors' program, until there is more to go by.
    - A trial goes on from its weights, where its network stays as it is.
"""

from collections.abc import Iterator, Sequence

from archsmith.strategies.ranking import first_goal
from archsmith.strategies.rungs.climbing import Climbing
from archsmith.strategies.rungs.progressive import Progressive
from archsmith.strategies.rungs.sampler import Sampler
from archsmith.strategies.rungs.settings import ContinuousConfig, sampled
from archsmith.strategies.strategy import Problem
from archsmith.values import CURVES, Fidelity, Trial


class PASHAConfig(ContinuousConfig):
    """ASHA that opens a higher rung only when the two highest disagree on which are the best (Bohdal 2023).

    It goes by the first objective that has a goal, within the limits of all. The budget counts full trainings' worth.
    """

    sampler: Sampler = Sampler()
    """The strategy that finds new architectures, a section of its own as in `{name: bayesian, startup: 8}`. It learns from the
    highest rung that has enough results."""

    def build(self, problem: Problem) -> Climbing:
        """Make the strategy; raises `ValueError` where no objective has a goal, or the fidelity leaves no room for rungs."""
        ladder = self.ladder_of(problem)
        source = sampled(self.sampler, problem, ladder, 1 / self.cost_an_architecture(ladder))
        field = CURVES.get(first_goal(problem, "pasha").metric)

        def curve(trial: Trial) -> Sequence[float]:
            return [getattr(record, field) for record in trial.curve] if field else ()

        return Climbing(problem, "pasha", ladder=ladder, schedule=lambda: Progressive(self.eta, ladder, curve), source=source)

    def explain(self, fidelity: Fidelity, trainings: float, *, widens: bool = False) -> Iterator[str]:
        """Say what the rungs are, and which of them open when; see `StrategyConfig.explain`."""
        yield from super().explain(fidelity, trainings, widens=widens)
        if len(self.ladder(fidelity)) > 2:
            yield (
                f"The rungs above {self.ladder(fidelity)[1].words} open one by one, each only when the two below it disagree on "
                "which are the best; until then, the budget is for more architectures."
            )
