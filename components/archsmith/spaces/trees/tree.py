"""A tree of branches: nodes that deal their input out to branches, and merge what comes out of them.

Reference: Cai, Yang, Zhang, Han, Yu 2018, Path-Level Network Transformation for Efficient Architecture Search
(arXiv:1806.02639), section 3.3 and equation 1: N(x) = merge(N_1(E_1(z_1)), ..., N_m(E_m(z_m))), z = allocation(x), and
N(x) = x for a leaf. N_i is the tree at the end of a branch, and E_i the operation on it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

Allocation = Literal["replicate", "split"]
"""What a branch is given: all channels of the node's input, or its share of them."""
Merge = Literal["add", "concat"]
"""What becomes of the branches' outputs: their sum, or all of their channels one after the other."""

ALLOCATIONS: tuple[Allocation, ...] = get_args(Allocation)
MERGES: tuple[Merge, ...] = get_args(Merge)

IDENTITY = "identity"
"""The operation that does nothing, where the number of channels stays as it is."""

Path = tuple[int, ...]
"""Where a node is: which branch to take at each node from the root on, counted from 1."""

_GROUPS: dict[str, tuple[Allocation, Merge]] = {f"split-{m}" if a == "split" else m: (a, m) for a in ALLOCATIONS for m in MERGES}
_MARKS = "(),>"
_WORD = re.compile(r"[^(),>]+|[(),>]")
_EXAMPLE = "add(conv_1x1,sep_conv_3x3>split-concat(identity,max_pool_3x3))"


@dataclass(frozen=True, slots=True)
class Branch:
    """An edge of the tree with what follows it."""

    operation: str
    """What is on the edge."""
    tree: "Tree"
    """The node at its end."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A node with all that is below it; a leaf passes its input on."""

    branches: tuple[Branch, ...] = ()
    """Its branches; none for a leaf, and a single one is given all and merges with nothing."""
    allocation: Allocation = "replicate"
    """What each branch is given; the first kind where there are not two of them."""
    merge: Merge = "add"
    """What becomes of their outputs; the first kind where there are not two of them."""

    def __post_init__(self) -> None:
        if len(self.branches) < 2 and (self.allocation, self.merge) != ("replicate", "add"):
            raise ValueError(f"A node of {len(self.branches)} branches deals nothing out, but was given {self.kind}.")

    @property
    def kind(self) -> str:
        """How it deals out and merges, as the notation has it: `add`, `concat`, `split-add` or `split-concat`."""
        return f"split-{self.merge}" if self.allocation == "split" else self.merge

    @property
    def keeps_channels(self) -> bool:
        """Whether what goes into a branch has as many channels as what is to come out of it."""
        return len(self.branches) < 2 or (self.allocation == "split") == (self.merge == "concat")

    @property
    def depth(self) -> int:
        """Edges on the longest path down from here."""
        return max((1 + branch.tree.depth for branch in self.branches), default=0)

    def nodes(self, path: Path = ()) -> Iterator[tuple[Path, "Tree"]]:
        """Yield this node and all below it, each before those below it, with their paths."""
        yield path, self
        for k, branch in enumerate(self.branches, start=1):
            yield from branch.tree.nodes((*path, k))

    def with_branch(self, k: int, branch: Branch) -> "Tree":
        """Return the node with this in the place of its `k`th branch, from 1."""
        return replace(self, branches=(*self.branches[: k - 1], branch, *self.branches[k:]))


LEAF = Tree()


@cache
def named(what: str, path: Path) -> str:
    """Return the name of what is at a path: `op_1_2` is the operation of the second branch of the root's first one."""
    return "_".join([what, *map(str, path)])


def at(tree: Tree, path: Path) -> Tree:
    """Return the node at a path; raises `IndexError` where there is none."""
    for k in path:
        tree = tree.branches[k - 1].tree
    return tree


def put(whole: Tree, path: Path, node: Tree) -> Tree:
    """Return the tree with this node at a path."""
    if not path:
        return node
    k, *rest = path
    return whole.with_branch(k, Branch(whole.branches[k - 1].operation, put(whole.branches[k - 1].tree, tuple(rest), node)))


