"""Samplers of other projects as searchers of `archsmith.bench`, for the benchmarks that compare with them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optuna

from archsmith.bench import Task
from archsmith.bench.run import Ask, Tell
from archsmith.spaces.space import Space
from archsmith.values import Architecture

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Optuna:
    """A sampler of Optuna, with its defaults, through ask and tell."""

    label: str
    sampler: Callable[..., optuna.samplers.BaseSampler]

    def start(self, task: Task, seed: int, trials: int) -> tuple[Ask, Tell]:  # noqa: ARG002 -- they know no budget
        """Begin a search."""
        ask, tell = self.solve(task.space, seed, [task.goal])
        return ask, lambda _, value: tell(None if value is None else [value])

    def solve(self, space: Space, seed: int, directions: list[str]) -> tuple[Ask, Callable[[list[float] | None], None]]:
        """Begin a search with any objectives."""
        study = optuna.create_study(directions=directions, sampler=self.sampler(seed=seed))
        running: list[Any] = []

        def ask() -> Architecture:
            running.append(study.ask())
            return Architecture(space.name, tuple(running[-1].suggest_categorical(d.name, d.choices) for d in space.decisions))

        def tell(values: list[float] | None) -> None:
            state = optuna.trial.TrialState.FAIL if values is None else None
            study.tell(running[-1], values, state=state)

        return ask, tell


@dataclass(frozen=True)
class SyneTune:
    """Regularised evolution of Syne Tune."""

    label: str
    population: int
    sample: int

    def start(self, task: Task, seed: int, trials: int) -> tuple[Ask, Tell]:  # noqa: ARG002 -- they know no budget
        """Begin a search."""
        from syne_tune.config_space import choice
        from syne_tune.optimizer.schedulers.searchers.regularized_evolution import RegularizedEvolution

        decisions = task.space.decisions
        searcher = RegularizedEvolution(
            {d.name: choice(list(d.choices)) for d in decisions},
            population_size=self.population, sample_size=self.sample, random_seed=seed,
        )  # fmt: skip
        asked: list[dict[str, Any]] = []

        def ask() -> Architecture:
            asked.append(searcher.suggest())
            return Architecture(task.space.name, tuple(asked[-1][d.name] for d in decisions))

        def tell(_: Architecture, value: float | None) -> None:
            if value is not None:
                searcher.on_trial_complete(str(len(asked)), asked[-1], -value if task.goal == "maximize" else value)

        return ask, tell


TPE = Optuna("optuna-tpe", optuna.samplers.TPESampler)
PLAIN_RANDOM = Optuna("optuna-random", optuna.samplers.RandomSampler)
"""Random search with repeats; ours proposes no network twice, and so finds more."""
NSGA2 = Optuna("optuna-nsga2", optuna.samplers.NSGAIISampler)
EVOLUTION = SyneTune("syne-tune-evolution", population=10, sample=3)
