"""The tree-structured Parzen estimator, as Optuna has it.

References: Bergstra, Bardenet, Bengio, Kégl 2011, Algorithms for Hyper-Parameter Optimization (NeurIPS), section 4;
Ozaki et al. 2022 (several objectives); Watanabe 2023 (arXiv:2304.11127), which describes Optuna's.

The sampler is Optuna's with its own defaults; what is ours is how it is asked. Its study is made from the history, and
its generator is seeded by ours, so that `ask` is pure. An architecture is suggested decision by decision. Optuna models jointly
only those decisions that all trials have, and each other one by itself; so that a decision is not active is one of its choices.
Where it suggests that one for a decision that is active, a choice is drawn at random. Of a decision that is always active, and
whose choices have an order, it suggests the place, a whole number. With several goals, where Optuna models each decision by
itself in any case, those that are not active are left out.

Where this deviates from Optuna:
    - What was measured is not proposed again, nor is what breaks a limit known before training. Another candidate is drawn.
    - A failed trial, which Optuna's sampler overlooks, is to it one that was pruned: worse than all that have ended, so that it
      makes less likely what it has in common with other failures and bad trials, but not what it shares with the good ones. It is
      no result, of which there must be some before anything is modelled.
    - A candidate is taken with the probability that it does not fail, as `success` has it, or else another one is drawn.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
from pydantic import Field

from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.bayesian.measurements import Measurements
from archsmith.strategies.fold import Fold
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import first_goal
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import Architecture, Choice, History, Proposal, Trial

if TYPE_CHECKING:  # Optuna takes a while to load, and whoever lists the strategies should not wait for it
    import optuna


PATIENCE = 8
"""Candidates in a row that may be refused; after that, random ones are more likely to be new, and cost far less."""

LIKELY_TO_FAIL = 3
"""Candidates in a row that may be left out as they are likely to fail."""
MOST_FAILED = 2000
"""Trials of a study that count for nothing, which there may be before it is made anew."""


class TPEConfig(StrategyConfig):
    """Optuna's tree-structured Parzen estimator (Bergstra 2011); with several goals, it looks for their Pareto front.

    The defaults are Optuna's. Limits are its constraints, and proposals of one round are told apart by its constant liar.
    """

    startup: Annotated[int, Field(ge=1)] = 10
    """Trials with results that there must be before anything is modelled; until then, architectures are random."""
    candidates: Annotated[int, Field(ge=1)] = 24
    """How many candidates are drawn from the model of the good trials; the one likeliest to be good is proposed."""

    def build(self, problem: Problem) -> "TPE":
        """Make the strategy; raises `ValueError` where no objective has a goal."""
        return TPE(problem, startup=self.startup, candidates=self.candidates)


class TPE:
    """Optuna's TPE.

    Args:
        problem: What is to be solved; each objective with a goal is one of Optuna's, each limit a constraint.
        startup: Optuna's `n_startup_trials`, >= 1.
        candidates: Optuna's `n_ei_candidates`, >= 1.

    Raises:
        ValueError: no objective has a goal.
    """

    def __init__(self, problem: Problem, *, startup: int, candidates: int) -> None:
        first_goal(problem, "tpe")
        self._problem = problem
        self._goals = tuple(o for o in problem.objectives if o.goal)
        self._limits = tuple(o for o in problem.objectives if o.limit is not None)
        self._new = Novelty(problem)
        self._startup = startup
        self._candidates = candidates
        self._study = Fold(self._start, self._add)
        self._codes = Codes(problem.space)
        self._known = Fold(lambda: Measurements(problem, self._codes), Measurements.add)
        self._jointly = len(self._goals) == 1
        placed = (d for d in problem.space.decisions if d.ordered and not (self._jointly and d.is_conditional))
        self._places = {d.name: dict(zip(d.choices, d.ranks, strict=True)) for d in placed}

    @cached_property
    def _distributions(self) -> Mapping[str, "optuna.distributions.BaseDistribution"]:
        """What Optuna draws each decision from; of one with an order, the place in it. None is that it is not active."""
        from optuna.distributions import CategoricalDistribution, IntDistribution

        def drawn_from(decision: Decision) -> "optuna.distributions.BaseDistribution":
            if decision.name in self._places:
                return IntDistribution(0, len(decision.choices) - 1)
            absent = (None,) if self._jointly and decision.is_conditional else ()
            return CategoricalDistribution((*absent, *decision.choices))

        return {decision.name: drawn_from(decision) for decision in self._problem.space.decisions}

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        study = self._sampling_study(history, rng)
        at_work = [p.architecture for p in history.running if p.fidelity == self._problem.fidelity]
        running = _Running(study, map(self._running, at_work))
        known = self._known(history)
        success, is_blind = known.success(), len(known.rows) < self._startup

        def draw(already: int) -> Proposal:
            trial = running.next(already)
            if running.refused > PATIENCE:
                return Proposal(self._problem.space.sample(rng), self._problem.fidelity, reason="random, as TPE repeats itself")
            found = self._suggested(trial, rng)
            for _ in range(LIKELY_TO_FAIL):
                if success is None or rng.random() < success.probability(self._codes.encode([found]))[0]:
                    break
                found = self._suggested(running.again(), rng)
            reason = "random start" if is_blind else "the likeliest to be good, by TPE"
            return Proposal(found, self._problem.fidelity, reason=reason)

        try:
            return self._new.propose(history, n, draw, rng)
        finally:
            running.end()
            if len(study.get_trials(deepcopy=False)) > len(history) + MOST_FAILED:
                self._study = Fold(self._start, self._add)  # a study forgets nothing, and takes longer with all that failed

    def _sampling_study(self, history: History, rng: np.random.Generator) -> "optuna.Study":
        """Return the study of the history, with a new sampler."""
        from optuna.samplers import TPESampler
        from optuna.trial import TrialState

        study, seed = self._study(history), int(rng.integers(2**32))
        failed = sum(t.state == TrialState.PRUNED for t in study.get_trials(deepcopy=False))
        study.sampler = TPESampler(n_startup_trials=self._startup + failed, n_ei_candidates=self._candidates, seed=seed)
        return study

    def _suggested(self, trial: "optuna.Trial", rng: np.random.Generator) -> Architecture:
        """Return the architecture that the sampler suggests."""
        space, chosen = self._problem.space, dict[str, Choice]()
        for decision in space.decisions:
            if decision.is_active(chosen):
                found = self._suggested_of(decision, trial)
                chosen[decision.name] = decision.choices[rng.integers(len(decision.choices))] if found is None else found
        return Architecture(space.name, tuple(chosen.get(d.name) for d in space.decisions))

    def _suggested_of(self, decision: Decision, trial: "optuna.Trial") -> Choice | None:
        """Return the choice that the sampler suggests; None where it suggests that the decision is not active."""
        places = self._places.get(decision.name)
        if places is None:
            drawn_from = cast("optuna.distributions.CategoricalDistribution", self._distributions[decision.name])
            return trial.suggest_categorical(decision.name, drawn_from.choices)
        place = trial.suggest_int(decision.name, 0, len(places) - 1)
        return next(choice for choice, of in places.items() if of == place)

    def _start(self) -> "optuna.Study":
        """Return a study without trials, and without the line that Optuna logs of it."""
        import optuna

        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            return optuna.create_study(directions=[o.goal for o in self._goals if o.goal])
        finally:
            optuna.logging.set_verbosity(verbosity)

    def _add(self, study: "optuna.Study", trial: Trial) -> None:
        """Add a trial to the study, in Optuna's words: its values, its parameters and by how much it breaks limits."""
        import optuna

        if trial.proposal.fidelity != self._problem.fidelity:
            return
        architecture, values = trial.proposal.architecture, [trial.metrics.get(o.metric, math.nan) for o in self._goals]
        if not all(map(math.isfinite, values)):
            study.add_trial(optuna.trial.create_trial(state=optuna.trial.TrialState.PRUNED, **self._parameters(architecture)))
            return
        parameters = self._parameters(architecture)
        study.add_trial(optuna.trial.create_trial(values=values, constraints=_excess(trial, self._limits), **parameters))

    def _running(self, architecture: Architecture) -> "optuna.trial.FrozenTrial":
        """Return an architecture that is running, in Optuna's words."""
        from optuna.trial import TrialState, create_trial

        return create_trial(state=TrialState.RUNNING, **self._parameters(architecture))

    def _parameters(self, architecture: Architecture) -> dict[str, Any]:
        """Return the parameters of an architecture and what they are drawn from, in Optuna's words."""
        names = [decision.name for decision in self._problem.space.decisions]
        chosen = {n: c for n, c in zip(names, architecture.choices, strict=True) if self._jointly or c is not None}
        params = {n: self._places[n][c] if n in self._places and c is not None else c for n, c in chosen.items()}
        return {"params": params, "distributions": {name: self._distributions[name] for name in chosen}}


