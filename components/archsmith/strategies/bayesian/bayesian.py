"""Bayesian optimisation of architectures: a surrogate says what to expect, and what promises most is measured.

References:
    - Jones, Schonlau, Welch 1998, Efficient Global Optimization (doi:10.1023/A:1008306431147): a Gaussian process and the
      expected improvement; `gaussian_process` has the kernel, `acquisition` the rest.
    - White, Neiswanger, Savani 2021, BANANAS (arXiv:1910.11858), Algorithm 1: an ensemble of networks in place of the
      process, independent Thompson sampling in place of the improvement, candidates by mutation of the best trials.

What holds for both here:
    - A failed trial has no value to learn from, but makes it less probable that its like succeed, by which what is to be
      gained is weighed: `success` says how. `targets` says how outliers are kept from drowning the rest.
    - A limit on what only training can tell has a surrogate of its own, and candidates are weighed by the probability that
      they keep it. As long as no trial keeps all limits, that probability is all that counts.
    - Scores of untrained networks may stand beside the decisions: `scores` says how.
    - Several goals: the gain is that in hypervolume, of the standardised costs.
    - The space is never listed: candidates come by mutation, crossover and sampling, `candidates` says how.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from archsmith.strategies.bayesian.acquisition import HypervolumeImprovement, log_expected_improvement, log_probability_within
from archsmith.strategies.bayesian.candidates import DIGITS, PARENTS, Allowed, Score, best_candidates, best_of
from archsmith.strategies.bayesian.codes import Codes, Rows
from archsmith.strategies.bayesian.gaussian_process import Array
from archsmith.strategies.bayesian.measurements import Measurements
from archsmith.strategies.bayesian.scores import REFERENCE, Scores
from archsmith.strategies.bayesian.success import Success, labels
from archsmith.strategies.bayesian.surrogates import Features, Networks, Surrogate
from archsmith.strategies.fold import Fold
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import first_goal
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import History, Proposal
from archsmith.values.scores import ScoreName

Kind = Literal["gp", "ensemble"]

FEW = 0.1
"""Below this share of the space, what is listed is all that is looked at; above it, candidates are made and most of them hit."""
SHORTLIST = 64
"""Candidates that are scored for a proposal, where scores take longer than a count."""
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
    scores: tuple[ScoreName, ...] = ()
    """Scores of the untrained networks that it learns from beside the decisions, as in `[n_params, synflow]`; a Gaussian process
    does only once they have told something of the trials. Where there are others than `n_params` and `flops`, 64 candidates of a
    proposal are scored."""
    startup: Annotated[int, Field(ge=2)] = 10
    """How many trials are random at the start; at most a third of the budget."""

    @property
    def wanted_scores(self) -> tuple[ScoreName, ...]:
        """The setting."""
        return self.scores

    def build(self, problem: Problem) -> "Bayesian":
        """Make the strategy; raises `ValueError` where no objective has a goal."""
        return Bayesian(problem, surrogate=self.surrogate, startup=self.startup, scores=self.scores)


class Bayesian:
    """Bayesian optimisation.

    Args:
        problem: What is to be solved; all its objectives with a goal count, and all limits.
        surrogate: `gp` or `ensemble`.
        startup: Trials at random, >= 1.
        scores: Those of `problem.scores` that are learned from, if it has any.

    Raises:
        ValueError: no objective has a goal.
    """

    def __init__(self, problem: Problem, *, surrogate: Kind, startup: int, scores: Sequence[str] = ()) -> None:
        first_goal(problem, "bayesian")
        self._problem = problem
        self._kind = surrogate
        self._start = problem.random_start(startup)
        self._codes = Codes(problem.space)
        self._new = Novelty(problem)
        self._scores = self._scored(scores)
        self._known = Fold(lambda: Measurements(problem, self._codes, self._scores), Measurements.add)
        few = len(problem.listed) < FEW * problem.space.size()
        self._listed = self._codes.encode(problem.listed) if problem.listed and few else None

    def _scored(self, names: Sequence[str]) -> Scores | None:
        """Return the scores that are learned from; None where there are none."""
        problem, rng = self._problem, np.random.default_rng(0)
        if not names or problem.scores is None:
            return None
        n = len(problem.listed)
        if n:
            sample = [problem.listed[k] for k in rng.permutation(n)[:REFERENCE]]
        else:
            sample = [problem.space.sample(rng) for _ in range(REFERENCE)]
        return Scores.made(self._codes, problem.scores, names, sample)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        known = self._known(history)
        running = self._codes.encode([p.architecture for p in history.running if p.fidelity == self._problem.fidelity])
        batch: _Batch | None = None

        def draw(already: int) -> Proposal:
            nonlocal batch
            if not known.rows or len(known.tried) + already < self._start:
                return self._random("random start", rng)
            batch = batch or self._batch(known, running, already, rng)
            row = batch.next(already)
            if row is None:
                return self._random("random, as all near the best is known or beyond the limits", rng)
            return Proposal(self._codes.decode(row), self._problem.fidelity, reason=REASONS[self._kind])

        return self._new.propose(history, n, draw, rng)

    def _random(self, reason: str, rng: np.random.Generator) -> Proposal:
        return Proposal(self._problem.space.sample(rng), self._problem.fidelity, reason=reason)

    def _batch(self, known: Measurements, running: Rows, already: int, rng: np.random.Generator) -> "_Batch":
        """Return the source of the proposals of one call, with a surrogate of what is known."""
        if self._kind == "gp":
            processes, places = known.processes()
            gain = _expected(known, places, rng)
            return _Batch(known, running, processes, gain, known.success(), rng, already, self._listed, self._dear, self._allowed)
        networks = Networks.of(Features(self._codes, self._problem.space, self._scores), *known.everything(), rng)
        return _Batch(
            known, running, networks, _sampled(known, rng), self._success(known, rng), rng, already, self._listed, self._dear,
            self._allowed,
        )  # fmt: skip

    def _allowed(self, row: npt.NDArray[np.int64]) -> bool:
        return self._problem.feasible(self._codes.decode(row))

    @property
    def _dear(self) -> bool:
        return self._scores is not None and not self._scores.are_counted

    def _success(self, known: Measurements, rng: np.random.Generator) -> Success | None:
        """Return what networks say of whether a trial succeeds; None where all have."""
        tried, succeeded = known.outcomes()
        if succeeded.all():
            return None
        cheap = None if self._dear else self._scores
        networks = Networks.of(Features(self._codes, self._problem.space, cheap), tried, labels(succeeded)[:, None], rng)
        return Success.of(succeeded, lambda rows: networks.predict(rows)[0][:, 0])


class _Batch:
    """The proposals of one call: each the best that the surrogate knows when it believes in those before, and in what is running.

    Args:
        known: What was measured.
        running: What is running, (n_running, n_decisions).
        surrogate: Predicts the rest.
        gain: What is to be gained, by the surrogate's predictions.
        success: Tells how probable it is that there will be something to gain; None where that is certain.
        rng: Source of the candidates.
        already: What is running, and proposals of this call that were made without it.
        listed: The only architectures that can be measured, (n, n_decisions), where they are few.
        dear: Whether only a few candidates may be scored, those that promise most without.
        allowed: What may be measured.
    """

    def __init__(
        self, known: Measurements, running: Rows, surrogate: Surrogate, gain: "Gain", success: Success | None,
        rng: np.random.Generator, already: int, listed: Rows | None, dear: bool, allowed: Allowed,
    ) -> None:  # fmt: skip
        self._known = known
        for row in running:
            surrogate = surrogate.believing(row[None])
        self._surrogate = surrogate
        self._gain = gain
        self._success = success
        self._rng = rng
        self._already = already
        self._listed = listed
        self._dear = dear
        self._allowed = allowed
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
            self._ranked = list(self._candidates())
        self._last = self._ranked.pop(0) if self._ranked else None
        if self._last is not None:
            self._met.add(self._last.tobytes())
        return self._last

    def _candidates(self) -> Rows:
        if not self._dear or not self._surrogate.tells_scores:
            return self._found(self._score)
        glance = self._surrogate.glancing()
        found = self._found(lambda rows: self._score(rows, glance))[:SHORTLIST]
        return found[np.argsort(-np.round(self._score(found), DIGITS), kind="stable")] if len(found) else found

    def _found(self, score: Score) -> Rows:
        if self._listed is not None:
            return best_of(score, self._listed, self._met, self._rng, self._allowed)
        return best_candidates(score, self._parents, self._known.codes, self._met, self._rng, self._allowed)

    def _score(self, rows: Rows, surrogate: Surrogate | None = None) -> Array:
        gain = self._gain(*(surrogate or self._surrogate).predict(rows))
        return gain if self._success is None else gain + self._success.log_probability(rows)


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
        if not len(best):
            return within
        sample = mean[:, :n] + sd[:, :n] * rng.standard_normal((len(mean), n))
        if improvement is not None:
            # A little doubt is left, so that samples that gain nothing are in order too.
            return within + improvement.log_expected(sample, 0.1 * sd[:, :n])
        return within - sample[:, 0]

    return gain
