"""Stand-ins for what the image of a search knows and this process does not: algorithms of other distributions.

The controller of a cluster looks at searches and starts their pods; it runs none of their algorithms. Where a search has an image
of its own, a name that is unknown here is taken to be known there, and its settings are left to it. What is unknown there as well
is refused by the search's first step.
"""

from collections.abc import Mapping, Sequence, Set
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from archsmith.errors import PluginError
from archsmith.evaluation.config import EstimatorConfig
from archsmith.evaluation.stopping.stopper import Stopper, StopperConfig
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spaces.space import SpaceConfig
from archsmith.strategies.strategy import Problem, Strategy, StrategyConfig
from archsmith.values import Architecture, Choice, Fidelity, History, Proposal
from archsmith.values.metrics import METRICS

_OPEN = ConfigDict(extra="allow", frozen=True)


class ElsewhereSpaceConfig(SpaceConfig):
    """A space that the image of the search knows."""

    model_config = _OPEN

    def build(self) -> "ElsewhereSpace":
        """Make what stands for it."""
        return ElsewhereSpace()


class ElsewhereSpace(DecisionSpace):
    """Shows architectures by their choices, without names; it draws none."""

    def __init__(self) -> None:
        super().__init__("elsewhere", (Decision("elsewhere", (True, False)),))

    def size(self) -> int:
        """Return more than any search tries."""
        return 10**18

    def assignment(self, architecture: Architecture) -> dict[str, Choice]:
        """Return the active choices by their places."""
        return {f"decision_{k}": choice for k, choice in enumerate(architecture.choices, start=1) if choice is not None}

    def to_text(self, architecture: Architecture) -> str:
        """Write the choices in a row."""
        return " ".join("-" if choice is None else str(choice) for choice in architecture.choices)

    def layers(self, *_: Any) -> Sequence[Any]:
        """Say that nothing is built here."""
        raise PluginError("The space of this search is one of its image's, and not installed here.")

    def graph(self, architecture: Architecture) -> Graph:
        """Return a picture of nothing but the choices."""
        nodes = (Node("input", "image", "input"), Node("output", self.to_text(architecture), "output"))
        return Graph(nodes, (Edge("input", "output"),))


class ElsewhereStrategyConfig(StrategyConfig):
    """A strategy that the image of the search knows."""

    model_config = _OPEN

    def build(self, problem: Problem) -> Strategy:
        """Make what stands for it."""
        del problem
        return _Elsewhere()


class _Elsewhere:
    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Say that nothing is proposed here."""
        del history, n, rng
        raise PluginError("The strategy of this search is one of its image's, and not installed here.")


class ElsewhereEstimatorConfig(EstimatorConfig):
    """An estimator that the image of the search knows."""

    model_config = _OPEN
    needs_images: ClassVar[bool] = False

    @property
    def fidelity(self) -> Fidelity:
        """The number of epochs, where the settings say one; nothing else is known."""
        epochs = (self.model_extra or {}).get("epochs")
        return Fidelity(epochs if isinstance(epochs, int) and epochs >= 1 else 1)

    @property
    def own_metrics(self) -> Set[str]:
        """Any there may be, but those that are ours."""
        return _Any(but=METRICS.keys())

    @property
    def curve_metrics(self) -> Set[str]:
        """Those that a training has."""
        return {"accuracy", "loss"}

    def measures(self, *, buildable: bool) -> Set[str]:
        """Return any there may be."""
        del buildable
        return _Any()


class _Any(set[str]):
    """Holds every name but some; it lists none."""

    def __init__(self, but: Set[str] = frozenset()) -> None:
        super().__init__()
        self._but = but

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name not in self._but


class ElsewhereStopperConfig(StopperConfig):
    """A stopper that the image of the search knows."""

    model_config = _OPEN

    def build(self) -> Stopper:
        """Say that nothing is stopped here."""
        raise PluginError("The stopper of this search is one of its image's, and not installed here.")


ELSEWHERE: Mapping[str, type[BaseModel]] = {
    "space": ElsewhereSpaceConfig,
    "strategy": ElsewhereStrategyConfig,
    "estimation": ElsewhereEstimatorConfig,
    "stopping": ElsewhereStopperConfig,
}
"""What stands for an unknown name, by section."""
