"""The settings that all strategies with rungs have, and what they mean for a search."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from archsmith.spaces.space import Widens
from archsmith.strategies.rungs.brackets import Brackets
from archsmith.strategies.rungs.climbing import Climbing, Source
from archsmith.strategies.rungs.ladder import Ladder, Lowest, ladder, within
from archsmith.strategies.rungs.plans import Plan
from archsmith.strategies.rungs.sampled import Sampled
from archsmith.strategies.rungs.sampler import Sampler
from archsmith.strategies.strategy import Least, Problem, StrategyConfig
from archsmith.values import Fidelity


class RungsConfig(StrategyConfig):
    """Base of the settings of a strategy with rungs."""

    eta: Annotated[int, Field(ge=2)] = 3
    """Of so many trials of a rung, one goes on to the next, which costs so many times as much."""
    lowest: Lowest = Lowest(epochs=1)
    """What no rung costs less than: epochs, data, width, depth or resolution, or several; the highest is as `estimation` says."""

    def ladder(self, fidelity: Fidelity) -> tuple[Fidelity, ...]:
        """Return the fidelities of the rungs; see `StrategyConfig.ladder`."""
        return ladder(fidelity, self.lowest, self.eta)

    def ladder_of(self, problem: Problem) -> Ladder:
        """Return the rungs of a search, with what trials cost on them in its space."""
        return Ladder(self.ladder(problem.fidelity), isinstance(problem.space, Widens))


def sampled(sampler: Sampler, problem: Problem, ladder: Ladder, architectures_a_training: float) -> Sampled:
    """Return what finds new architectures by another strategy; there are so many of them for each full training's worth."""
    n = _n_new(problem, architectures_a_training)
    return Sampled(sampler.config.build(replace(problem, budget=n)), problem, ladder.rungs)


def _n_new(problem: Problem, architectures_a_training: float) -> int:
    """Return how many new architectures a search has, at most."""
    return math.ceil(min(problem.budget * architectures_a_training, problem.trials))


class BracketsConfig(RungsConfig):
    """Base of those whose rungs are complete before anything goes on."""

    def plans(self, n_rungs: int) -> tuple[Plan, ...]:
        """Return the brackets; after the last one, the first comes again."""
        raise NotImplementedError

    def climbing(self, problem: Problem, name: str, source: Source) -> Climbing:
        """Make the strategy, with what finds new architectures for it."""
        ladder = self.ladder_of(problem)
        plans = self.plans(len(ladder))
        ends = (len(problem.listed) or problem.space.size()) <= _n_new(problem, self.architectures_a_training(ladder))
        spare = [math.inf] * ladder.top if ends else _spare(plans, ladder, problem)
        return Climbing(problem, name, ladder=ladder, schedule=lambda: Brackets(plans, ladder, spare), source=source)

    def architectures_a_training(self, ladder: Ladder) -> float:
        """Return how many new architectures there are for each full training's worth."""
        plans = self.plans(len(ladder))
        return sum(plan.sizes[0] for plan in plans) / sum(plan.cost(ladder) for plan in plans)

    def least(self, fidelity: Fidelity, *, widens: bool = False) -> Least:
        """Return what the first bracket takes; see `StrategyConfig.least`."""
        ladder = Ladder(self.ladder(fidelity), widens)
        plan = self.plans(len(ladder))[0]
        return Least(sum(plan.sizes), plan.cost(ladder))

    def explain(self, fidelity: Fidelity, trainings: float, *, widens: bool = False) -> Iterator[str]:
        """Say what the brackets are, and how many of them the budget has; see `StrategyConfig.explain`."""
        ladder = Ladder(self.ladder(fidelity), widens)
        plans = self.plans(len(ladder))
        for plan in plans:
            first, *others = zip(plan.sizes, ladder.rungs[plan.first :], strict=True)
            to = "".join(
                f", {n} {('of them go on ' if n > 1 else 'of them goes on ') * (not k)}to {f.words}"
                for k, (n, f) in enumerate(others)
            )
            yield f"{first[0]} architectures at {first[1].words}{to}: {plan.cost(ladder):.3g} full trainings' worth."
        if math.isfinite(trainings):
            yield _budget(plans, ladder, trainings)


class ContinuousConfig(RungsConfig):
    """Base of those that promote one trial at a time, without brackets."""

    def cost_an_architecture(self, ladder: Ladder) -> float:
        """Return what a new architecture costs with all that follows from it, in full trainings' worth: a share of each rung."""
        return math.fsum(ladder.cost(k, begins=k == 0) * float(self.eta) ** -k for k in range(len(ladder)))

    def least(self, fidelity: Fidelity, *, widens: bool = False) -> Least:
        """Return the trials until one in `eta` of each rung is one on the highest, and what that one costs.

        A budget of trainings has its end in sight: near it, the best goes on to the top. See `StrategyConfig.least`.
        """
        ladder = Ladder(self.ladder(fidelity), widens)
        n = self.eta**ladder.top
        trials = sum(n // self.eta**k for k in range(len(ladder)))
        return Least(trials, ladder.climb(0, ladder.top, begins=True), trials_in_sight=len(ladder))

    def explain(self, fidelity: Fidelity, trainings: float, *, widens: bool = False) -> Iterator[str]:
        """Say what the rungs are, and how many architectures the budget has; see `StrategyConfig.explain`."""
        rungs = self.ladder(fidelity)
        above = ", ".join(f.words for f in rungs[1:])
        each = self.cost_an_architecture(Ladder(rungs, widens))
        yield (
            f"Architectures begin at {rungs[0].words}; of each rung, one in {self.eta} goes on to {above}: "
            f"{each:.3g} full trainings' worth an architecture."
        )
        if math.isfinite(trainings):
            yield f"The budget of {trainings:g} full trainings' worth is about {trainings / each:.0f} architectures."


def _spare(plans: Sequence[Plan], ladder: Ladder, problem: Problem) -> list[float]:
    """Return how many of each rung but the top may get to the top by what a bracket costs.

    None does where any bracket is paid for, and all may where trials begin anew, so that nothing is kept for them.
    """
    if not math.isfinite(problem.trainings):
        return [0] * ladder.top
    most = max(plan.cost(ladder) for plan in plans)
    return [most // ladder.climb(k + 1, ladder.top, begins=False) if ladder.goes_on(k) else math.inf for k in range(ladder.top)]


def _budget(plans: Sequence[Plan], ladder: Ladder, trainings: float) -> str:
    """Say how many brackets a budget has."""
    cycle = math.fsum(plan.cost(ladder) for plan in plans)
    cycles = max(0, int(trainings / cycle) - 1)  # of a large budget, all but the end at once
    left, n = trainings - cycles * cycle, cycles * len(plans)
    while left >= (cost := plans[n % len(plans)].cost(ladder)) * (1 - 1e-9):
        left, n = left - cost, n + 1
    whole = f"{n} bracket{'s' * (n > 1)}" if n else "part of the first one"
    said = f"The budget of {trainings:g} full trainings' worth is {whole}"
    pays = n and within(ladder.cost(ladder.top, begins=False), left)
    return f"{said}; with what is left, the next best of them go on." if pays else f"{said}."
