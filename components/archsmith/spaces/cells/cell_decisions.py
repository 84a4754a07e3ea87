"""The decisions of one cell: of the cell space, and of every space whose networks have cells in them.

Reference: Zoph, Vasudevan, Shlens, Le 2018, Learning Transferable Architectures for Scalable Image Recognition
(arXiv:1707.07012), section 3 and figure 3; Liu, Simonyan, Yang 2019, DARTS (arXiv:1806.09055), section 2.1 and
section 3.1. A node takes two states, applies an operation to each, and adds up the results.

The papers differ, and so do the defaults: the two inputs of a node differ in DARTS and may be one in Zoph 2018;
all nodes are concatenated in DARTS, those that no other one takes in Zoph 2018. There, and not here, an input of the
cell that no node takes is concatenated too, and a node may join its two by concatenation.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from archsmith.errors import unknown
from archsmith.spaces.cells.genotype import INPUTS, CellGenotype, Pair, loose_ends
from archsmith.spaces.decisions import Decision
from archsmith.spaces.settings import CellOperation, Options
from archsmith.spaces.space import SpaceConfig
from archsmith.values import Choice

Operation = Literal["skip_connect", CellOperation]
"""What a node can apply to a state."""

OPERATION_SETS: Mapping[str, tuple[Operation, ...]] = {
    "darts": (
        "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
    ),
    "nasnet": (
        "skip_connect", "conv_1x3_3x1", "conv_7x1_1x7", "dil_conv_3x3", "avg_pool_3x3", "max_pool_3x3", "max_pool_5x5",
        "max_pool_7x7", "conv_1x1", "conv_3x3", "sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7",
    ),
}  # fmt: skip
"""The operations of the papers, in their order; DARTS has `none` beside them while it searches, and never in its result."""


Operations = Annotated[
    Annotated[Literal["darts", "nasnet"], Tag("name")] | Annotated[Options[Operation], Tag("list")],
    Discriminator(lambda given: "name" if isinstance(given, str) else "list"),
]
"""The name of a paper's operations, or a list; what is wrong with one is not said to be wrong with the other."""


class CellSettings(SpaceConfig):
    """What a searched cell is made of: base of the settings of spaces with cells."""

    nodes: Annotated[int, Field(ge=1, le=8)] = 4
    """Nodes of a cell, each with two inputs and two operations; 4 in DARTS, 5 in NASNet."""
    operations: Operations = "darts"
    """What a node can apply to its inputs: the operations of a paper, or a list."""
    inputs: Literal["distinct", "free"] | None = None
    """Whether the two inputs of a node must differ; left out, they are `free` for `nasnet`, and `distinct` otherwise."""
    output: Literal["all", "unused"] | None = None
    """Which nodes the output concatenates; left out, the `unused` ones for `nasnet`, and `all` otherwise."""

    def cell(self, prefix: str) -> "CellDecisions":
        """Return the decisions of a cell, whose names begin with `prefix`."""
        follows_nasnet = self.operations == "nasnet"
        operations = OPERATION_SETS[self.operations] if isinstance(self.operations, str) else self.operations
        return CellDecisions(
            prefix,
            nodes=self.nodes,
            operations=operations,
            inputs=self.inputs or ("free" if follows_nasnet else "distinct"),
            output=self.output or ("unused" if follows_nasnet else "all"),
        )


