"""A search space from a list of decisions: all of the `Space` protocol but the picture."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from archsmith.errors import unknown
from archsmith.spaces.decisions import Decision
from archsmith.spaces.decisions.conditions import Pick, check, rules_out, walk
from archsmith.spaces.decisions.counting import Counts
from archsmith.spaces.graph import Graph
from archsmith.values import Architecture, Choice


class DecisionSpace(ABC):
    """Base of the spaces: subclasses give the name, the decisions, and `graph`.

    Everything walks once through the decisions, in order, and knows from `conditions` which are
    active; so it takes time linear in their number.

    Args:
        name: Its name in the search file.
        decisions: Each after those that it depends on.

    Raises:
        ValueError: names are not unique, or a condition names what is not there.
    """

    def __init__(self, name: str, decisions: Sequence[Decision]) -> None:
        check(decisions)
        self.name = name
        self.decisions: Sequence[Decision] = tuple(decisions)
        self._place = {d.name: k for k, d in enumerate(self.decisions)}
        self._rules_out = rules_out(self.decisions)
        self._offset = np.cumsum([0, *(len(d.choices) for d in self.decisions)]).tolist()

    @abstractmethod
    def graph(self, architecture: Architecture) -> Graph:
        """Return nodes and edges, for pictures."""

    @cached_property
    def _features(self) -> Sequence[Mapping[Choice, Sequence[float]]]:
        """What stands for each choice of each decision in a vector for surrogates."""
        return [dict(zip(d.choices, _codes(d).tolist(), strict=True)) for d in self.decisions]

    @cached_property
    def _counts(self) -> Counts:
        return Counts(self.decisions, self._rules_out)

    def size(self) -> int:
        """Return how many architectures there are, exactly."""
        return self._counts.total

    def enumerate(self) -> Iterator[Architecture]:
        """Yield every architecture once; earlier decisions vary more slowly."""
        unfinished: list[tuple[int, tuple[Choice | None, ...]]] = [(0, ())]
        while unfinished:
            off, choices = unfinished.pop()
            if len(choices) == len(self.decisions):
                yield Architecture(self.name, choices)
                continue
            masks = self._rules_out[len(choices)]
            options = (None,) if off & 1 else self.decisions[len(choices)].choices[::-1]
            unfinished.extend((off >> 1 | masks[choice], (*choices, choice)) for choice in options)

    def at(self, index: int) -> Architecture:
        """Return the architecture at this place of the enumeration, without listing those before it."""
        if not 0 <= index < self.size():
            raise IndexError(f"The index is {index}, but must be from 0 to {self.size() - 1} in the space {self.name!r}.")
        return Architecture(self.name, self._counts.at(index))

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture: decision by decision, each uniform among its choices."""
        return self._walk(self._uniform(rng))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Return a different architecture that changes one active decision (and those that this makes active).

        The decision is uniform among the active ones that have another choice, the choice uniform among
        the others; decisions that become active are sampled, and those that stay active keep their choice.

        Raises:
            ValueError: the space has one architecture only.
        """
        old = architecture.choices
        free = [k for k, d in enumerate(self.decisions) if old[k] is not None and len(d.choices) > 1]
        if not free:
            raise ValueError(
                f"The space {self.name!r} has one architecture only, so it can't be mutated; give a decision two choices."
            )
        changed = free[rng.integers(len(free))]
        others = [c for c in self.decisions[changed].choices if c != old[changed]]
        new = others[rng.integers(len(others))]
        return self._walk(_changing(old, changed, new, self._uniform(rng)))

    def crossover(self, a: Architecture, b: Architecture, rng: np.random.Generator) -> Architecture:
        """Return an architecture that takes each active decision from either parent, with even odds.

        Where it is active in one parent only, it is taken from that one; where in neither, it is sampled.
        """
        from_a, sampled = (rng.random(len(self.decisions)) < 0.5).tolist(), self._uniform(rng)

        def pick(k: int, decision: Decision) -> Choice:
            first, second = (a, b) if from_a[k] else (b, a)
            choice = first.choices[k] if first.choices[k] is not None else second.choices[k]
            return sampled(k, decision) if choice is None else choice

        return self._walk(pick)

    def neighbors(self, architecture: Architecture) -> Iterator[Architecture]:
        """Yield every architecture that differs in one active decision (newly active ones at their first choice)."""
        old = architecture.choices
        for k, decision in enumerate(self.decisions):
            for choice in decision.choices if old[k] is not None else ():
                if choice != old[k]:
                    yield self._walk(_changing(old, k, choice, lambda _, d: d.choices[0]))

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the architecture itself; a space that can tell equal networks apart from different ones says more."""
        return architecture

    def to_text(self, architecture: Architecture) -> str:
        """Return the architecture in a line: `decision=choice`, for each active decision."""
        return " ".join(f"{name}={choice}" for name, choice in self.assignment(architecture).items())

    def from_text(self, text: str) -> Architecture:
        """Read what `to_text` wrote; raises `ValueError` where it is no architecture of this space."""
        assignment: dict[str, Choice] = {}
        for word in text.split():
            name, equals, choice = word.partition("=")
            if not equals:
                first = self.decisions[0]
                raise ValueError(f"{word!r} is not of the form `decision=choice`, as in `{first.name}={first.choices[0]}`.")
            if name not in self._place:
                raise ValueError(f"{unknown('decision', name, self._place)} This is the space {self.name!r}.")
            if name in assignment:
                raise ValueError(f"`{name}` is given twice; keep one of them.")
            assignment[name] = self.decisions[self._place[name]].read(choice)
        return self.architecture(assignment)

    def features(self, architecture: Architecture) -> np.ndarray:
        """Return a vector for surrogates: (n_features,), float64; all zeros for an inactive decision.

        A decision is one-hot; one with an order has as many ones from its beginning as its choice has places, so that
        choices differ in as many values as there are steps between them.
        """
        vector = np.zeros(self._offset[-1])
        for choice, codes, start in zip(architecture.choices, self._features, self._offset, strict=False):
            if choice is not None:
                code = codes[choice]
                vector[start : start + len(code)] = code
        return vector

    def active(self, choices: Sequence[Choice | None]) -> tuple[bool, ...]:
        """Tell of each decision whether it is active under these choices; choices of inactive ones do not count."""
        off, found = 0, list[bool]()
        for choice, masks in zip(choices, self._rules_out, strict=True):
            found.append(not off & 1)
            off = off >> 1 | masks[choice if found[-1] else None]
        return tuple(found)

    def assignment(self, architecture: Architecture) -> dict[str, Choice]:
        """Return the choice of each active decision, by name."""
        pairs = zip(self.decisions, architecture.choices, strict=True)
        return {decision.name: choice for decision, choice in pairs if choice is not None}

    def architecture(self, assignment: Mapping[str, Choice]) -> Architecture:
        """Return the architecture with these choices for its active decisions: the inverse of `assignment`.

        Raises:
            ValueError: a decision is unknown, missing, or given though it is not active, or a choice is none of its.
        """
        for name in assignment:
            if name not in self._place:
                raise ValueError(f"{unknown('decision', name, self._place)} This is the space {self.name!r}.")
        architecture = self._walk(lambda _, decision: _given(decision, assignment))
        active = self.assignment(architecture)
        for name in assignment:
            if name not in active:
                when = self.decisions[self._place[name]].condition
                raise ValueError(f"`{name}` is {assignment[name]!r}, but is active only if {when}; leave it out here.")
        return architecture

    def validate(self, architecture: Architecture) -> None:
        """Check that an architecture is one of this space and canonical.

        Raises:
            ValueError: it is of another space, or its choices are not what the decisions want.
        """
        if architecture.space != self.name:
            raise ValueError(f"The architecture is of the space {architecture.space!r}, but this is {self.name!r}.")
        n, given = len(self.decisions), len(architecture.choices)
        if given != n:
            raise ValueError(f"The architecture has {given} choices, but {self.name!r} has {n} decisions.")
        self.architecture(self.assignment(architecture))

    def _walk(self, pick: Pick) -> Architecture:
        """Make an architecture, asking `pick` for each decision that is active."""
        return Architecture(self.name, walk(self.decisions, self._rules_out, pick))

    def _uniform(self, rng: np.random.Generator) -> Pick:
        """Return a pick that is uniform among the choices, from one call of the generator."""
        drawn = rng.random(len(self.decisions)).tolist()
        return lambda k, decision: decision.choices[int(drawn[k] * len(decision.choices))]


def _changing(old: Sequence[Choice | None], changed: int, new: Choice, fresh: Pick) -> Pick:
    """Return a pick that changes one decision, keeps the others, and asks `fresh` for those newly active."""

    def pick(k: int, decision: Decision) -> Choice:
        choice = new if k == changed else old[k]
        return fresh(k, decision) if choice is None else choice

    return pick


def _codes(decision: Decision) -> np.ndarray:
    """Return a row a choice, (n_choices, n_choices): which of all it is, or up to which place of the order it comes."""
    n = len(decision.choices)
    return np.tri(n)[list(decision.ranks)] if decision.ordered else np.eye(n)


def _given(decision: Decision, assignment: Mapping[str, Choice]) -> Choice:
    """Return what the assignment gives to an active decision."""
    if decision.name not in assignment:
        raise ValueError(f"`{decision.name}` is missing, but is active here; give it one of: {decision.valid}.")
    return decision.choice(assignment[decision.name])
