"""Bayesian optimisation of architectures: a surrogate says what to expect, and what promises most is measured.

References:
    - Jones, Schonlau, Welch 1998, Efficient Global Optimization (doi:10.1023/A:1008306431147): a Gaussian process and the
      expected improvement; `gaussian_process` has the kernel, `acquisition` the rest.
    - White, Neiswanger, Savani 2021, BANANAS (arXiv:1910.11858), Algorithm 1: an ensemble of networks in place of the
      process, independent Thompson sampling in place of the improvement, candidates by mutation of the best trials.

What holds for both here:
    - A failed trial counts as the worst that was measured; `targets` says how outliers are kept from drowning the rest.
    - A limit on what only training can tell has a surrogate of its own, and candidates are weighed by the probability that
      they keep it. As long as no trial keeps all limits, that probability is all that counts.
    - Several goals: the gain is that in hypervolume, of the standardised costs.
    - The space is never listed: candidates come by mutation, crossover and sampling, `candidates` says how.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from archsmith.strategies.bayesian.acquisition import HypervolumeImprovement, log_expected_improvement, log_probability_within
from archsmith.strategies.bayesian.candidates import PARENTS, best_candidates
from archsmith.strategies.bayesian.codes import Codes, Rows
from archsmith.strategies.bayesian.gaussian_process import Array
from archsmith.strategies.bayesian.measurements import Measurements
from archsmith.strategies.bayesian.surrogates import Networks, Surrogate
from archsmith.strategies.fold import Fold
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import first_goal
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import History, Proposal

Kind = Literal["gp", "ensemble"]

REASONS: Mapping[Kind, str] = {
    "gp": "the highest expected gain, by a Gaussian process",
    "ensemble": "the best in a sample of what an ensemble of networks predicts",
}
"""Why a proposal was made."""


class BayesianConfig(StrategyConfig):
    """Bayesian optimisation with a Gaussian process over the decisions (Jones 1998), or an ensemble of networks (White 2021).

    It follows all objectives that have a goal, by hypervolume where there are several, and learns the limits. The
    defaults suit 40 to 500 trials.
    """

    surrogate: Kind = "gp"
    """`gp`: a Gaussian process with a kernel for decisions; `ensemble`: BANANAS' networks on the space's features, slower."""
    startup: Annotated[int, Field(ge=2)] = 10
    """How many trials are random at the start; at most a third of the budget."""

    def build(self, problem: Problem) -> "Bayesian":
        """Make the strategy; raises `ValueError` where no objective has a goal."""
        return Bayesian(problem, surrogate=self.surrogate, startup=self.startup)


class Bayesian:
    """Bayesian optimisation.

    Args:
        problem: What is to be solved; all its objectives with a goal count, and all limits.
        surrogate: `gp` or `ensemble`.
        startup: Trials at random, >= 1.

    Raises:
        ValueError: no objective has a goal.
    """

    def __init__(self, problem: Problem, *, surrogate: Kind, startup: int) -> None:
        first_goal(problem, "bayesian")
        self._problem = problem
        self._kind = surrogate
        self._start = problem.random_start(startup)
        self._codes = Codes(problem.space)
        self._new = Novelty(problem)
        self._known = Fold(lambda: Measurements(problem, self._codes), Measurements.add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        known = self._known(history)
        running = self._codes.encode([p.architecture for p in history.running if p.fidelity == self._problem.fidelity])
        batch: _Batch | None = None

        def draw(already: int) -> Proposal:
            nonlocal batch
            if not known.n_measured or len(known.rows) + already < self._start:
                return self._random("random start", rng)
            batch = batch or self._batch(known, running, already, rng)
            row = batch.next(already)
            if row is None:
                return self._random("random, as all near the best is known", rng)
            return Proposal(self._codes.decode(row), self._problem.fidelity, reason=REASONS[self._kind])

        return self._new.propose(history, n, draw, rng)

    def _random(self, reason: str, rng: np.random.Generator) -> Proposal:
        return Proposal(self._problem.space.sample(rng), self._problem.fidelity, reason=reason)

    def _batch(self, known: Measurements, running: Rows, already: int, rng: np.random.Generator) -> "_Batch":
        """Return the source of the proposals of one call, with a surrogate of what is known."""
        if self._kind == "gp":
            processes, places = known.processes()
            return _Batch(known, running, processes, _expected(known, places, rng), rng, already)
        networks = Networks.of(known.codes, self._problem.space, *known.everything(), rng)
        return _Batch(known, running, networks, _sampled(known, rng), rng, already)


class _Batch:
    """The proposals of one call: each the best that the surrogate knows when it believes in those before, and in what is running.

    Args:
        known: What was measured.
        running: What is running, (n_running, n_decisions).
        surrogate: Predicts the rest.
        gain: What is to be gained, by the surrogate's predictions.
        rng: Source of the candidates.
        already: What is running, and proposals of this call that were made without it.
    """

    def __init__(
        self, known: Measurements, running: Rows, surrogate: Surrogate, gain: "Gain", rng: np.random.Generator, already: int
    ) -> None:
        self._known = known
        for row in running:
            surrogate = surrogate.believing(row[None])
        self._surrogate = surrogate
        self._gain = gain
        self._rng = rng
        self._already = already
        self._met = {*known.met, *(row.tobytes() for row in running)}
        self._parents = np.array(known.rows)[known.order(len(known.rows))[:PARENTS]]
        self._ranked: list[Rows] | None = None
        self._last: Rows | None = None

    def next(self, already: int) -> Rows | None:
        """Return the best candidate that was not returned yet, (n_decisions,); None where there is none."""
        if already > self._already and self._last is not None:  # the last one was proposed
            self._surrogate = self._surrogate.believing(self._last[None])
            self._already, self._ranked = already, None
        if self._ranked is None:
            self._ranked = list(best_candidates(self._score, self._parents, self._known.codes, self._met, self._rng))
        self._last = self._ranked.pop(0) if self._ranked else None
        if self._last is not None:
            self._met.add(self._last.tobytes())
        return self._last

    def _score(self, rows: Rows) -> Array:
        return self._gain(*self._surrogate.predict(rows))


Gain = Callable[[Array, Array], Array]
"""What is to be gained by measuring, from the mean and the standard deviation of each target: (n, n_targets) -> (n,)."""


def _expected(known: Measurements, places: Rows, rng: np.random.Generator) -> Gain:
    """Return the logarithm of the expected gain of what keeps the limits.

    Args:
        known: What was measured.
        places: The trials that the surrogate has seen.
        rng: Source of the points of a hypervolume.
    """
    n, highest = len(known.goals), known.highest(places)
    best = known.targets(places)[known.feasible(places), :n]
    improvement = HypervolumeImprovement(best, rng) if n > 1 and len(best) else None

    def gain(mean: Array, sd: Array) -> Array:
        within = log_probability_within(mean[:, n:], sd[:, n:], highest)
        if improvement is not None:
            return within + improvement.log_expected(mean[:, :n], sd[:, :n])
        return within + log_expected_improvement(mean[:, 0], sd[:, 0], best.min()) if len(best) else within

    return gain


def _sampled(known: Measurements, rng: np.random.Generator) -> Gain:
    """Return what is to be gained if each candidate is as good as an independent sample says (White 2021, section 4)."""
    places = np.arange(len(known.rows))
    n, highest = len(known.goals), known.highest(places)
    best = known.targets(places)[known.feasible(places), :n]
    improvement = HypervolumeImprovement(best, rng) if n > 1 and len(best) else None

    def gain(mean: Array, sd: Array) -> Array:
        within = log_probability_within(mean[:, n:], sd[:, n:], highest)
        sample = mean[:, :n] + sd[:, :n] * rng.standard_normal((len(mean), n))
        if improvement is not None:
            # A little doubt is left, so that samples that gain nothing are in order too.
            return within + improvement.log_expected(sample, 0.1 * sd[:, :n])
        return within - sample[:, 0]

    return gain
