"""Path-level transformations: a policy turns edges of a cell into trees of branches, whose networks begin with its weights.

The start cell is trained first. Then the policy goes through a cell: it reads the tree, as far as it has grown, and answers one
question after the other, each of which changes a node or an edge (see `branching`). Where that ends is a child. All that the
two networks have in common it inherits: an edge that became several is split so that nothing changes, and what
takes the place of an edge that did nothing is new. REINFORCE makes the answers likelier that led to good children.

Reference: Cai, Yang, Zhang, Han, Yu 2018, Path-Level Network Transformation for Efficient Architecture Search
(arXiv:1806.02639), sections 3.2 to 4.1.

Where this deviates from the paper, which trains 500 networks from one large start network of a known architecture:
    - Beside the start cell, the best `parents` trials grow too, each as likely: what the policy has found is built on, and its
      weights with it. With `parents: 0`, every child grows from the start cell, as in the paper.
    - The reward is the place among all trials (see `ranking`), and not tan(accuracy x π/2), as with so few trials one should
      not outweigh all others; and plain gradient ascent does instead of Adam, for the reasons in `policy_gradient`.
    - Which branches there are is one answer, merge and number together.
    - Trials are trained equally long; nothing is trained twice: where the policy comes to a cell that was, it goes again.
    - Where no trial can be a parent, as the start cell failed, cells grow from the start cell as before, from scratch.
"""

from bisect import insort
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.spaces.trees.tree import IDENTITY, LEAF, Branch, Tree
from archsmith.spaces.trees.tree_cell import TreeCellSpace
from archsmith.strategies.fold import Fold
from archsmith.strategies.inheritance import kept_of, may_bequeath, origin
from archsmith.strategies.inheriting.branching import Branching
from archsmith.strategies.inheriting.tree_learner import TreeLearner, TreePolicyConfig
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import Rank, first_goal, rank
from archsmith.strategies.strategy import Problem
from archsmith.values import Architecture, History, Inherits, Proposal, Trial

FIRST_CHOICES = ("conv_3x3", "sep_conv_3x3", "conv_1x1")
"""What the start cell has on its edge, where it is not given: the first of these that the space has, else its first operation."""


class PathLevelConfig(TreePolicyConfig):
    """Path-level transformations: a policy turns edges into branches, and children keep their parents' weights (Cai 2018).

    For the space `tree-cell`. It follows the first objective that has a goal, within the limits of all.
    """

    start: str | None = None
    """The cell to start from, in the space's notation: `conv_3x3`. Left out, it is a single edge with a convolution."""
    parents: Annotated[int, Field(ge=0)] = 4
    """Of how many of the best trials children grow, beside the start cell; 0 is the paper's."""

    @property
    def inherits(self) -> bool:
        """Whether children begin with their parents' weights: always."""
        return True

    def build(self, problem: Problem) -> "PathLevel":
        """Make the strategy; raises `ValueError` where the problem is none for it."""
        return PathLevel(problem, self)


