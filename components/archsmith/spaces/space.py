"""The interface of a search space."""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Graph
from archsmith.spaces.training import TrainingChoices
from archsmith.spec import Config
from archsmith.values import Architecture, Choice


class Space(Protocol):
    """A set of architectures, written as a list of decisions of which some are active only under others.

    Strategies call it and know nothing else of architectures; `archsmith.models` builds networks from
    them. Every method returns canonical architectures of this space.
    """

    @property
    def name(self) -> str:
        """Its name in the search file, and in each of its architectures."""
        ...

    @property
    def decisions(self) -> Sequence[Decision]:
        """The decisions, each after those that it depends on."""
        ...

    def assignment(self, architecture: Architecture) -> dict[str, Choice]:
        """Return the choice of each active decision by the decision's name."""
        ...

    def size(self) -> int:
        """Return how many architectures there are."""
        ...

    def enumerate(self) -> Iterator[Architecture]:
        """Yield every architecture once."""
        ...

    def at(self, index: int) -> Architecture:
        """Return the architecture at this place of the enumeration, from 0; raises `IndexError` where it has none."""
        ...

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture: decision by decision, each uniform among its choices."""
        ...

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Return a different architecture that changes one active decision (and those that this makes active)."""
        ...

    def crossover(self, a: Architecture, b: Architecture, rng: np.random.Generator) -> Architecture:
        """Return an architecture that takes each decision from one of two parents."""
        ...

    def neighbors(self, architecture: Architecture) -> Iterator[Architecture]:
        """Yield every architecture that differs in one active decision (newly active ones at their first choice)."""
        ...

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the one that stands for all architectures with the same network, as far as that is cheap to tell.

        It may be `architecture` itself. Strategies propose only one of those for which this is the same.
        """
        ...

    def features(self, architecture: Architecture) -> np.ndarray:
        """Return a vector for surrogates: (n_features,), float64, each value in [0, 1].

        As many values a decision as it has choices: one-hot, or ones up to the choice's place where there is an order, and
        all zeros where it is not active. A space that knows a better view of its networks appends it.
        """
        ...

    def to_text(self, architecture: Architecture) -> str:
        """Return the architecture in the space's notation: one line."""
        ...

    def from_text(self, text: str) -> Architecture:
        """Read what `to_text` wrote; raises `ValueError` where it is no architecture of this space."""
        ...

    def graph(self, architecture: Architecture) -> Graph:
        """Return nodes and edges, for pictures."""
        ...


@runtime_checkable
class Widens(Protocol):
    """A space whose networks are lines of layers, so that trained weights can be widened exactly; see `models.widening`."""

    widens: Literal[True]
    """That they can."""


class SpaceConfig(Config):
    """Base of a space's settings in the search file; its docstring's first line is its description."""

    training: TrainingChoices | None = None
    """Settings of the training that are searched together with the architecture."""

    @property
    def makes_networks(self) -> bool:
        """Whether networks can be built from its architectures; else these can only be looked up in a table."""
        return True

    def training_decisions(self) -> tuple[Decision, ...]:
        """Return the decisions on the training, which a space puts after its own."""
        return self.training.decisions() if self.training else ()

    def build(self) -> Space:
        """Make the space; raises `ValueError` for settings that do not fit together."""
        raise NotImplementedError
