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
    at_once: int = 1
    """How many are at work at once: each is proposed while the others are running."""
    together: bool = False
    """Whether so many are proposed together, once all before are measured: in rounds with a barrier."""

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
        made: list[Proposal] = []
        trials: list[Trial] = []
        left: list[Proposal] = []

        def ask() -> Architecture | None:
            asked = left or list(strategy.ask(history, self.at_once if self.together else 1, rng))
            if not asked:
                return None
            made.append(replace(asked[0], number=len(made), round=len(made), seen=len(history)))
            left[:] = asked[1:]
            return made[-1].architecture

        def tell(metrics: Mapping[str, float] | None) -> None:
            nonlocal history, rng
            if metrics is None:
                trials.append(Trial(made[-1], "failed", error="UnlistedError: The table has nothing of this architecture."))
            else:
                trials.append(Trial(made[-1], "complete", metrics))
            # What the next call is given is made here: it is not the strategy's own time.
            seen = len(trials) if self.together else max(0, len(trials) - self.at_once + 1)
            history = History(tuple(trials[:seen]), tuple(made[seen:]))
            rng = np.random.default_rng([seed, len(trials)])

        return ask, tell


def parse_strategies(text: str | None) -> list[Ours]:
    """Read strategies and their settings: `random,evolution:population=10,sample=3`; where nothing is given, all without rungs.

    Random search is put first where it is missing, as the others are compared with it.

    Raises:
        UnknownNameError: There is no such strategy.
        SpecError: A setting is unknown or has a wrong value, one strategy is there twice, or one has rungs.
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
    if name in STRATEGIES and STRATEGIES[name]().sharing:
        raise SpecError(
            f"The strategy {name!r} trains weights that all architectures share, but a benchmark looks them up in a table; "
            f"name others: {', '.join(SAMPLERS)}."
        )
    if name in STRATEGIES and STRATEGIES[name]().inherits:
        raise _inherits(name)
    if name in STRATEGIES and name not in SAMPLERS:
        raise SpecError(
            f"The strategy {name!r} trains at several fidelities, but a benchmark compares strategies at one; "
            f"name others: {', '.join(SAMPLERS)}. `archsmith run` takes it over a table with `curve` or `fidelities`."
        )
    if name not in SAMPLERS:
        raise UnknownNameError("strategy", name, SAMPLERS)
    config = SAMPLERS[name]
    settings = read_pairs([word.strip() for word in rest.split(",") if word.strip()], f"strategy {name!r}")
    try:
        valid = config.model_validate(settings.value)
    except ValidationError as error:
        raise SpecError(describe(settings, [(config, (), error)])) from error
    if valid.inherits:
        raise _inherits(text)
    return Ours(text, valid)


def _inherits(text: str) -> SpecError:
    return SpecError(
        f"The strategy {text!r} lets networks begin with the weights of others, but a benchmark looks them up in a table, "
        f"where there are none; name others: {', '.join(SAMPLERS)}."
    )