class PathLevel:
    """Path-level transformations.

    Args:
        problem: What is to be solved.
        config: The settings.

    Raises:
        ValueError: The space has no trees, or no edge that does nothing; no objective has a goal; or `start` is no cell.
    """

    def __init__(self, problem: Problem, config: PathLevelConfig) -> None:
        self._problem, self._space = problem, _trees(problem)
        self._goal = first_goal(problem, "path-level")
        self._start = _start(self._space, config.start)
        self._branching = Branching(self._space.config)
        self._new = Novelty(problem)
        self._state = Fold(lambda: _State(TreeLearner(self._space.config, self._branching, config), config.parents), self._add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        state, has_begun = self._state(history), self._has_begun(history)

        def draw(already: int) -> Proposal:
            if not has_begun and already == 0:
                return self._first(rng)
            return self._child(state, rng)

        return self._new.propose(history, n, draw, rng)

    def is_start(self, architecture: Architecture) -> bool:
        """Tell whether it is the start cell; see `HasStart`."""
        return self._tree(architecture) == self._tree(self._start)

    def keeps(self, history: History) -> frozenset[str]:
        """Return the start cell, and those of the best that can grow; see `Keeps`."""
        return kept_of(self._state(history).parents)

    def _has_begun(self, history: History) -> bool:
        """Tell whether the start cell was proposed, or can't be."""
        return any(p.fidelity == self._problem.fidelity for p in history.proposals) or not self._problem.feasible(self._start)

    def _first(self, rng: np.random.Generator) -> Proposal:
        return Proposal(self._architecture(self._tree(self._start), rng), self._problem.fidelity, reason="the start cell")

    def _child(self, state: "_State", rng: np.random.Generator) -> Proposal:
        """Return what a cell grows into by the policy."""
        parents, fidelity = state.parents, self._problem.fidelity
        parent = parents[rng.integers(len(parents))] if parents else None
        tree, done = state.learner.draw(state.trees[parent.id] if parent else self._tree(self._start), rng)
        what = f"{', '.join(done) or 'nothing'}; policy after {state.learner.updates} updates"
        if parent is None:
            return Proposal(self._architecture(tree, rng), fidelity, reason=f"from scratch, from the start cell: {what}")
        return Proposal(self._architecture(tree, rng), fidelity, origin(parent), f"child of {parent.id}: {what}")

    def _architecture(self, tree: Tree, rng: np.random.Generator) -> Architecture:
        """Return the architecture of a cell; what is to be decided on the training is drawn at random."""
        return self._space.of_tree(tree, self._space.sample(rng) if self._space.config.training else None)

    def _tree(self, architecture: Architecture) -> Tree:
        return self._space.tree(architecture)

    def _add(self, state: "_State", trial: Trial) -> None:
        """Take note of a trial, and learn from it."""
        if trial.proposal.fidelity != self._problem.fidelity:
            return
        its_rank, tree = rank(trial, self._goal, self._problem.objectives), self._tree(trial.proposal.architecture)
        before = self._tree(self._start)
        if isinstance(trial.proposal.origin, Inherits):
            before = state.trees.get(trial.proposal.origin.trial, before)
        state.trees[trial.id] = tree
        state.learner.add(self._branching.retrace(before, tree) or (), its_rank)
        if may_bequeath(trial, self._goal, self._problem.objectives) and self._branching.can_grow(tree):
            state.consider(trial, its_rank, is_start=tree == self._tree(self._start))


class _State:
    """What a history comes to."""

    def __init__(self, learner: TreeLearner, n_best: int) -> None:
        self.learner = learner
        self.trees: dict[str, Tree] = {}
        """The cell of each trial."""
        self._n_best = n_best
        self._start: Trial | None = None
        self._best: list[tuple[Rank, int, Trial]] = []

    @property
    def parents(self) -> list[Trial]:
        """What may grow: the start cell first, then the best others."""
        return [*([self._start] if self._start else []), *(trial for _, _, trial in self._best)]

    def consider(self, trial: Trial, rank: Rank, *, is_start: bool) -> None:
        """Let a trial be among the parents, if it is good enough; of equals, the one proposed first."""
        if is_start:
            self._start = self._start or trial
        else:
            insort(self._best, (rank, trial.proposal.number, trial), key=lambda one: one[:2])
            del self._best[self._n_best :]


def _trees(problem: Problem) -> TreeCellSpace:
    """Return the problem's space; raises `ValueError` where its cells are no trees, or can't grow."""
    space = problem.space
    if not isinstance(space, TreeCellSpace):
        raise ValueError(
            f"The space is {space.name!r}, but `path-level` turns edges of trees into branches, which only `tree-cell` has; "
            "for others, take `hill-climbing`, or `evolution` with `inherit`."
        )
    if IDENTITY not in space.config.operations:
        raise ValueError(
            f"`operations` has no `{IDENTITY}`, but `path-level` puts one wherever a tree grows, and replaces it then; add it."
        )
    return space


def _start(space: TreeCellSpace, text: str | None) -> Architecture:
    """Return the start cell; raises `ValueError` where it is none."""
    if text is None:
        has = space.config.operations
        operation = next((name for name in FIRST_CHOICES if name in has), has[0])
        return space.of_tree(Tree((Branch(operation, LEAF),)), space.at(0))
    try:
        return space.of_tree(space.tree(space.from_text(text)), space.at(0))
    except ValueError as error:
        raise ValueError(f"`start` is no cell of the space: {error}") from None
