"""The settings that all strategies with shared weights have."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from archsmith.spec.sharing import Sharing
from archsmith.spec.supernets import SupernetSettings
from archsmith.strategies.samplers import SAMPLERS
from archsmith.strategies.sharing.reranked import InOrder, Reranked
from archsmith.strategies.strategy import Problem, Strategy, StrategyConfig

Epochs = Annotated[int, Field(ge=1)]
Top = Annotated[int, Field(ge=1)]
Looks = Annotated[int, Field(ge=1)]


class SharingConfig(StrategyConfig):
    """Base of those that train weights once, for all architectures, and derive from them what to train alone."""

    of_space: ClassVar[str | None] = None
    """The only space that it is for; None where it is for all that can be relaxed, or for all."""

    epochs: Epochs = 50
    """Passes over the training images in which the shared weights are trained."""
    top: Top = 10
    """How many of what they like best are trained alone; the best of these wins. More when a search goes on is allowed."""

    @property
    def sharing(self) -> Sharing:
        """How weights are shared, and what is done with them."""
        return Sharing(self.supernet, self.top, self.most_looks)

    @property
    def supernet(self) -> SupernetSettings:
        """How the shared weights are trained."""
        raise NotImplementedError

    @property
    def most_looks(self) -> int | None:
        """How many architectures are measured with them; as many as the budget has where it is None."""
        return 0

    @property
    def may_change(self) -> Mapping[str, Any]:
        """The settings that may differ when a search goes on, as pydantic excludes them."""
        return {"top": True}

    def build(self, problem: Problem) -> Strategy:
        """Make the strategy; raises `ValueError` for settings that do not fit the problem."""
        return Reranked(problem, self.looking(problem), top=self.top)

    def looking(self, problem: Problem) -> Strategy | None:  # noqa: ARG002 -- of those that look
        """Make the strategy that says what to measure with shared weights; None where the training itself prefers some."""
        return None


class LookingConfig(SharingConfig):
    """Base of those that measure many architectures with the shared weights."""

    looks: Looks | None = None
    """How many architectures are measured with the shared weights: as many as `budget.trials`, which also limits it, or 200."""

    @property
    def most_looks(self) -> int | None:
        """How many architectures are measured with them; as many as the budget has where it is None."""
        return self.looks


def sampler(name: str, problem: Problem) -> Strategy:
    """Make one of the strategies that know nothing of shared weights, with its own defaults."""
    return SAMPLERS[name]().build(problem)


def in_order(problem: Problem) -> Strategy:
    """Make the strategy that proposes what was derived, the best first."""
    return InOrder(problem)