class CellDecisions:
    """The decisions of one cell, from and to its genotype.

    Node s, from 2 on, has `{prefix}_inputs_s`, such as `0,1`, and the operations on these, `{prefix}_op_sa` and
    `{prefix}_op_sb`. Where its inputs are free, they are two decisions, `{prefix}_input_sa` and `{prefix}_input_sb`.

    Args:
        prefix: What the names of its decisions begin with.
        nodes: Nodes, >= 1.
        operations: What a node can apply.
        inputs: `distinct` or `free`: whether the inputs of a node must differ.
        output: `all` or `unused`: which nodes are concatenated.
    """

    def __init__(self, prefix: str, *, nodes: int, operations: Sequence[str], inputs: str, output: str) -> None:
        self.operations = tuple(operations)
        self.states = range(INPUTS, INPUTS + nodes)
        self.prefix = prefix
        self.joins_all = output == "all" or nodes == 1
        self._distinct = inputs == "distinct"
        self.decisions: tuple[Decision, ...] = tuple(d for state in self.states for d in self._node(state))

    def read(self, assignment: Mapping[str, Choice]) -> CellGenotype:
        """Return the cell that is decided; an assignment may hold other decisions too."""
        pairs: list[Pair] = []
        for s in self.states:
            a, b = self._sources(s, assignment)
            pairs += [(str(assignment[f"{self.prefix}_op_{s}a"]), a), (str(assignment[f"{self.prefix}_op_{s}b"]), b)]
        return CellGenotype(tuple(pairs), self._output(pairs))

    def write(self, cell: CellGenotype) -> dict[str, Choice]:
        """Return the choices that make `cell`: the inverse of `read`, but for the order of a node's two pairs.

        Raises:
            ValueError: no choices do, as its nodes, operations, inputs or output are not those of this space.
        """
        self._check(cell)
        assignment: dict[str, Choice] = {}
        for s in self.states:
            assignment |= self.write_node(s, cell.node(s))
        return assignment

    def write_node(self, s: int, pairs: tuple[Pair, Pair]) -> dict[str, Choice]:
        """Return the choices that give node `s` these pairs; they are not checked."""
        (op_a, a), (op_b, b) = sorted(pairs, key=lambda pair: pair[1]) if self._distinct else pairs
        inputs = {"inputs_{}": f"{a},{b}"} if self._distinct else {"input_{}a": a, "input_{}b": b}
        chosen: dict[str, Choice] = {**inputs, "op_{}a": op_a, "op_{}b": op_b}
        return {f"{self.prefix}_{name.format(s)}": choice for name, choice in chosen.items()}

    def _node(self, s: int) -> Iterator[Decision]:
        """Yield the decisions of node `s`."""
        if self._distinct:
            yield Decision(f"{self.prefix}_inputs_{s}", tuple(f"{a},{b}" for a, b in combinations(range(s), 2)))
        for side in "ab":
            if not self._distinct:
                yield Decision(f"{self.prefix}_input_{s}{side}", tuple(range(s)))
            yield Decision(f"{self.prefix}_op_{s}{side}", self.operations)

    def _sources(self, s: int, assignment: Mapping[str, Choice]) -> tuple[int, int]:
        """Return the states that node `s` takes."""
        if self._distinct:
            a, b = str(assignment[f"{self.prefix}_inputs_{s}"]).split(",")
        else:
            a, b = (str(assignment[f"{self.prefix}_input_{s}{side}"]) for side in "ab")
        return int(a), int(b)

    def _output(self, pairs: Sequence[Pair]) -> tuple[int, ...]:
        return tuple(self.states) if self.joins_all else loose_ends(pairs)

    def _check(self, cell: CellGenotype) -> None:
        """Refuse a cell that has no choices here."""
        if cell.states != self.states:
            raise ValueError(
                f"The {self.prefix} cell has {len(cell.states)} nodes, but must have {len(self.states)}, as `nodes` says."
            )
        for op, _ in cell.pairs:
            if op not in self.operations:
                raise ValueError(f"The {self.prefix} cell: {unknown('operation', op, self.operations)}")
        for s in cell.states if self._distinct else ():
            (_, a), (_, b) = cell.node(s)
            if a == b:
                raise ValueError(
                    f"Node {s} of the {self.prefix} cell takes state {a} twice, but its inputs must differ; "
                    "`inputs: free` lets them be one."
                )
        if cell.concat != (output := self._output(cell.pairs)):
            what = "all of its nodes" if self.joins_all else "the nodes that no other one takes"
            raise ValueError(
                f"The output of the {self.prefix} cell concatenates {list(cell.concat)}, but must be {what}: {list(output)}; "
                "see `output`."
            )
