"""Cells, and the notation in which the field writes them.

Reference: Liu, Simonyan, Yang 2019, DARTS: Differentiable Architecture Search (arXiv:1806.09055), and its published
code, which prints what it found as `Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=...)`.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

Pair = tuple[str, int]
"""An operation, and the state that it is applied to."""

INPUTS = 2
"""States that a cell is given: 0 is the output of the cell before the previous one, 1 that of the previous cell."""

_EXAMPLE = "Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], reduce_concat=range(2, 6))"
_LONGEST = 1000
_MOST_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class CellGenotype:
    """A cell: each node adds up two operations on earlier states, and is a state itself, from 2 on."""

    pairs: tuple[Pair, ...]
    """Two a node, in the order of the nodes."""
    concat: tuple[int, ...]
    """The states, ascending, whose concatenation is the cell's output; nodes only."""

    def __post_init__(self) -> None:
        if not self.pairs or len(self.pairs) % 2:
            raise ValueError(
                f"A cell has {len(self.pairs)} pairs of operation and state, but needs two a node, for 1 node or more."
            )
        for k, (operation, state) in enumerate(self.pairs):
            if not 0 <= state < k // 2 + INPUTS:
                raise ValueError(
                    f"The pair ({operation!r}, {state}) is of node {k // 2 + INPUTS}, which takes earlier states only: "
                    f"0 to {k // 2 + INPUTS - 1}."
                )
        if not self.concat or not set(self.concat) <= set(self.states):
            raise ValueError(
                f"A cell's output concatenates {list(self.concat)}, but must be some of its nodes: {list(self.states)}."
            )

    @property
    def states(self) -> range:
        """The states of its nodes: from 2 on."""
        return range(INPUTS, INPUTS + len(self.pairs) // 2)

    @property
    def used(self) -> frozenset[int]:
        """The states that an operation is applied to."""
        return frozenset(state for _, state in self.pairs)

    def node(self, state: int) -> tuple[Pair, Pair]:
        """Return the two pairs of the node that makes this state."""
        first = 2 * (state - INPUTS)
        return self.pairs[first], self.pairs[first + 1]


def loose_ends(pairs: Sequence[Pair]) -> tuple[int, ...]:
    """Return the nodes that no other one takes: those that NASNet concatenates."""
    taken = {state for _, state in pairs}
    return tuple(s for s in range(INPUTS, INPUTS + len(pairs) // 2) if s not in taken)


@dataclass(frozen=True, slots=True)
class Genotype:
    """The cells that a network is stacked from."""

    normal: CellGenotype
    """Keeps height and width."""
    reduce: CellGenotype | None
    """Halves them; None where the network has no such cell."""

    def to_text(self) -> str:
        """Return it as DARTS prints it, in one line."""
        return cells_to_text({"normal": self.normal, "reduce": self.reduce})

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` writes, whatever its white space; a list of states may stand for a range.

        Raises:
            ValueError: it is no genotype.
        """
        cells = cells_from_text(text, ("normal", "reduce"), optional=("reduce",))
        normal = cells["normal"]
        assert normal is not None
        return cls(normal, cells["reduce"])


def cells_to_text(cells: Mapping[str, CellGenotype | None]) -> str:
    """Return cells by name as DARTS prints its two, in one line."""
    return f"Genotype({', '.join(f'{name}={_pairs(cell)}, {name}_concat={_states(cell)}' for name, cell in cells.items())})"


def cells_from_text(text: str, names: Sequence[str], *, optional: Sequence[str] = ()) -> dict[str, CellGenotype | None]:
    """Read what `cells_to_text` writes of cells of these names; those that are `optional` may be empty.

    Nothing in it is run: it is parsed, and all that is no list, tuple, range, number or string is refused.

    Raises:
        ValueError: it is not written like a genotype, or has other cells.
    """
    fields = _read(text)
    wanted = [field for name in names for field in (name, f"{name}_concat")]
    if set(fields) != set(wanted):
        raise ValueError(f"A genotype has the fields {', '.join(wanted)}, but this one has: {', '.join(fields) or 'none'}.")
    return {name: _cell(fields, name) if fields[name] or name not in optional else None for name in names}


def _pairs(cell: CellGenotype | None) -> str:
    return repr(list(cell.pairs) if cell else [])


def _states(cell: CellGenotype | None) -> str:
    """Write a concatenation: as a range where it is one, as DARTS does."""
    if cell is None:
        return "[]"
    span = range(cell.concat[0], cell.concat[-1] + 1)
    return repr(span if len(cell.concat) > 1 and cell.concat == tuple(span) else list(cell.concat))


def _read(text: str) -> dict[str, Any]:
    """Return the values of the call's keywords."""
    call = _parsed(text)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "Genotype" or call.args:
        raise ValueError(f"{text[:80]!r} is no genotype; it is written like {_EXAMPLE}.")
    names = [keyword.arg or "**" for keyword in call.keywords]
    if len(set(names)) < len(names):
        raise ValueError(f"{text[:80]!r} gives a field twice; a genotype is written like {_EXAMPLE}.")
    return {name: _value(keyword.value) for name, keyword in zip(names, call.keywords, strict=True)}


def _parsed(text: str) -> ast.expr | None:
    """Parse one expression; None where it is not one, or is larger than any genotype, which would strain the parser."""
    try:
        return ast.parse(text.strip(), mode="eval").body if len(text) <= _MOST_CHARACTERS else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr) -> Any:
    """Return the value of a literal, or of a range of literals as a tuple."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range" and not node.keywords):
        return _literal(node)
    ends = [_literal(argument) for argument in node.args]
    if not 1 <= len(ends) <= 3 or not all(type(end) is int and abs(end) <= _LONGEST for end in ends):
        raise ValueError(f"`{ast.unparse(node)[:80]}` is no range of states; write it like range(2, 6).")
    return tuple(range(*ends))


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"`{ast.unparse(node)[:80]}` is no list of pairs or states; a genotype is {_EXAMPLE}.") from None


def _cell(fields: dict[str, Any], name: str) -> CellGenotype:
    """Check the types of a cell's two fields and make it."""
    pairs, concat = fields[name], fields[f"{name}_concat"]
    if not isinstance(pairs, list | tuple) or not all(_is_pair(pair) for pair in pairs):
        raise ValueError(f"`{name}` must be a list of pairs such as ('sep_conv_3x3', 0): the operation and its state.")
    if not isinstance(concat, list | tuple) or not all(type(state) is int for state in concat):
        raise ValueError(f"`{name}_concat` must be a list or a range of states, such as range(2, 6).")
    return CellGenotype(tuple((operation, state) for operation, state in pairs), tuple(sorted(set(concat))))


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str) and type(pair[1]) is int
