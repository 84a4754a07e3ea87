"""Our strategies as searchers, named in a line: `random,evolution:population=10,sample=3`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from pydantic import ValidationError

from archsmith.bench.run import Ask, Tell
from archsmith.bench.summary import RANDOM
from archsmith.bench.task import Task
from archsmith.errors import SpecError, UnknownNameError
from archsmith.spec import Objective
from archsmith.spec.yaml_document import read_pairs
from archsmith.spec.yaml_errors import describe
from archsmith.strategies import STRATEGIES
from archsmith.strategies.samplers import SAMPLERS
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import Architecture, Fidelity, History, Proposal, Trial

FIDELITY = Fidelity(epochs=1)


@dataclass(frozen=True)
class Ours:
    """One of our strategies, asked for one proposal at a time, as the steps ask it."""

    label: str
    """What it is called."""
    config: StrategyConfig
    """Its settings."""

    def start(self, task: Task, seed: int, trials: int) -> tuple[Ask, Tell]:
        """Begin a search; see `Searcher.start`."""
        metric, scale = "accuracy" if task.goal == "maximize" else "loss", 0.01 if task.percent else 1.0
        problem = Problem(task.space, (Objective(metric=metric, goal=task.goal),), FIDELITY, trials)
        ask, tell = self.solve(problem, seed)
        return ask, lambda _, value: tell(None if value is None else {metric: scale * value})

    def solve(self, problem: Problem, seed: int) -> tuple[Ask, Callable[[Mapping[str, float] | None], None]]:
        """Begin a search with any objectives; return how it is asked, and how it is told the metrics, None for a failure.

        Raises:
            SpecError: The strategy can't solve this problem.
        """
        try:
            strategy = self.config.build(problem)
        except ValueError as error:
            raise SpecError(f"The strategy {self.label!r} can't be used here: {error}") from error
        history = History()
        rng = np.random.default_rng([seed, 0])
        proposal: Proposal | None = None

        def ask() -> Architecture | None:
            nonlocal proposal
            asked = strategy.ask(history, 1, rng)
            proposal = replace(asked[0], number=len(history), round=len(history)) if asked else None
            return proposal.architecture if proposal else None

        def tell(metrics: Mapping[str, float] | None) -> None:
            nonlocal history, rng
            assert proposal is not None
            if metrics is None:
                trial = Trial(proposal, "failed", error="UnlistedError: The table has nothing of this architecture.")
            else:
                trial = Trial(proposal, "complete", metrics)
            # What the next call is given is made here: it is not the strategy's own time.
            history = History((*history.trials, trial))
            rng = np.random.default_rng([seed, len(history)])

        return ask, tell


def parse_strategies(text: str | None) -> list[Ours]:
    """Read strategies and their settings: `random,evolution:population=10,sample=3`; where nothing is given, all without rungs.

    Random search is put first where it is missing, as the others are compared with it.

    Raises:
        UnknownNameError: There is no such strategy.
        SpecError: A setting is unknown or has a wrong value, or one strategy is there twice.
    """
    parts: list[str] = []
    for word in (",".join(SAMPLERS) if text is None else text).split(","):
        if parts and "=" in word.partition(":")[0]:
            parts[-1] += f",{word}"  # a further setting of the strategy before
        else:
            parts.append(word.strip())
    if twice := [p for k, p in enumerate(parts) if p in parts[:k]]:
        raise SpecError(f"The strategy {twice[0]!r} is named twice; give one of them other settings.")
    return [_ours(part) for part in ([] if RANDOM in parts else [RANDOM]) + parts]


def _ours(text: str) -> Ours:
    name, _, rest = text.partition(":")
    if name not in STRATEGIES:
        raise UnknownNameError("strategy", name, STRATEGIES)
    config = STRATEGIES[name]
    settings = read_pairs([word.strip() for word in rest.split(",") if word.strip()], f"strategy {name!r}")
    try:
        return Ours(text, config.model_validate(settings.value))
    except ValidationError as error:
        raise SpecError(describe(settings, [(config, (), error)])) from error
