"""What the policy of `eas` sees of a chain network, and the steps that it may take from there.

Each step is an exact morphism, or several that do not disturb each other: a layer is inserted, or layers get their next number
of filters or units. Which layers can is what `archsmith.spaces.morphing` says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from archsmith.policy.controller import SKIPPED
from archsmith.policy.moves import Move, Situation
from archsmith.spaces.chain import ChainSpace
from archsmith.spaces.morphing import morphisms
from archsmith.values import Architecture, Choice

POOL = "global pool"
"""The token between the convolutions and the dense layers."""
WIDTHS = ("filters", "units")
"""What is widened."""
KINDS = ("op", "filters", "kernel", "pool", "stride")
"""What a layer is: the decisions on it, without its number."""
DENSE = ("units",)
"""What a dense layer is."""
ADDED = ("op", "filters", "kernel", "units")
"""What the deeper actor decides on of a new layer; the rest follows, as the layer changes nothing."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """A network, and what can become of it in a step."""

    situation: Situation
    """As the policy sees it."""
    wider: tuple[tuple[int, int, Choice], ...]
    """Layers with a next level: the token's place, the decision's place, and its choice there."""
    deeper: Mapping[tuple[int, ...], Architecture]
    """Where each of the situation's additions leads."""


class Growth:
    """Translates between chain networks and what the policy sees and does.

    Args:
        space: Where the networks come from.
    """

    def __init__(self, space: ChainSpace) -> None:
        self._space, self._names = space, [d.name for d in space.decisions]
        self._kinds = [name.rpartition("_")[0] for name in self._names]
        self._layers, self._dense = self._columns(KINDS), self._columns(DENSE)
        choices = {kind: d.choices for kind, d in zip(self._kinds, space.decisions, strict=True) if kind in (*KINDS, *DENSE)}
        words: list[tuple[str, Choice]] = [(POOL, True), *((kind, c) for kind, of in choices.items() for c in of)]
        self._word = {word: k for k, word in enumerate(words)}
        self._place = {(kind, c): k for kind, of in choices.items() for k, c in enumerate(of)}
        self.n_features = len(words)
        """Of a token."""
        self.n_choices = (len(self._layers) + len(self._dense), *(len(choices.get(kind, (None,))) for kind in ADDED))
        """Choices of the deeper actor's decisions: which layer the new one becomes, and what it is."""
        # A cache and no memory: what it holds depends on the architecture alone.
        self.prospect = lru_cache(maxsize=4096)(self._prospect)

    def _columns(self, kinds: Sequence[str]) -> list[list[int]]:
        """Return the places of each layer's decisions, those of the first layer first."""
        found: dict[int, list[int]] = {}
        for k, (kind, name) in enumerate(zip(self._kinds, self._names, strict=True)):
            if kind in kinds:
                found.setdefault(int(name.removeprefix(f"{kind}_")), []).append(k)
        return [found[i] for i in sorted(found)]

    def child(self, architecture: Architecture, move: Move) -> Architecture:
        """Return where a move leads."""
        prospect = self.prospect(architecture)
        if move.added is not None:
            return prospect.deeper[tuple(move.added.tolist())]
        assert move.widened is not None
        choices = list(architecture.choices)
        for token, k, choice in prospect.wider:
            if move.widened[token]:
                choices[k] = choice
        return Architecture(architecture.space, tuple(choices))

    def words(self, architecture: Architecture, move: Move) -> str:
        """Say what a move does: `filters_1 16 → 32, units_1 32 → 64`, or `conv 3x3 as layer 2`."""
        if move.widened is not None:
            levels = ((k, choice) for token, k, choice in self.prospect(architecture).wider if move.widened[token])
            return ", ".join(f"{self._names[k]} {architecture.choices[k]} → {choice}" for k, choice in levels)
        assert move.added is not None
        new, i = self._space.assignment(self.child(architecture, move)), int(move.added[0]) + 1
        if (j := i - len(self._layers)) > 0:
            return f"dense {new[f'units_{j}']} as dense layer {j}"
        return f"{new[f'op_{i}']} {new[f'kernel_{i}']}x{new[f'kernel_{i}']} as layer {i}"

    def small(self, rng: np.random.Generator) -> Architecture:
        """Draw a network with the fewest layers, of the least width, and all else at random."""
        drawn, least = self._space.sample(rng), {"layers": len(self._layers), "dense": len(self._dense)}
        for decision in self._space.decisions:
            if decision.name in least:
                least[decision.name] = min(map(int, decision.choices))
        gone = {k for columns in (*self._layers[least["layers"] :], *self._dense[least["dense"] :]) for k in columns}
        found: dict[str, Choice] = {}
        for k, (decision, choice) in enumerate(zip(self._space.decisions, drawn.choices, strict=True)):
            if choice is not None and k not in gone:
                found[decision.name] = min(decision.choices) if self._kinds[k] in WIDTHS else choice
        return self._space.architecture({**found, **least})

    def single(self, architecture: Architecture) -> Iterator[Architecture]:
        """Yield where the smallest moves lead: one new layer, or one that is wider."""
        prospect = self.prospect(architecture)
        yield from prospect.deeper.values()
        places = np.arange(len(prospect.situation.tokens))
        yield from (self.child(architecture, Move(widened=places == token)) for token, *_ in prospect.wider)

    def move(self, parent: Architecture, child: Architecture) -> Move | None:
        """Return the move that leads from one to the other, perhaps one that widens nothing; None where none does."""
        prospect = self.prospect(parent)
        added = next((key for key, leads_to in prospect.deeper.items() if leads_to == child), None)
        if added is not None:
            return Move(added=np.array(added))
        widened = np.zeros(len(prospect.situation.tokens), bool)
        for token, k, choice in prospect.wider:
            widened[token] = child.choices[k] == choice
        move = Move(widened=widened)
        return move if self.child(parent, move) == child else None

    def _prospect(self, architecture: Architecture) -> Prospect:
        old, levels, deeper = _chosen(architecture), dict[int, Choice](), dict[tuple[int, ...], Architecture]()
        for morphism in morphisms(self._space, architecture):
            if morphism.operation == "widen":
                new = _chosen(morphism.architecture)
                k = next(k for k in new if new[k] != old[k])
                levels[k] = min(levels.get(k, new[k]), new[k])
            elif morphism.operation == "deepen":
                deeper.setdefault(self._addition(architecture, morphism.architecture), morphism.architecture)
        layers, dense = self._columns_of(architecture)
        tokens = [*layers, [], *dense]
        wider = tuple((next(i for i, token in enumerate(tokens) if k in token), k, choice) for k, choice in levels.items())
        may_widen = np.isin(np.arange(len(tokens)), [i for i, *_ in wider])
        additions = np.array(list(deeper), int).reshape(len(deeper), len(self.n_choices))
        return Prospect(Situation(self._features(tokens, architecture), may_widen, additions), wider, deeper)

    def _columns_of(self, architecture: Architecture) -> tuple[list[list[int]], list[list[int]]]:
        """Return the places of the decisions of the layers that a network has, and of its dense layers."""
        chosen = _chosen(architecture)
        n_layers, n_dense = (int(chosen[self._names.index(name)]) for name in ("layers", "dense"))
        return self._layers[:n_layers], self._dense[:n_dense]

    def _features(self, tokens: Sequence[Sequence[int]], architecture: Architecture) -> np.ndarray:
        """Return 1 for what each layer is, else 0: (L, n_features)."""
        features, chosen = np.zeros((len(tokens), self.n_features)), _chosen(architecture)
        for row, token in zip(features, tokens, strict=True):
            words = [(self._kinds[k], chosen[k]) for k in token if k in chosen] or [(POOL, True)]
            row[[self._word[word] for word in words]] = 1
        return features

    def _addition(self, old: Architecture, new: Architecture) -> tuple[int, ...]:
        """Return what the deeper actor chooses to come from one to the other; beside an equal layer, the new one is the later."""
        (fewer, _), (layers, dense) = self._columns_of(old), self._columns_of(new)
        columns = dense if len(fewer) == len(layers) else layers
        before, after = ([tuple(a.choices[k] for k in layer) for layer in columns] for a in (old, new))
        i = next(i for i in reversed(range(len(after))) if after[:i] + after[i + 1 :] == before[:-1])
        chosen = _chosen(new)
        places = {self._kinds[k]: self._place[self._kinds[k], chosen[k]] for k in columns[i] if k in chosen}
        return (i + len(self._layers) * (columns is dense), *(places.get(kind, SKIPPED) for kind in ADDED))


def _chosen(architecture: Architecture) -> dict[int, Choice]:
    """Return the choices of the active decisions, by their places."""
    return {k: choice for k, choice in enumerate(architecture.choices) if choice is not None}
