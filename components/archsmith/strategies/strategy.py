"""The interface of a search strategy, and the problem that it is given."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from archsmith.spaces.space import Space
from archsmith.spec import Config, Objective
from archsmith.spec.sharing import Sharing
from archsmith.values import Architecture, Fidelity, GoesOn, History, Inherits, Proposal
from archsmith.values.scores import ScoreName


def everything(architecture: Architecture) -> bool:  # noqa: ARG001 -- the default of a predicate
    """Allow every architecture."""
    return True


@dataclass(frozen=True, slots=True)
class Problem:
    """What a strategy is to solve."""

    space: Space
    """Where the architectures come from."""
    objectives: tuple[Objective, ...]
    """What to make better, the first one first."""
    fidelity: Fidelity
    """The fidelity that trials are asked for."""
    budget: int
    """Trials at this fidelity that the whole search may use, or what they are worth at others."""
    feasible: Callable[[Architecture], bool] = everything
    """Whether an architecture meets the limits that are known without training, such as parameters.

    What does not is never proposed. It must be cheap and pure: a strategy may ask thousands of times.
    """
    trials: float = math.inf
    """Trials that the whole search may use, at whatever fidelity; infinite where only their worth counts."""
    derived: tuple[Architecture, ...] = ()
    """What the training of shared weights has led to, the best first; empty where nothing is shared, or not trained yet."""
    listed: Sequence[Architecture] = ()
    """The only architectures that can be measured, where they are not the whole space: such as the rows of a table. Each of them
    may be infeasible all the same."""
    scores: Callable[[Architecture], Mapping[str, float]] | None = None
    """What is known of an architecture without training it, by the names of `wanted_scores`; None where that is nothing.

    Pure. A network is built for it, so it takes milliseconds at least; what can't be scored has NaN.
    """
    trainings: float = math.inf
    """What all trials may cost, in full trainings' worth; infinite where only their number counts."""

    def random_start(self, most: int) -> int:
        """Return how many of the first trials are drawn at random: `most`, but no more than a third of the budget."""
        return min(most, math.ceil(self.budget / 3))


class Strategy(Protocol):
    """Proposes what to measure next. Whoever needs something to measure asks it.

    `ask` is a pure function: the same history and the same state of `rng` give the same proposals,
    in any process. A strategy keeps nothing between calls, so a dead pod loses nothing.
    """

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures; none of them was measured at that fidelity before, or is being measured now.

        Fewer than `n` come back only where fewer new and feasible ones are left in the space, or none is found among many;
        or where what comes next depends on what is running, as in a rung that is not full: then it is asked again when one
        of `history.running` has ended. `number`, `round` and `seen` of the proposals are set by the caller.
        """
        ...


@runtime_checkable
class Keeps(Protocol):
    """A strategy whose proposals go on from trials, or inherit their weights."""

    def keeps(self, history: History) -> frozenset[str]:
        """Return the ids of the trials whose weights may be needed yet; a pure function, as `ask` is.

        Asked with a single trial, it says whether the weights of such a one are kept when it has ended. Those that running
        proposals begin with are kept in any case.
        """
        ...


@runtime_checkable
class HasStart(Protocol):
    """A strategy that must measure an architecture of its own before it goes on."""

    def is_start(self, architecture: Architecture) -> bool:
        """Tell whether it is that one."""
        ...


def kept(strategy: Strategy, history: History) -> frozenset[str]:
    """Return the ids of the trials whose weights may be needed yet: by the strategy, or by what is running."""
    wanted = strategy.keeps(history) if isinstance(strategy, Keeps) else frozenset()
    return wanted | {p.origin.trial for p in history.running if isinstance(p.origin, GoesOn | Inherits)}


@dataclass(frozen=True, slots=True)
class Least:
    """What a search proposes until the first of its trainings is complete at the full fidelity, about."""

    trials: int
    """Trials, that one included."""
    trainings: float
    """What they cost together, in full trainings' worth."""
    trials_in_sight: int | None = None
    """Trials, where a budget of trainings tells the strategy when its end is near; None where that makes no difference."""


class StrategyConfig(Config):
    """Base of a strategy's settings in the search file; its docstring's first line is its description."""

    @property
    def sharing(self) -> Sharing | None:
        """How all architectures share weights; None where each is trained by itself."""
        return None

    @property
    def wanted_scores(self) -> tuple[ScoreName, ...]:
        """The scores of untrained networks that `Problem.scores` is to give it; none where it wants none."""
        return ()

    @property
    def inherits(self) -> bool:
        """Whether its trials may begin with the weights of others, of other architectures."""
        return False

    @property
    def may_change(self) -> Mapping[str, Any]:
        """The settings that may differ when a search goes on, as pydantic excludes them."""
        return {}

    def build(self, problem: Problem) -> Strategy:
        """Make the strategy for `problem`; raises `ValueError` for settings that do not fit it."""
        raise NotImplementedError

    def ladder(self, fidelity: Fidelity) -> tuple[Fidelity, ...]:
        """Return the fidelities of its proposals, the cheapest first, in a search whose full one is `fidelity`.

        Raises:
            ValueError: The settings do not fit `fidelity`.
        """
        return (fidelity,)

    def least(self, fidelity: Fidelity, *, widens: bool = False) -> Least:  # noqa: ARG002 -- of those that train less first
        """Return what it takes until a training is complete at `fidelity`, where one trial ends after the other.

        Where the space `widens`, trained weights are taken along into a wider network; see `spaces.space.Widens`.
        """
        return Least(1, 1.0)

    def explain(self, fidelity: Fidelity, trainings: float, *, widens: bool = False) -> Iterator[str]:  # noqa: ARG002 -- likewise
        """Yield what people should know of the trials to come, a sentence each, in a search of so many full trainings' worth.

        `widens` is as in `least`.
        """
        yield from ()
