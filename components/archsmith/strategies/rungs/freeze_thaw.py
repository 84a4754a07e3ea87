"""Freeze-thaw: each step of training goes to what tells most about which architecture is best, a new one or one on its way.

Reference: Swersky, Snoek, Adams 2014, Freeze-Thaw Bayesian Optimization (arXiv:1406.3896), Algorithm 1. B_old is `old`, B_new is
`new`. `curve_process` is the model, `belief` what it says of a search, `entropy_search` the choice.

Where this deviates from the paper:
    - A curve is seen at the end of each step, by the objective itself. So it need not be one that an epoch has, and where the
      learning rate comes down in each step, what is compared has been annealed.
    - The mean is not a constant but the curve that the trainings have in common.
    - Hyperparameters are the most probable ones of some dozens, found anew when there are twice as many trials, where the paper
      samples them; what is running is believed to show what is expected of it.
    - A training has an end, and only what has reached it can win. So a member of the basket that is likelier than not the best
      of it goes on, and what has reached its end is compared with the others, but does not go on. Near the end of the budget,
      it is spent on the one of which most is expected: by steps, or at once where others are at work, among which what is left
      would be divided until none of them reaches its end.
    - What `keep` others were better than after as many epochs is not thawed any more, so that its weights need not be kept.
    - What fails counts as the worst that did not, and so does what is beyond a limit.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from archsmith.strategies.bayesian.candidates import DIGITS
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.fold import Fold
from archsmith.strategies.novelty import Draw, Novelty
from archsmith.strategies.ranking import first_goal
from archsmith.strategies.rungs.basket import Outlook
from archsmith.strategies.rungs.ladder import ROUNDING
from archsmith.strategies.rungs.learning import Learning
from archsmith.strategies.rungs.standing import Standing, Training
from archsmith.strategies.strategy import Least, Problem, StrategyConfig
from archsmith.values import Architecture, Fidelity, FromScratch, GoesOn, History, Proposal

STEPS = 9
"""Steps of a full training where nobody says otherwise, about."""
MEASURED = 5
"""Results without which there is nothing to believe, and all is drawn at random."""
LAST = 3.0, 0.25
"""How much of the budget is spent on reaching the end: so many full trainings' worth, and no more than this share of it, but
enough for one."""
PARENTS = 10
"""How many of the best a new architecture may differ from by one decision."""
CANDIDATES = 25
"""New architectures that differ so, and as many random ones, of which the most promising come into the basket."""


class FreezeThawConfig(StrategyConfig):
    """Trainings go on step by step, of whatever tells most about which architecture is best (Swersky 2014).

    It goes by the first objective that has a goal, within the limits of all. The budget counts full trainings' worth.
    """

    step: Annotated[int, Field(ge=1)] | None = None
    """Epochs of a step, after which a training is frozen, and may be thawed later; about a ninth of `estimation.epochs` where
    left out."""
    old: Annotated[int, Field(ge=1)] = 10
    """B_old: frozen trainings in the basket, of which one step may go on."""
    new: Annotated[int, Field(ge=1)] = 3
    """B_new: new architectures in the basket."""
    keep: Annotated[int, Field(ge=1)] = 20
    """Frozen trainings that may go on from each step, the best ones: so many checkpoints are kept of each."""
    draws: Annotated[int, Field(ge=1)] = 64
    """Draws by which it is told which of the basket may be the best."""

    def build(self, problem: Problem) -> "FreezeThaw":
        """Make the strategy; raises `ValueError` where no objective has a goal, or a training is a single step."""
        return FreezeThaw(problem, self)

    def ladder(self, fidelity: Fidelity) -> tuple[Fidelity, ...]:
        """Return the fidelities at which trainings are frozen, and the full one; see `StrategyConfig.ladder`."""
        step = self.step or max(1, (fidelity.epochs + STEPS // 2) // STEPS)
        if step >= fidelity.epochs:
            raise ValueError(
                f"the value of `step` is {step}, but must be less than `estimation.epochs`, which is {fidelity.epochs}; a "
                "training that ends with its first step is never frozen"
            )
        return (*(replace(fidelity, epochs=epochs) for epochs in range(step, fidelity.epochs, step)), fidelity)

    def least(self, fidelity: Fidelity, *, widens: bool = False) -> Least:  # noqa: ARG002 -- its rungs are of epochs
        """Return what the steps at random and those of one training take; see `StrategyConfig.least`."""
        rungs = self.ladder(fidelity)
        random = (MEASURED - 1) * rungs[0].epochs / fidelity.epochs
        return Least(MEASURED - 1 + len(rungs), math.ceil(1 + random))  # it reckons with whole trainings

    def explain(self, fidelity: Fidelity, trainings: float, *, widens: bool = False) -> Iterator[str]:  # noqa: ARG002 -- likewise
        """Say what a step is, and how many of them the budget has; see `StrategyConfig.explain`."""
        rungs = self.ladder(fidelity)
        step, n = rungs[0].epochs, len(rungs)
        epochs = f"{step} epoch{'s' * (step != 1)}"
        yield f"Architectures are trained by {epochs} at a time, {n} steps in full; each goes to what tells most about the best."
        if trainings < float("inf"):
            yield f"The budget of {trainings:g} full trainings' worth is about {trainings * fidelity.epochs / step:.0f} steps."


class FreezeThaw:
    """The strategy.

    Args:
        problem: What is to be solved; its first objective with a goal says what is better.
        settings: Its settings.

    Raises:
        ValueError: no objective has a goal, or a training is a single step.
    """

    def __init__(self, problem: Problem, settings: FreezeThawConfig) -> None:
        self._goal = first_goal(problem, "freeze-thaw")
        self._problem, self._settings = problem, settings
        self._ladder = settings.ladder(problem.fidelity)
        self._rung_of = {fidelity: k for k, fidelity in enumerate(self._ladder)}
        self._budget = min(problem.budget, problem.trainings, problem.trials * self._ladder[0].cost / problem.fidelity.cost)
        self._codes = Codes(problem.space)
        self._novelty = Novelty(problem)
        self._standing = Fold(self._empty, Standing.add)
        self._learning = Learning(self._empty, np.array([f.epochs / self._ladder[0].epochs for f in self._ladder]))

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` steps, those before being believed to run; see `Strategy.ask`."""
        standing, found = self._standing(history), list[Proposal]()
        running = [p for p in history.running if p.fidelity in self._rung_of]
        while len(found) < n:
            at_work = [*running, *found]
            busy = {p.architecture for p in at_work}
            frozen = [t for t in standing.frozen(self._settings.keep) if t.trial.proposal.architecture not in busy]
            if standing.measured < MEASURED:
                chosen = self._new(standing, at_work, n - len(found), rng) or self._thawed(frozen[:1], "nothing new is left")
            else:
                outlook = Outlook(standing, self._learning(history), frozen, self._steps(at_work))
                chosen = self._finishing(outlook, at_work) or self._telling(outlook, standing, at_work, rng)
            if not chosen:
                break
            found += chosen
        return found

    def keeps(self, history: History) -> frozenset[str]:
        """Return the trials that may be thawed yet; see `Keeps`."""
        return frozenset(t.trial.id for t in self._standing(history).frozen(self._settings.keep))

    def _empty(self) -> Standing:
        return Standing(self._ladder, self._goal, self._problem.objectives, self._codes)

    def _steps(self, at_work: Sequence[Proposal]) -> list[tuple[Architecture, int]]:
        return [(p.architecture, self._rung_of[p.fidelity]) for p in at_work]

    def _finishing(self, outlook: Outlook, at_work: Sequence[Proposal]) -> list[Proposal]:
        """Return a step of the one of which most is expected, where what is left of the budget is kept for that."""
        full, budget = self._problem.fidelity, self._budget
        left = budget * full.cost - outlook.standing.spent - sum(p.cost for p in at_work)
        if left > max(min(LAST[0], LAST[1] * budget), 1 - ROUNDING) * full.cost:
            return []
        within = [t for t in outlook.frozen if (full.cost - self._ladder[t.rung].cost) <= left]
        best = max(within, key=outlook.expected, default=None)
        why = "most is expected of it, and the budget is near its end"
        return [] if best is None else self._thawed([best], why, to_the_end=bool(at_work))

    def _telling(
        self, outlook: Outlook, standing: Standing, at_work: Sequence[Proposal], rng: np.random.Generator
    ) -> list[Proposal]:
        """Return the step that tells most about which of the basket is the best. Algorithm 1."""
        found = self._promising(outlook, rng)

        def draw(_: int) -> Proposal:
            row = next(found, None)
            made = self._problem.space.sample(rng) if row is None else self._codes.decode(row)
            why = "random" if row is None else "of the highest expected improvement"
            return Proposal(made, self._problem.fidelity, reason=why)

        new = self._new(standing, at_work, self._settings.new, rng, draw)
        basket = outlook.basket(self._settings.old, [p.architecture for p in new])
        choice = basket.choice(self._settings.draws, rng)
        if choice is None:
            return []
        member, why = choice
        if member < len(basket.old):
            return self._thawed([basket.old[member]], why)
        chosen = new[member - len(basket.old)]
        return [replace(chosen, reason=f"{chosen.reason}; {why}")]

    def _promising(self, outlook: Outlook, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
        """Yield candidates, half of them random and half of them like the best, those first that promise most."""
        best = outlook.best(PARENTS)
        near = self._codes.mutate(best[rng.integers(len(best), size=CANDIDATES)], rng)
        rows = np.concatenate([near, self._codes.sample(CANDIDATES, rng)])
        yield from rows[np.argsort(-np.round(outlook.improvement(rows), DIGITS), kind="stable")]

    def _new(
        self, standing: Standing, at_work: Sequence[Proposal], n: int, rng: np.random.Generator, draw: Draw | None = None
    ) -> list[Proposal]:
        """Return up to `n` architectures that were never begun, at the first step; at random where nothing draws them."""
        space, full = self._problem.space, self._problem.fidelity
        begun = [replace(p, fidelity=full, origin=FromScratch()) for p in at_work if p.architecture not in standing.trainings]
        first = len(standing.begun)
        shown = History(tuple(standing.begun), tuple(replace(p, number=first + k) for k, p in enumerate(begun)))
        random: Draw = lambda _: Proposal(space.sample(rng), full, reason="random")  # noqa: E731
        found = self._novelty.propose(shown, n, draw or random, rng)
        return [replace(p, fidelity=self._ladder[0], reason=f"{p.reason}; begins at {self._ladder[0].words}") for p in found]

    def _thawed(self, trainings: Sequence[Training], why: str, *, to_the_end: bool = False) -> list[Proposal]:
        """Return what lets trainings go on by a step, or to their end."""
        return [self._thaw(t, self._ladder[-1 if to_the_end else t.rung + 1], why) for t in trainings]

    def _thaw(self, training: Training, to: Fidelity, why: str) -> Proposal:
        before = self._ladder[training.rung]
        reason = f"{why}, so it goes on from {before.words} to {to.words}"
        return Proposal(training.trial.proposal.architecture, to, GoesOn(training.trial.id, before.epochs), reason)
