"""The space of cells that are trees: each node deals its input out to branches, and merges what comes out of them.

Reference: Cai, Yang, Zhang, Han, Yu 2018, Path-Level Network Transformation for Efficient Architecture Search
(arXiv:1806.02639), sections 3.3 and 4.1: trees of depth 3 at most, nodes of two or three branches, and seven operations.

Deviations: the cells stand in the stages of NAS-Bench-201, where the paper's take the place of the 3x3 convolutions of a DenseNet
or PyramidNet. Branches under `add` are summed, where the authors' program takes their mean: so a new branch that begins at
zero changes nothing. A node may also deal out channels and sum, which the paper's transformations never lead to.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal, Self, cast

from pydantic import Field, model_validator

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Inset
from archsmith.spaces.settings import CellOperation, Count, Options
from archsmith.spaces.space import SpaceConfig
from archsmith.spaces.stages import stack
from archsmith.spaces.trees.tree import ALLOCATIONS, LEAF, MERGES, Branch, Path, Tree, named, read, simplified, written
from archsmith.spaces.trees.tree_graph import tree_graph
from archsmith.values import Architecture, Choice

Operation = Literal["identity", CellOperation]
"""What can be on an edge."""

MOST_EDGES = 128
"""Edges of a cell in full; more would be thousands of features for a surrogate."""


class TreeCellConfig(SpaceConfig):
    """Cells that are trees of branches, which may be given all channels or share them, and are summed or concatenated (Cai 2018).

    Three stages of equal cells; between the stages, a residual block halves height and width and doubles the channels.
    """

    depth: Annotated[int, Field(ge=1, le=6)] = 3
    """Most edges from the input of a cell to its output."""
    branches: Annotated[int, Field(ge=2, le=8)] = 3
    """Most branches of a node."""
    operations: Options[Operation] = (
        "identity", "conv_1x1", "sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7", "max_pool_3x3", "avg_pool_3x3",
    )  # fmt: skip
    """What an edge chooses from; where an edge changes the number of channels, an identity is a 1x1 convolution."""
    cells: Annotated[int, Field(ge=1, le=100)] = 2
    """Cells of each stage, at full depth."""
    channels: Count = 32
    """Channels of the first stage, at full width; so many that each branch of the fullest tree has one, also at less width."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        edges = sum(self.branches**level for level in range(1, self.depth + 1))
        if edges > MOST_EDGES:
            raise ValueError(
                f"a tree of `depth` {self.depth} and {self.branches} `branches` has up to {edges} edges, but at most "
                f"{MOST_EDGES} are possible; take less depth or fewer branches"
            )
        if self.channels < self.least_channels:
            raise ValueError(
                f"`channels` is {self.channels}, but must be at least {self.least_channels}: where every node shares them, "
                f"there are as many branches in a tree of `depth` {self.depth} and {self.branches} `branches`"
            )
        return self

    @property
    def least_channels(self) -> int:
        """The fewest channels with which each branch has one, however often they are shared."""
        return int(self.branches**self.depth)

    def build(self) -> "TreeCellSpace":
        """Make the space."""
        return TreeCellSpace(self)


