"""How a cell that is a tree grows: which questions are asked about it, one after the other, and what the answers do to it.

Reference: Cai, Yang, Zhang, Han, Yu 2018, Path-Level Network Transformation for Efficient Architecture Search
(arXiv:1806.02639), sections 3.2 and 3.4. About a node with a single edge to a leaf: whether it gets several branches with the
same operation, how many, and how they are merged. About an edge that does nothing: which operation takes its place. About a
leaf: whether an edge that does nothing follows it. The order is that of the authors' program: into the depth.

As there, what is concatenated is dealt out where the operation takes each channel by itself, and else the filters are: both
keep what the network computes, as far as shares of what is added do.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from archsmith.spaces.trees.tree import IDENTITY, LEAF, Branch, Merge, Path, Tree, at, named, put, takes_each_channel_by_itself
from archsmith.spaces.trees.tree_cell import TreeCellConfig

Kind = Literal["branch", "operation", "insert"]
"""What a question is about."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be decided about a tree."""

    kind: Kind
    """What about."""
    tree: Tree
    """As it has become so far."""
    path: Path
    """The node that it is about; of an edge, that at its end."""


Growing = Generator[Question, int, Tree]
"""Asks questions, takes the number of the answer to each, and returns the tree that it all comes to."""


class Branching:
    """The growth of the cells of a space.

    Args:
        config: The space's settings; its operations must have one that does nothing.
    """

    def __init__(self, config: TreeCellConfig) -> None:
        self._depth = config.depth
        self._operations = config.operations
        several = range(2, config.branches + 1)
        self._merges: list[tuple[Merge, int]] = [("add", 1), *(("add", n) for n in several), *(("concat", n) for n in several)]
        self.n_answers = (len(self._merges), len(config.operations), 2)
        """How many answers each of `KINDS` has."""

    def grow(self, tree: Tree) -> Growing:
        """Ask all there is to ask about a tree."""
        tree = yield from self._node(tree, ())
        return tree

    def can_grow(self, tree: Tree) -> bool:
        """Tell whether there is anything to ask about a tree."""
        return next(self.grow(tree), None) is not None

    def retrace(self, tree: Tree, grown: Tree) -> list[tuple[Question, int]] | None:
        """Return the questions and answers that lead from one tree to another; None where none do."""
        growing, found = self.grow(tree), list[tuple[Question, int]]()
        try:
            question = next(growing)
            while True:
                answer = self._answer(question, grown)
                if answer is None:
                    return None
                found.append((question, answer))
                question = growing.send(answer)
        except StopIteration as end:
            return found if end.value == grown else None

    def words(self, question: Question, answer: int) -> str:
        """Say what an answer does; nothing where it changes nothing."""
        if question.kind == "branch" and answer:
            merge, n = self._merges[answer]
            return f"{named('branches', question.path)} {n} by {merge}"
        if question.kind == "operation" and self._operations[answer] != IDENTITY:
            return f"{named('op', question.path)} {self._operations[answer]}"
        return ""

    def _node(self, whole: Tree, path: Path) -> Growing:
        """Ask about a node, then about each of its edges, then about what follows each."""
        if _leads_to_one_leaf(at(whole, path)):
            answer = yield Question("branch", whole, path)
            whole = put(whole, path, _branched(at(whole, path).branches[0].operation, *self._merges[answer]))
        ends = [(*path, k) for k in range(1, len(at(whole, path).branches) + 1)]
        for end in ends:
            if _edge(whole, end).operation == IDENTITY:
                answer = yield Question("operation", whole, end)
                whole = _renamed(whole, end, self._operations[answer])
        for end in ends:
            if len(end) == self._depth:
                continue
            if not at(whole, end).branches:
                if not (yield Question("insert", whole, end)):
                    continue
                whole = put(whole, end, Tree((Branch(IDENTITY, LEAF),)))
            whole = yield from self._node(whole, end)
        return whole

    def _answer(self, question: Question, grown: Tree) -> int | None:
        """Return the answer that a grown tree gives; None where it has no such place, or there is no such answer."""
        try:
            node = at(grown, question.path)
        except IndexError:
            return None
        if question.kind == "insert":
            return int(bool(node.branches))
        if question.kind == "operation":
            return self._operations.index(_edge(grown, question.path).operation)
        return self._merges.index((node.merge, len(node.branches))) if node.branches else None


def _edge(tree: Tree, end: Path) -> Branch:
    """Return the edge that leads to a node."""
    return at(tree, end[:-1]).branches[end[-1] - 1]


def _renamed(whole: Tree, end: Path, operation: str) -> Tree:
    """Return the tree with this operation on the edge that leads to a node."""
    *path, k = end
    node = at(whole, tuple(path))
    return put(whole, tuple(path), node.with_branch(k, Branch(operation, node.branches[k - 1].tree)))


def _leads_to_one_leaf(node: Tree) -> bool:
    return len(node.branches) == 1 and not node.branches[0].tree.branches


def _branched(operation: str, merge: Merge, n: int) -> Tree:
    """Return a node of so many edges to leaves, all of one operation."""
    deals_out = merge == "concat" and takes_each_channel_by_itself(operation)
    return Tree((Branch(operation, LEAF),) * n, "split" if deals_out else "replicate", merge)


def nodes_by_level(tree: Tree, depth: int, branches: int) -> Iterator[tuple[int, str | None, Tree]]:
    """Yield the place of each node in the fullest tree, level by level, with the operation that leads to it, and the node."""
    start = [(branches**level - 1) // (branches - 1) for level in range(depth + 1)]
    yield 0, None, tree
    ahead: list[tuple[int, int, Tree]] = [(0, 0, tree)]
    for level, number, node in ahead:
        for k, branch in enumerate(node.branches):
            below = number * branches + k
            ahead.append((level + 1, below, branch.tree))
            yield start[level + 1] + below, branch.operation, branch.tree