def takes_each_channel_by_itself(operation: str) -> bool:
    """Tell whether what comes out of a channel depends on this one alone."""
    return operation == IDENTITY or "_pool_" in operation


def shares(n: int, parts: int) -> list[int]:
    """Return how many of `n` channels each of so many branches has: as many, or one more for the first of them.

    Raises:
        ValueError: a branch would have none.
    """
    if n < parts:
        raise ValueError(f"{n} channels can't be shared by {parts} branches, as each needs one; take more channels.")
    return [n // parts + (k < n % parts) for k in range(parts)]


def written(tree: Tree) -> str:
    """Return the notation of a tree that is no leaf: `conv_1x1>add(identity,sep_conv_3x3)`.

    `>` leads on, and of several branches `add` and `concat` say how they are merged; `split-` says that the channels are
    dealt out, where else each branch is given all.
    """
    words = [branch.operation + (f">{written(branch.tree)}" if branch.tree.branches else "") for branch in tree.branches]
    return words[0] if len(words) == 1 else f"{tree.kind}({','.join(words)})"


def read(text: str) -> Tree:
    """Read what `written` wrote; raises `ValueError` where it is no tree."""
    reader = _Reader(text)
    tree = reader.tree()
    if reader.next:
        raise reader.error()
    return tree


class _Reader:
    """Reads a tree, word by word."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = _WORD.findall(text)[::-1]

    @property
    def next(self) -> str:
        """The word to be read; empty at the end."""
        return self._words[-1] if self._words else ""

    def error(self) -> ValueError:
        """Return what to raise at the word to be read."""
        where = f"goes wrong at {self.next!r}" if self.next else "ends too early"
        return ValueError(
            f"The cell is {self._text!r}, which {where}; it must be a tree of branches, two or more in brackets: {_EXAMPLE}."
        )

    def tree(self) -> Tree:
        """Read a node with its branches."""
        if self.next not in _GROUPS:
            return Tree((self._branch(),))
        kind = _GROUPS[self._words.pop()]
        self._take("(")
        branches = [self._branch()]
        while len(branches) < 2 or self.next == ",":
            self._take(",")
            branches.append(self._branch())
        self._take(")")
        return Tree(tuple(branches), *kind)

    def _branch(self) -> Branch:
        if not self.next or self.next in {*_GROUPS, *_MARKS}:
            raise self.error()
        operation, tree = self._words.pop(), LEAF
        if self.next == ">":
            self._take(">")
            tree = self.tree()
        return Branch(operation, tree)

    def _take(self, mark: str) -> None:
        if self.next != mark:
            raise self.error()
        self._words.pop()


def simplified(tree: Tree) -> Tree:
    """Return the tree that stands for all that are known to be the same network as this one.

    An edge that does nothing is left out where what follows can take its place. Channels that are dealt out to equal edges, each
    of which takes them one by one, are not dealt out. The branches that are given the same and are summed are in the order of
    their notation; any other order of branches is left as it is.
    """
    found = _simplified(tree)
    return found if found.branches else Tree((Branch(IDENTITY, LEAF),))


def _simplified(tree: Tree) -> Tree:
    branches = [Branch(branch.operation, _simplified(branch.tree)) for branch in tree.branches]
    if tree.keeps_channels:
        branches = [_joined(branch) for branch in branches]
    if tree.kind == "split-concat" and len(set(branches)) == 1 and _is_by_channel(branches[0]):
        tree, branches = Tree(tuple(branches[:1])), branches[:1]
    if len(branches) == 1 and branches[0].operation == IDENTITY:
        return branches[0].tree
    if tree.kind == "add":
        branches.sort(key=lambda branch: written(Tree((branch,))))
    return Tree(tuple(branches), tree.allocation, tree.merge)


def _is_by_channel(branch: Branch) -> bool:
    return takes_each_channel_by_itself(branch.operation) and not branch.tree.branches


def _joined(branch: Branch) -> Branch:
    """Return a branch without an identity at its beginning that a single edge follows."""
    if branch.operation == IDENTITY and len(branch.tree.branches) == 1:
        return branch.tree.branches[0]
    return branch
