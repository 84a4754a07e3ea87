"""The interface of a search space."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Graph
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

    def features(self, architecture: Architecture) -> np.ndarray:
        """Return a vector for surrogates: (n_features,), float64; one-hot, all zeros for an inactive decision."""
        ...

    def graph(self, architecture: Architecture) -> Graph:
        """Return nodes and edges, for pictures."""
        ...


class SpaceConfig(Config):
    """Base of a space's settings in the search file; its docstring's first line is its description."""

    def build(self) -> Space:
        """Make the space; raises `ValueError` for settings that do not fit together."""
        raise NotImplementedError
