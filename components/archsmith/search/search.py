"""A search: its file, and what the names in it stand for."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel

from archsmith import foldable
from archsmith.elsewhere import ELSEWHERE
from archsmith.evaluation.config import EstimatorConfig, ScreenConfig, TrainConfig
from archsmith.evaluation.stopping.stopper import StopperConfig
from archsmith.evaluation.table_config import TableConfig
from archsmith.open_file import CHOSEN
from archsmith.shared_weights import explain, n_looks
from archsmith.spaces.space import Space, SpaceConfig, Widens
from archsmith.spec import AUTO, SearchObject, SearchSpec
from archsmith.spec.sharing import Sharing
from archsmith.spec.supernets import SupernetSettings
from archsmith.strategies.sharing.reranked import Reranked
from archsmith.strategies.strategy import Problem, Strategy, StrategyConfig, everything
from archsmith.strategies.warm_start import WarmStart
from archsmith.values import Architecture, Fidelity, History
from archsmith.values.metrics import METRICS
from archsmith.values.scores import SIZES, ScoreName

MAY_CHANGE = (
    "budget", "resources", "retrain", "baseline", "promote", "storage", "tracking", "cluster", "schedule", "series", "suspend",
    "ttl", "on_delete",
)  # fmt: skip
"""What may differ when a search goes on: none of it changes what a trial means."""


@dataclass(frozen=True, repr=False)
class Search:
    """A valid search: its file, and what the file's names stand for."""

    text: str
    """The file as it was written."""
    object: SearchObject
    """The file as a value."""
    space_config: SpaceConfig
    """The settings of the search space."""
    strategy_config: StrategyConfig
    """The settings of the strategy."""
    estimation: EstimatorConfig
    """The settings of the estimator."""
    stopping: StopperConfig | None = None
    """The settings of the stopper; None where every training goes to its end."""
    beside: Path | None = field(default=None, compare=False)
    """Folder of the file, for relative paths in it; None where it was not read from a file. It is no part of what is searched."""

    @property
    def name(self) -> str:
        """The name of the search."""
        return self.object.metadata.name

    @property
    def spec(self) -> SearchSpec:
        """The specification."""
        return self.object.spec

    @property
    def open(self) -> bool:
        """Whether the first step chooses what is searched, and how: then the settings of all algorithms are provisional."""
        return self.spec.space.name == AUTO

    @property
    def runs_here(self) -> bool:
        """Whether all of its algorithms are known in this process; where one is not, something stands for it."""
        return not any(isinstance(config, tuple(ELSEWHERE.values())) for config in self._configs().values())

    @property
    def retrains(self) -> bool:
        """Whether the winner is trained in full: where there are images."""
        return self.spec.data is not None

    @property
    def has_references(self) -> bool:
        """Whether simple networks are trained as the winner is, to say what the search was worth."""
        return self.retrains and self.spec.baseline != "none"

    @property
    def told_metrics(self) -> tuple[str, ...]:
        """The metrics that people are told of every trial: their own that it searches by, and accuracy."""
        own = [o.metric for o in self.spec.objectives if o.metric not in METRICS]
        accuracy = ["accuracy"] if "accuracy" in self.estimation.measures(buildable=False) else []
        return (*own, *accuracy) or (self.spec.first_goal.metric,)

    @property
    def table(self) -> TableConfig | None:
        """The table in which trials are looked up; None where there is none."""
        return self.estimation if isinstance(self.estimation, TableConfig) else None

    @property
    def counts_networks(self) -> bool:
        """Whether networks can be built, and it is known for which images."""
        known = self.spec.data is not None or self.estimation.network_input is not None
        return self.space_config.makes_networks and known

    @property
    def scores(self) -> tuple[ScoreName, ...]:
        """The scores of untrained networks that the strategy is given: those it wants, where they can be told; else none."""
        wanted = self.strategy_config.wanted_scores
        return wanted if self.counts_networks or set(wanted) <= self.estimation.listed_scores else ()

    @property
    def scores_networks(self) -> bool:
        """Whether whoever makes proposals computes with networks, and does not only count their parameters."""
        asked = {*self.scores, *([self.screen.score] if self.screen else [])}
        return bool(asked - SIZES)

    @property
    def screen(self) -> ScreenConfig | None:
        """What is asked of a network before it is trained; None where that is nothing."""
        return self.estimation.screen if isinstance(self.estimation, TrainConfig) else None

    @cached_property
    def space(self) -> Space:
        """The search space."""
        return self.space_config.build()

    @cached_property
    def first(self) -> tuple[Architecture, ...]:
        """The architectures that the file has measured first; raises `ValueError` where one is none of the space."""
        return tuple(map(self.space.from_text, self.spec.first))

    @cached_property
    def ladder(self) -> tuple[Fidelity, ...]:
        """The fidelities of the trials, the cheapest first; the last one is that of the search."""
        return self.strategy_config.ladder(self.estimation.fidelity)

    @property
    def sharing(self) -> Sharing | None:
        """What is done with weights that all architectures share; None where they share none."""
        return self.strategy_config.sharing or self.estimation.sharing

    @property
    def supernet(self) -> SupernetSettings | None:
        """How shared weights are trained, before anything else; None where there are none."""
        return self.sharing.supernet if self.sharing else None

    @property
    def n_looks(self) -> int:
        """How many architectures are measured with shared weights."""
        return n_looks(self.sharing.looks, self.spec.budget.trials) if self.sharing else 0

    @property
    def most_trials(self) -> float:
        """Trials in all, looks among them; infinite where only what they cost counts."""
        budget = self.spec.budget
        if self.sharing:
            return self.n_looks + self.sharing.top
        if budget.trials is None and (budget.trainings is not None or len(self.ladder) > 1):
            return math.inf
        return budget.n_trials

    @property
    def most_cost(self) -> float:
        """What all trials may cost, in epochs of full training; infinite where only their number counts."""
        budget = self.spec.budget
        if self.sharing:
            return math.inf
        if budget.trainings is None and (budget.trials is not None or len(self.ladder) == 1):
            return math.inf
        return (budget.trainings or budget.n_trials) * self.estimation.fidelity.cost

    def pays_for_more(self, history: History) -> bool:
        """Tell whether the budget is not spent: a search that has ended with this history had nothing more to propose."""
        cost, minutes = math.fsum(trial.cost for trial in history), self.spec.budget.minutes
        remainder = self.estimation.fidelity.cost if len(self.ladder) > 1 else 0  # nothing is begun that it can't pay for
        return (
            not self.sharing  # that one ends by a rule of its own
            and len(history) < self.most_trials
            and cost + remainder < self.most_cost
            and not math.isclose(cost, self.most_cost)
            and (minutes is None or history.busy_s() < 60 * minutes)
        )

    @property
    def explained(self) -> tuple[str, ...]:
        """What people should know of the trials to come, a sentence each: rungs, brackets and shared weights."""
        fidelity = self.estimation.fidelity
        if self.sharing:
            return (explain(self.sharing, self.n_looks, fidelity),)
        screened = [] if self.screen is None else [self.screen.explained]
        return (
            *screened,
            *foldable.explained(self.estimation),
            *self.strategy_config.explain(fidelity, self.most_cost / fidelity.cost, widens=isinstance(self.space, Widens)),
        )

    def __repr__(self) -> str:
        if self.open:
            return f"<Search {self.name!r}: everything chosen for {self.spec.budget.minutes:g} minutes>"
        spec, trials = self.spec, self.most_trials
        counted = (
            f"{trials:g} trials" if math.isfinite(trials) else f"{self.most_cost / self.estimation.fidelity.cost:g} trainings"
        )
        return f"<Search {self.name!r}: {spec.strategy.name} over {spec.space.name}, {counted}>"

    def strategy(
        self,
        feasible: Callable[[Architecture], bool] = everything,
        derived: tuple[Architecture, ...] = (),
        listed: Sequence[Architecture] = (),
        scores: Callable[[Architecture], Mapping[str, float]] | None = None,
        first: Sequence[Architecture] = (),
    ) -> Strategy:
        """Make the strategy.

        Args:
            feasible: It proposes only what this lets pass.
            derived: What shared weights have led to, with which it begins.
            listed: The only architectures that can be measured, where it is not the whole space.
            scores: What is known of an architecture without training it.
            first: What is measured first after what the file names, in the place of what the strategy would propose; nothing is
                with shared weights.
        """
        fidelity = self.estimation.fidelity
        if self.sharing:
            looks = self.n_looks
            problem = Problem(self.space, self.spec.objectives, fidelity, looks, feasible, looks, derived, scores=scores)
            strategy = self.strategy_config.build(problem)
            return strategy if self.strategy_config.sharing else Reranked(problem, strategy, top=self.sharing.top)
        worth = min(self.most_trials, self.most_cost / fidelity.cost)  # each trial is worth a full training at most
        problem = Problem(
            self.space, self.spec.objectives, fidelity, math.ceil(worth), feasible, self.most_trials,
            listed=listed, scores=scores, trainings=self.most_cost / fidelity.cost,
        )  # fmt: skip
        strategy = self.strategy_config.build(problem)
        first = (*self.first, *first)
        return WarmStart(problem, strategy, first) if first else strategy

    def rng(self, round_: int) -> np.random.Generator:
        """Return the randomness of a round: the same in every process."""
        return np.random.default_rng([self.spec.seed, round_])

    def identity(self) -> dict[str, Any]:
        """Return what makes two files the same search: all but what may change when it goes on."""
        if self.open:  # what was chosen, was chosen for this time
            return self.spec.model_dump(mode="json", exclude={*MAY_CHANGE, "space", *CHOSEN} - {"budget"})
        spec = self.spec.model_dump(mode="json", exclude=set(MAY_CHANGE))
        for section, config in self._configs().items():
            may_change = getattr(config, "may_change", None)
            spec[section] = {"name": spec[section]["name"], **config.model_dump(mode="json", exclude=may_change)}
        if self.stopping is None:  # as in searches of a time when there was no such section
            del spec["stopping"]
        return spec

    def differences(self, other: Self) -> list[str]:
        """Return the paths at which this search is not `other`."""
        return _differences(self.identity(), other.identity(), "spec")

    def describe(self, architecture: Architecture) -> str:
        """Say an architecture in a line, for people."""
        return self.space.to_text(architecture)

    def _configs(self) -> dict[str, BaseModel]:
        stopping = {} if self.stopping is None else {"stopping": self.stopping}
        return {"space": self.space_config, "strategy": self.strategy_config, "estimation": self.estimation, **stopping}


def _differences(a: Any, b: Any, path: str) -> list[str]:
    """Return a line for each path at which two trees of mappings differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [line for key in {**a, **b} for line in _differences(a.get(key), b.get(key), f"{path}.{key}")]
    return [] if a == b else [f"{path}: {a!r} here, {b!r} there"]
