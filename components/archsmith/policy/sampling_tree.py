"""Draw architectures from a controller, quickly."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import accumulate, pairwise

import numpy as np

from archsmith.policy.controller import Controller
from archsmith.policy.lstm import State
from archsmith.spaces.decisions.conditions import rules_out
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice

MOST_NODES = 10_000
"""When to forget, at some ten megabytes; so many are drawn only where next to nothing is feasible."""

FORESEEN = 24
"""Likeliest beginnings to ask the controller about at the first draw: about as many as the draws until the next update meet."""


@dataclass(slots=True)
class _Node:
    """A decision that is up, after those before it."""

    step: int
    """Which decision."""
    thresholds: Sequence[float]
    """Cumulative probability of its choices but the last."""
    state: State
    """That of the controller here."""
    off: int
    """Which of the next decisions are not active; see `spaces.decisions.conditions`."""
    choices: tuple[Choice | None, ...]
    """All before it."""
    children: dict[int, "_Node | Architecture"] = field(default_factory=dict)
    """What comes after its choices, as far as that was drawn."""


class SamplingTree:
    """Draws architectures, and remembers the controller's answers for the beginnings they share.

    The more the policy prefers, the more beginnings are the same, and an architecture that was drawn already costs
    next to nothing. What is drawn does not depend on what is remembered.

    Args:
        space: Where the architectures come from.
        controller: The policy; once its parameters have changed, `forget` must be called.
    """

    def __init__(self, space: Space, controller: Controller) -> None:
        self._space = space
        self._controller = controller
        self._decisions = space.decisions
        self._rules_out = rules_out(space.decisions)
        self.forget()

    def forget(self) -> None:
        """Forget what the controller answered."""
        self._n_nodes = 0
        self._root: _Node | None = None

    def draw(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture, with one call of the generator."""
        if self._n_nodes > MOST_NODES:
            self.forget()
        self._root = self._root or self._plant()
        drawn = rng.random(len(self._decisions)).tolist()
        node: _Node | Architecture = self._root
        while isinstance(node, _Node):
            choice = bisect_right(node.thresholds, drawn[node.step])
            node = node.children.get(choice) or self._grow(node, choice)
        return node

    def _plant(self) -> _Node:
        """Return a new root, with the likeliest beginnings after it."""
        root = self._node(0, self._controller.start(), 0, ())
        ahead = _ways_on(root, 1.0, self._n_nodes)
        heapify(ahead)
        while ahead and self._n_nodes < FORESEEN:
            unlikelihood, _, choice, node = heappop(ahead)
            child = self._grow(node, choice)
            if isinstance(child, _Node):
                for way in _ways_on(child, -unlikelihood, self._n_nodes):
                    heappush(ahead, way)
        return root

    def _grow(self, node: _Node, choice: int) -> "_Node | Architecture":
        chosen = self._decisions[node.step].choices[choice]
        choices, off = (*node.choices, chosen), node.off >> 1 | self._rules_out[node.step][chosen]
        while off & 1:
            off = off >> 1 | self._rules_out[len(choices)][None]
            choices = (*choices, None)
        if len(choices) == len(self._decisions):
            child: _Node | Architecture = Architecture(self._space.name, choices)
        else:
            child = self._node(len(choices), self._controller.after(node.state, node.step, choice), off, choices)
        node.children[choice] = child
        return child

    def _node(self, step: int, state: State, off: int, choices: tuple[Choice | None, ...]) -> _Node:
        self._n_nodes += 1
        policy = self._controller.policy(state, step)
        return _Node(step, list(accumulate(policy[:-1])), state, off, choices)


def _ways_on(node: _Node, probability: float, number: int) -> list[tuple[float, int, int, _Node]]:
    """Return the choices at the node of this probability and number, for a heap: the likeliest comes first."""
    ends = pairwise((0.0, *node.thresholds, 1.0))
    return [(probability * (a - b), number, choice, node) for choice, (a, b) in enumerate(ends)]
