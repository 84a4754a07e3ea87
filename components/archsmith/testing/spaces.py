"""The suite that every search space passes, and a space of any decisions to test with.

Its oracles read the decisions' conditions afresh and list architectures by brute force.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice

SMALL = 20_000
"""Spaces up to this size are compared with brute force."""


class PlainSpace(DecisionSpace):
    """A space that is nothing but its decisions: its networks are an input and an output."""

    def graph(self, architecture: Architecture) -> Graph:
        """Return an input and an output."""
        nodes = (Node("input", "image", "input"), Node("output", architecture.id, "output"))
        return Graph(nodes, (Edge("input", "output"),))


def is_active(decision: Decision, chosen: Mapping[str, Choice]) -> bool:
    """Tell whether a decision is active, given the choices of all active ones before it."""
    wanted = all(name in chosen and chosen[name] in allowed for name, allowed in decision.when.items())
    return wanted and not any(name in chosen and chosen[name] not in allowed for name, allowed in decision.if_active.items())


def brute_force(space: Space) -> Iterator[Architecture]:
    """Yield every architecture, from the decisions' conditions alone."""
    for chosen in _assignments(space.decisions, {}):
        yield Architecture(space.name, tuple(chosen.get(d.name) for d in space.decisions))


def _assignments(decisions: Sequence[Decision], chosen: dict[str, Choice]) -> Iterator[dict[str, Choice]]:
    """Yield every way to go on from the choices made so far."""
    if not decisions:
        yield chosen
    elif not is_active(decisions[0], chosen):
        yield from _assignments(decisions[1:], chosen)
    else:
        for choice in decisions[0].choices:
            yield from _assignments(decisions[1:], {**chosen, decisions[0].name: choice})


def _told(decision: Decision, chosen: Choice | None) -> list[float]:
    """Return what features say of a decision: which of its choices is taken, or from how many on it is not reached."""
    if chosen is None:
        return [0.0] * len(decision.choices)
    if not decision.ordered:
        return [float(choice == chosen) for choice in decision.choices]
    rank = decision.ranks[decision.choices.index(chosen)]
    return [float(place <= rank) for place in range(len(decision.choices))]


def assert_canonical(space: Space, architecture: Architecture) -> None:
    """Check that an architecture is of the space, and that it has choices for its active decisions only."""
    assert architecture.space == space.name
    chosen: dict[str, Choice] = {}
    for decision, choice in zip(space.decisions, architecture.choices, strict=True):
        if not is_active(decision, chosen):
            assert choice is None, f"{decision.name} is not active, but has the choice {choice!r}"
        else:
            assert choice in decision.choices
            assert type(choice) in {type(c) for c in decision.choices}
            chosen[decision.name] = choice


def _kept(space: Space, parent: Architecture, changed: int, choice: Choice) -> Architecture:
    """Return the neighbour with this choice for one decision: others stay, and new ones take their first choice."""
    chosen: dict[str, Choice] = {}
    for k, decision in enumerate(space.decisions):
        if is_active(decision, chosen):
            old = choice if k == changed else parent.choices[k]
            chosen[decision.name] = decision.choices[0] if old is None else old
    return Architecture(space.name, tuple(chosen.get(d.name) for d in space.decisions))


def _reached(start: str, edges: Sequence[tuple[str, str]]) -> set[str]:
    """Return the nodes that edges lead to from `start`; the edges are sorted along the way."""
    reached = {start}
    for source, target in edges:
        if source in reached:
            reached.add(target)
    return reached


