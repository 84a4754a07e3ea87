"""How the policy of `path-level` answers and learns: REINFORCE on all answers that led from a cell to its child.

Reference: Cai, Yang, Zhang, Han, Yu 2018, Path-Level Network Transformation for Efficient Architecture Search
(arXiv:1806.02639), sections 3.4 and 4.1; Williams 1992.

Where it deviates from the paper: see `path_level`.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.policy.tree_lstm import TreeLSTM, Trees
from archsmith.policy.tree_policy import Questions, TreePolicy
from archsmith.spaces.trees.tree import Tree
from archsmith.spaces.trees.tree_cell import TreeCellConfig
from archsmith.strategies.inheriting.branching import KINDS, Branching, Question, nodes_by_level
from archsmith.strategies.ranking import Rank, reward
from archsmith.strategies.strategy import StrategyConfig

MOST_REMEMBERED = 1000
"""Trees of which it is remembered until the next update what the policy has made of them, at some ten kilobytes each."""

NODE_KINDS = ("leaf", "chain", "add", "concat", "split-add", "split-concat")
"""The kinds of nodes that the policy tells apart; a chain is a node of one edge."""


class TreePolicyConfig(StrategyConfig):
    """Settings of the policy and its training."""

    units: Annotated[int, Field(ge=1, le=256)] = 16
    """Size of the tree-LSTM's states, each way. The paper's is 100."""
    batch: Annotated[int, Field(ge=1)] = 5
    """Trials that an update learns from. The paper's is 10."""
    learning_rate: Annotated[float, Field(gt=0)] = 1.0
    """Rate of the gradient ascent."""
    entropy: Annotated[float, Field(ge=0)] = 0.01
    """Weight of the bonus for the entropy of each answer, in nat. More explores longer."""
    baseline_decay: Annotated[float, Field(ge=0, lt=1)] = 0.8
    """How much of the baseline, a moving average of the rewards of earlier batches, stays at each update."""


class TreeLearner:
    """The policy, and what its training needs to go on.

    Args:
        space: The settings of the space.
        branching: How its cells grow.
        config: The settings of the training.
    """

    def __init__(self, space: TreeCellConfig, branching: Branching, config: TreePolicyConfig) -> None:
        self._space, self._branching, self._config = space, branching, config
        self._edges: dict[str | None, int] = {operation: k for k, operation in enumerate((None, *space.operations))}
        lstm = TreeLSTM(len(self._edges), len(NODE_KINDS), space.depth, space.branches, config.units)
        # The parameters to start from are part of the algorithm: a history must always lead to the same policy.
        self.policy = TreePolicy(lstm, branching.n_answers, np.random.default_rng(0))
        self._n_places = sum(space.branches**level for level in range(space.depth + 1))
        self.updates = 0
        """How many there were."""
        self._ranks: list[Rank] = []
        self._batch: list[tuple[Sequence[tuple[Question, int]], Rank]] = []
        self._baseline = 0.0  # the mean of all rewards
        self._remembered: dict[Tree, np.ndarray] = {}

    def draw(self, tree: Tree, rng: np.random.Generator) -> tuple[Tree, list[str]]:
        """Let a tree grow as the policy wants it; return what it becomes, and what was done in words."""
        growing, done, states = self._branching.grow(tree), list[str](), self._states(tree)
        question = next(growing, None)
        while question is not None:
            if question.tree is not tree:
                tree = question.tree
                states = self._states(tree)
            place, kind = _place(question.path, self._space.branches), KINDS.index(question.kind)
            thresholds = list(accumulate(self.policy.policy(states[place], kind)[:-1]))
            answer = bisect_right(thresholds, rng.random())
            done.append(self._branching.words(question, answer))
            try:
                question = growing.send(answer)
            except StopIteration as end:
                tree, question = end.value, None
        return tree, [words for words in done if words]

    def add(self, steps: Sequence[tuple[Question, int]], rank: Rank) -> None:
        """Take note of a trial by the answers that led to it, and learn from the batch that it may complete."""
        insort(self._ranks, rank)
        if not steps:
            return
        self._batch.append((steps, rank))
        if len(self._batch) == self._config.batch:
            self._learn([reward(r, self._ranks) for _, r in self._batch])
            self._batch = []

    def _learn(self, rewards: Sequence[float]) -> None:
        config = self._config
        advantages = np.array(rewards) - self._baseline
        self._baseline += (1 - config.baseline_decay) * float(advantages.mean())
        steps = [step for steps, _ in self._batch for step in steps]
        weights = np.repeat(advantages, [len(steps) for steps, _ in self._batch])
        answers = self.policy.answer(self._questions([question for question, _ in steps]))
        given = np.array([answer for _, answer in steps])
        gradient = self.policy.gradient(answers, given, weights, config.entropy)
        self.policy.move(config.learning_rate / len(rewards) * gradient)
        self._remembered.clear()
        self.updates += 1

    def _states(self, tree: Tree) -> np.ndarray:
        """Return what the policy has made of each place of a tree."""
        found = self._remembered.get(tree)
        if found is None:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[tree] = self.policy.states(self._encoded([tree]))[0]
        return found

    def _questions(self, questions: Sequence[Question]) -> Questions:
        """Return questions as the policy reads them."""
        # Most questions leave the tree as it is, the very same object; to compare trees would take longer than to read them.
        trees = {id(question.tree): question.tree for question in questions}
        rows = {key: row for row, key in enumerate(trees)}
        about = [(rows[id(q.tree)], _place(q.path, self._space.branches), KINDS.index(q.kind)) for q in questions]
        return Questions(self._encoded([*trees.values()]), *np.array(about).T)

    def _encoded(self, trees: Sequence[Tree]) -> Trees:
        """Return trees as the policy reads them."""
        edges, kinds = np.zeros((len(trees), self._n_places), int), np.full((len(trees), self._n_places), -1)
        for row, tree in enumerate(trees):
            for place, operation, node in nodes_by_level(tree, self._space.depth, self._space.branches):
                edges[row, place] = self._edges[operation]
                kinds[row, place] = NODE_KINDS.index(_kind(node))
        return Trees(edges, kinds)


def _kind(node: Tree) -> str:
    return node.kind if len(node.branches) > 1 else ("chain" if node.branches else "leaf")


def _place(path: Sequence[int], branches: int) -> int:
    """Return the place of a path in the fullest tree, level by level."""
    number = 0
    for k in path:
        number = number * branches + k - 1
    return number + int(sum(branches**level for level in range(len(path))))