class TreeCellSpace(DecisionSpace):
    """The space of the cells that are trees.

    Its decisions, where P is the path to a node, such as `_1_2` for the second branch of the root's first one: `branches_P`, how
    many branches it has, none for a leaf; `allocation_P` and `merge_P` where it has two or more; and `op_P`, the operation on
    the edge that leads to it. The root, which has no such edge, has one branch at least.
    """

    def __init__(self, config: TreeCellConfig) -> None:
        self.config = config
        settings = config.training_decisions()
        super().__init__("tree-cell", (*_decisions(config, (), {}), *settings))
        self._settings = tuple(decision.name for decision in settings)

    def tree(self, architecture: Architecture) -> Tree:
        """Return the cell."""
        return _tree(self.assignment(architecture), ())

    def of_tree(self, tree: Tree, like: Architecture | None = None) -> Architecture:
        """Return the architecture of a cell; raises `ValueError` where it has none.

        Args:
            tree: The cell.
            like: An architecture that it is to share the settings of the training with, where these are decided too.
        """
        if tree.depth > self.config.depth:
            raise ValueError(f"The tree is {tree.depth} edges deep, but at most {self.config.depth} are possible here.")
        settings = self._settings_of(like) if like else {}
        return self.architecture({**choices_of(tree, self.config.depth), **settings})

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the one that stands for all cells that are known to compute the same; see `tree.simplified`."""
        tree = self.tree(architecture)
        simple = simplified(tree)
        return architecture if simple == tree else self.of_tree(simple, architecture)

    def to_text(self, architecture: Architecture) -> str:
        """Return the tree, as in `conv_1x1>add(identity,sep_conv_3x3)`; settings of the training follow as `decision=choice`."""
        settings = self._settings_of(architecture)
        return " ".join([written(self.tree(architecture)), *(f"{name}={choice}" for name, choice in settings.items())])

    def from_text(self, text: str) -> Architecture:
        """Read what `to_text` wrote; raises `ValueError` where it is no architecture of this space."""
        cell, *settings = text.split() or [""]
        tree = read(cell)
        if tree.depth > self.config.depth:
            raise ValueError(f"The cell {cell!r} is {tree.depth} edges deep, but at most {self.config.depth} are possible here.")
        chosen = (f"{name}={choice}" for name, choice in choices_of(tree, self.config.depth).items())
        return super().from_text(" ".join([*chosen, *settings]))

    def graph(self, architecture: Architecture) -> Graph:
        """Return the stack, and the cell as its inset."""
        nodes = tuple(stack(self.config.channels, self.config.cells))
        edges = tuple(Edge(a.id, b.id) for a, b in pairwise(nodes))
        return Graph(nodes, edges, (Inset("cell", tree_graph(self.tree(architecture))),))

    def _settings_of(self, architecture: Architecture) -> dict[str, Choice]:
        """Return what an architecture has decided on the training."""
        return {name: choice for name, choice in self.assignment(architecture).items() if name in self._settings}


def _decisions(config: TreeCellConfig, path: Path, when: dict[str, tuple[Choice, ...]]) -> Iterator[Decision]:
    """Yield the decisions of a node and of all below it, each node's before those of its branches."""
    if len(path) == config.depth:
        return
    n, most = named("branches", path), config.branches
    yield Decision(n, tuple(range(0 if path else 1, most + 1)), when, ordered=True)
    yield Decision(named("allocation", path), ALLOCATIONS, {n: tuple(range(2, most + 1))})
    yield Decision(named("merge", path), MERGES, {n: tuple(range(2, most + 1))})
    for k in range(1, most + 1):
        here: dict[str, tuple[Choice, ...]] = {n: tuple(range(k, most + 1))}
        yield Decision(named("op", (*path, k)), config.operations, here)
        yield from _decisions(config, (*path, k), here)


def _tree(chosen: dict[str, Choice], path: Path) -> Tree:
    """Return the tree at a path."""
    n = cast("int", chosen.get(named("branches", path), 0))
    ends = [(*path, k) for k in range(1, n + 1)]
    branches = tuple(Branch(str(chosen[named("op", end)]), _tree(chosen, end)) for end in ends)
    if n < 2:
        return Tree(branches) if n else LEAF
    return Tree(branches, chosen[named("allocation", path)], chosen[named("merge", path)])  # type: ignore[arg-type]


def choices_of(tree: Tree, depth: int) -> dict[str, Choice]:
    """Return the choices that a tree makes, by the decision, where trees have so many edges from root to leaf at most."""
    found: dict[str, Choice] = {}
    for path, node in tree.nodes():
        if len(path) == depth:
            continue
        found[named("branches", path)] = len(node.branches)
        if len(node.branches) > 1:
            found[named("allocation", path)], found[named("merge", path)] = node.allocation, node.merge
        found |= {named("op", (*path, k)): branch.operation for k, branch in enumerate(node.branches, start=1)}
    return found