class _Running:
    """Optuna's trials of what is running, and of what is asked for in one call; its sampler keeps away from them.

    Args:
        study: Their study.
        before: Those that were running before the call.
    """

    def __init__(self, study: "optuna.Study", before: "Iterable[optuna.trial.FrozenTrial]") -> None:
        self._study = study
        self._numbers = list[int]()
        for trial in before:
            self._numbers.append(len(study.get_trials(deepcopy=False)))
            study.add_trial(trial)
        self.refused = 0
        """Candidates in a row that were not proposed."""

    def next(self, already: int) -> "optuna.Trial":
        """Return a new trial, in place of the last one where that is not one of the `already` running or proposed ones."""
        self.refused = self.refused + 1 if len(self._numbers) > already else 0
        return self.again() if self.refused else self._new()

    def again(self) -> "optuna.Trial":
        """Return a new trial in place of the last one."""
        self._fail(self._numbers.pop())
        return self._new()

    def _new(self) -> "optuna.Trial":
        trial = self._study.ask()
        self._numbers.append(trial.number)
        return trial

    def end(self) -> None:
        """Fail them all. The sampler does not look at failed trials, so to the next call these have never been."""
        while self._numbers:
            self._fail(self._numbers.pop())

    def _fail(self, number: int) -> None:
        from optuna.trial import TrialState

        self._study.tell(number, state=TrialState.FAIL)


def _excess(trial: Trial, limits: Sequence[Objective]) -> dict[str, float]:
    """Return how far each metric that was measured lies beyond its limit; none is above 0 where all are kept."""
    measured = [(o, o.limit, trial.metrics[o.metric]) for o in limits if math.isfinite(trial.metrics.get(o.metric, math.nan))]
    return {o.metric: o.sign * (limit - value) for o, limit, value in measured if limit is not None}
