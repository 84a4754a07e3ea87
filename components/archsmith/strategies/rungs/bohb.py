"""BOHB: Hyperband, whose new architectures come from kernel densities of the good and of the other ones.

Reference: Falkner, Klein, Hutter 2018, BOHB: Robust and Efficient Hyperparameter Optimization at Scale (arXiv:1807.01774),
Algorithm 2; `kernel_densities` is the model. N_min is `points`, rho `random_fraction`, q `top`, N_s `samples`, b_w
`bandwidth_factor`; the defaults are the paper's.

Where this deviates from the paper:
    - What was measured or is running is not proposed again; the next best of the samples is.
    - As in our Hyperband, brackets are filled while others wait, and trials go on from their weights.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.strategies.bayesian.codes import Rows
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import FAILED, first_goal, rank
from archsmith.strategies.rungs.board import Rank
from archsmith.strategies.rungs.climbing import Climbing
from archsmith.strategies.rungs.kernel_densities import Coding, Density
from archsmith.strategies.rungs.plans import Plan, all_brackets
from archsmith.strategies.rungs.remembered import Remembered
from archsmith.strategies.rungs.sampled import Sampled
from archsmith.strategies.rungs.settings import BracketsConfig
from archsmith.strategies.strategy import Problem
from archsmith.values import Architecture, History, Proposal, Trial


class BOHBConfig(BracketsConfig):
    """Hyperband with a model: kernel densities of the good and of the other architectures (Falkner 2018).

    It goes by the first objective that has a goal, within the limits of all. The budget counts full trainings' worth.
    """

    random_fraction: Annotated[float, Field(ge=0, le=1)] = 1 / 3
    """rho: share of the new architectures that are drawn at random, without the model."""
    top: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """q: share of a rung that counts as good."""
    points: Annotated[int, Field(ge=2)] | None = None
    """N_min: least number of good ones, and of others; a rung needs two more for a model. One more than there are decisions
    where left out."""
    samples: Annotated[int, Field(ge=1)] = 64
    """N_s: architectures that are drawn from the density of the good ones, of which the most promising is proposed."""
    bandwidth_factor: Annotated[float, Field(gt=0)] = 3.0
    """b_w: how much wider the density is that they are drawn from."""
    min_bandwidth: Annotated[float, Field(gt=0, lt=1)] = 1e-3
    """Least probability that a choice differs from that of an architecture that was measured."""

    def plans(self, n_rungs: int) -> tuple[Plan, ...]:
        """Return Hyperband's brackets."""
        return all_brackets(n_rungs, self.eta)

    def build(self, problem: Problem) -> Climbing:
        """Make the strategy; raises `ValueError` where no objective has a goal, or the fidelity leaves no room for rungs."""
        rungs, points = self.ladder(problem.fidelity), self.points or len(problem.space.decisions) + 1
        model = KernelDensities(problem, self, points)
        return self.climbing(problem, "bohb", Sampled(model, problem, rungs, enough=points + 2, lifts=False))


class KernelDensities:
    """Proposes what is likelier among the good than among the others, at one fidelity.

    Args:
        problem: What is to be solved; its first objective with a goal says what is good.
        settings: Those of BOHB.
        points: N_min, >= 2.
    """

    def __init__(self, problem: Problem, settings: BOHBConfig, points: int) -> None:
        self._problem = problem
        self._goal = first_goal(problem, "bohb")
        self._settings = settings
        self._points = points
        self._coding = Coding(problem.space)
        self._new = Novelty(problem)
        self._known = Remembered(self._ranked)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        model = self._model(history)
        candidates: Iterator[Architecture] = iter(())
        made_for = -1

        def draw(already: int) -> Proposal:
            nonlocal candidates, made_for
            if already != made_for:  # a new proposal, and not another candidate for the last one
                at_random = model is None or rng.random() < self._settings.random_fraction  # Alg. 2, line 1
                candidates = iter(()) if model is None or at_random else self._promising(model, rng)
                made_for = already
            found = next(candidates, None)
            if found is None:
                return Proposal(self._problem.space.sample(rng), self._problem.fidelity, reason="random")
            return Proposal(found, self._problem.fidelity, reason="likelier among the good ones, by kernel densities")

        return self._new.propose(history, n, draw, rng)

    def _model(self, history: History) -> "_Model | None":
        """Return the densities of the good and of the other ones; None where there are too few (lines 2-4)."""
        self._known.begin()
        ranked = sorted(map(self._known, history), key=lambda known: known[0])
        n_measured = sum(r != FAILED for r, _ in ranked)
        if n_measured < self._points + 2:
            return None
        # Equation 3: N_l = max(N_min, q N), N_g = max(N_min, N - N_l)
        n_good = max(self._points, math.floor(self._settings.top * len(ranked)))
        n_good = min(n_good, n_measured)
        n_others = max(self._points, len(ranked) - n_good)
        codes = np.array([row for _, row in ranked])
        least = self._settings.min_bandwidth
        return _Model(
            codes[:n_good],
            Density(codes[:n_good], self._coding, least),
            Density(codes[-n_others:], self._coding, least),
        )

    def _ranked(self, trial: Trial) -> tuple[Rank, Rows]:
        """Return the rank of a trial, and its codes: (n_decisions,)."""
        row: Rows = self._coding.encode([trial.proposal.architecture])[0]
        return rank(trial, self._goal, self._problem.objectives), row

    def _promising(self, model: "_Model", rng: np.random.Generator) -> Iterator[Architecture]:
        """Yield samples of the good ones' density, made wider, those first that promise most (lines 5-7)."""
        levels = self._coding.n_levels
        wide = np.minimum(self._settings.bandwidth_factor * model.good.bandwidths, (levels - 1) / levels)
        middles = model.data[rng.integers(len(model.data), size=self._settings.samples)]
        codes = self._coding.draw_near(middles, wide, rng)
        gain = model.good.log(codes) - model.others.log(codes)
        return (self._coding.decode(codes[k]) for k in np.argsort(-gain, kind="stable"))


@dataclass(frozen=True, slots=True)
class _Model:
    data: Rows
    """The good ones, (n_good, n_decisions)."""
    good: Density
    """l: of the good ones."""
    others: Density
    """g: of the others."""