class SpaceConformance:
    """Every space passes it: subclass it and give the fixture `space`, of two or more architectures."""

    @pytest.fixture
    def space(self) -> Space:
        raise NotImplementedError

    @pytest.fixture
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(0)

    @pytest.fixture
    def sampled(self, space: Space, rng: np.random.Generator) -> list[Architecture]:
        return [space.sample(rng) for _ in range(100)]

    def test_each_decision_has_its_own_name_and_depends_on_earlier_ones_only(self, space: Space) -> None:
        earlier: set[str] = set()
        for decision in space.decisions:
            assert decision.name not in earlier
            assert {*decision.when, *decision.if_active} <= earlier
            earlier.add(decision.name)

    def test_the_same_seed_gives_the_same_architectures(self, space: Space) -> None:
        def walk(rng: np.random.Generator) -> list[Architecture]:
            a, b = space.sample(rng), space.sample(rng)
            return [a, b, space.mutate(a, rng), space.crossover(a, b, rng)]

        assert [walk(np.random.default_rng(s)) for s in range(20)] == [walk(np.random.default_rng(s)) for s in range(20)]

    def test_what_is_sampled_is_canonical(self, space: Space, sampled: list[Architecture]) -> None:
        for architecture in sampled:
            assert_canonical(space, architecture)

    def test_an_architecture_goes_to_json_and_back(self, sampled: list[Architecture]) -> None:
        for architecture in sampled:
            back = Architecture.from_dict(json.loads(json.dumps(architecture.to_dict())))
            assert back == architecture
            assert back.id == architecture.id

    def test_different_architectures_have_different_ids(self, sampled: list[Architecture]) -> None:
        assert len({a.id for a in sampled}) == len(set(sampled))

    def test_size_and_enumeration_are_those_of_brute_force(self, space: Space) -> None:
        if space.size() > SMALL:
            pytest.skip(f"{space.size()} architectures are too many to list")
        listed, expected = list(space.enumerate()), list(brute_force(space))
        assert space.size() == len(listed) == len(expected)
        assert set(listed) == set(expected)

    def test_enumeration_is_lazy_and_has_no_duplicates(self, space: Space) -> None:
        first = [a for a, _ in zip(space.enumerate(), range(200), strict=False)]
        assert len(set(first)) == min(200, space.size())
        for architecture in first:
            assert_canonical(space, architecture)

    def test_an_index_gives_the_architecture_at_that_place_of_the_enumeration(self, space: Space) -> None:
        first = [a for a, _ in zip(space.enumerate(), range(200), strict=False)]
        assert [space.at(k) for k in range(len(first))] == first
        assert_canonical(space, space.at(space.size() - 1))
        for beyond in (-1, space.size()):
            with pytest.raises(IndexError, match="must be from 0 to"):
                space.at(beyond)

    def test_a_mutation_changes_one_active_decision_and_keeps_the_others(
        self, space: Space, sampled: list[Architecture], rng: np.random.Generator
    ) -> None:
        for parent in sampled:
            child = space.mutate(parent, rng)
            assert_canonical(space, child)
            pairs = zip(parent.choices, child.choices, strict=True)
            assert sum(a != b for a, b in pairs if a is not None and b is not None) == 1

    def test_mutations_reach_every_other_choice_of_every_active_decision(self, space: Space, sampled: list[Architecture]) -> None:
        parent, rng = sampled[0], np.random.default_rng(1)
        wanted = {(k, c) for k, d in enumerate(space.decisions) for c in d.choices if parent.choices[k] not in (None, c)}
        for _ in range(100 * len(wanted)):
            child = space.mutate(parent, rng)
            wanted -= set(enumerate(child.choices))
        assert not wanted

    def test_neighbors_are_those_of_brute_force(self, space: Space, sampled: list[Architecture]) -> None:
        for parent in sampled[:20]:
            active = [(k, d) for k, d in enumerate(space.decisions) if parent.choices[k] is not None]
            expected = [_kept(space, parent, k, c) for k, d in active for c in d.choices if c != parent.choices[k]]
            neighbors = list(space.neighbors(parent))
            assert len(neighbors) == len(set(neighbors)) == len(expected)
            assert set(neighbors) == set(expected)

    def test_a_crossover_takes_each_choice_from_a_parent_that_has_one(
        self, space: Space, sampled: list[Architecture], rng: np.random.Generator
    ) -> None:
        for a, b in zip(sampled, sampled[::-1], strict=True):
            child = space.crossover(a, b, rng)
            assert_canonical(space, child)
            for choice, *genes in zip(child.choices, a.choices, b.choices, strict=True):
                assert choice is None or genes == [None, None] or choice in genes

    def test_a_crossover_of_an_architecture_with_itself_is_itself(
        self, space: Space, sampled: list[Architecture], rng: np.random.Generator
    ) -> None:
        assert [space.crossover(a, a, rng) for a in sampled] == sampled

    def test_crossovers_take_from_either_parent(
        self, space: Space, sampled: list[Architecture], rng: np.random.Generator
    ) -> None:
        a = sampled[0]
        b = next(other for other in sampled if other != a)
        # The first decision that differs is active in both, as nothing before it can rule it out in one.
        k = next(k for k, (x, y) in enumerate(zip(a.choices, b.choices, strict=True)) if x != y)
        assert {space.crossover(a, b, rng).choices[k] for _ in range(100)} == {a.choices[k], b.choices[k]}

    def test_features_begin_with_the_choices_one_hot_or_in_their_order_and_tell_architectures_apart(
        self, space: Space, sampled: list[Architecture]
    ) -> None:
        n_choices = sum(len(d.choices) for d in space.decisions)
        vectors = [space.features(a) for a in sampled]
        assert len({v.shape for v in vectors}) == 1
        for architecture, vector in zip(sampled, vectors, strict=True):
            begin = [
                value
                for choice, decision in zip(architecture.choices, space.decisions, strict=True)
                for value in _told(decision, choice)
            ]
            assert vector[:n_choices].tolist() == begin
            assert vector.dtype == np.float64
            assert vector.min() >= 0
            assert vector.max() <= 1
        assert len({v.tobytes() for v in vectors}) == len(set(sampled))

    def test_the_notation_is_one_line_and_is_read_back(self, space: Space, sampled: list[Architecture]) -> None:
        for architecture in sampled:
            text = space.to_text(architecture)
            assert len(text.splitlines()) == 1
            assert space.from_text(text) == architecture

    def test_what_is_no_architecture_is_refused(self, space: Space) -> None:
        for text in ("", "nonsense", "|nonsense~0|", "Genotype()"):
            with pytest.raises(ValueError, match=r"\S"):
                space.from_text(text)

    def test_one_architecture_stands_for_all_that_are_the_same_network(self, space: Space, sampled: list[Architecture]) -> None:
        for architecture in sampled:
            canonical = space.canonical(architecture)
            assert_canonical(space, canonical)
            assert space.canonical(canonical) == canonical

    def test_a_graph_leads_from_an_input_over_every_node_to_an_output(self, space: Space, sampled: list[Architecture]) -> None:
        for architecture in sampled:
            graph = space.graph(architecture)
            place = {node.id: k for k, node in enumerate(graph.nodes)}
            edges = sorted(((e.source, e.target) for e in graph.edges), key=lambda e: place[e[0]])
            assert all(place[source] < place[target] for source, target in edges)
            (start,), (end,) = ([n.id for n in graph.nodes if n.kind == kind] for kind in ("input", "output"))
            assert _reached(start, edges) == set(place)
            backwards = [(target, source) for source, target in sorted(edges, key=lambda e: -place[e[1]])]
            assert _reached(end, backwards) == set(place)
