"""The decisions on which layer of a multi-branch network reads which: of every space that searches connections.

Layer i has `input_i`, the number of its main input (0 is the stem; there is no such decision where there is one
choice), `join_i`, and for each output j before the main input `skip_i_j` if layer i joins inputs; the classifier has
`join_output` and `skip_output_j` in the same way, and reads beside these every layer that no other layer reads.
`archsmith.spaces.macro.wiring` reads them.
"""

from collections.abc import Iterator, Mapping, Sequence

from archsmith.spaces.decisions import Decision
from archsmith.spaces.macro.wiring import STEM, Wiring
from archsmith.values import Choice


def input_decisions(i: int, branches: int, joins: Sequence[str], there: Mapping[str, tuple[Choice, ...]]) -> Iterator[Decision]:
    """Yield the decisions on what layer `i` reads.

    Args:
        i: Its number, from 1.
        branches: Its main input is one of so many outputs before it.
        joins: How several inputs may become one.
        there: When the layer is there at all.
    """
    mains = tuple(range(i - 1, max(i - 1 - branches, -1), -1))
    if len(mains) > 1:
        yield Decision(f"input_{i}", mains, there)
    # A layer whose main input is the stem has nothing before it to join.
    if i > 1:
        joining = {f"input_{i}": tuple(j for j in mains if j > STEM)} if len(mains) > 1 else there
        yield Decision(f"join_{i}", ("none", *joins), joining)
        yield from skip_decisions(str(i), f"input_{i}", mains, joins)


def output_decisions(numbers: tuple[int, ...], joins: Sequence[str]) -> Iterator[Decision]:
    """Yield the decisions on what the classifier reads, where `layers` is decided to be one of `numbers`."""
    yield Decision("join_output", ("none", *joins))
    yield from skip_decisions("output", "layers", numbers, joins)


def skip_decisions(
    reader: str, main: str, mains: tuple[int, ...], joins: Sequence[str], *, first: int = STEM
) -> Iterator[Decision]:
    """Yield a decision an output that a reader may join to its main input.

    Args:
        reader: The number of a layer, or `output` for the classifier.
        main: The decision that says which is the main input; there is none if that is always the same.
        mains: What the main input can be.
        joins: How several inputs may become one.
        first: The first output that may be read.
    """
    for j in range(first, max(mains)):
        # With one output alone before the main input, the decision to join is the decision to read it.
        after = tuple(m for m in mains if m > max(j, first + 1))
        if after:
            varies = {main: after} if len(mains) > 1 else {}
            yield Decision(f"skip_{reader}_{j}", (False, True), {f"join_{reader}": tuple(joins), **varies})


def simplified(chosen: Mapping[str, Choice], wiring: Wiring) -> dict[str, Choice]:
    """Return the choices without joins that join nothing, and without skips to the classifier that it has anyway.

    Args:
        chosen: An assignment; it may hold other decisions too.
        wiring: What it describes.
    """
    unjoined = [str(layer.number) for layer in wiring.layers if not layer.skips]
    ends = wiring.loose_ends
    left = {**chosen, **{name: False for name in (f"skip_output_{j}" for j in ends) if name in chosen}}
    # The loose ends alone are concatenated without a decision.
    if set(wiring.skips) <= set(ends) and (len(ends) == 1 or wiring.join == "concat"):
        unjoined.append("output")
    for reader in unjoined:
        left = _without_join(left, reader)
    return left


def _without_join(chosen: Mapping[str, Choice], reader: str) -> dict[str, Choice]:
    """Return the choices with nothing to join for the reader."""
    left = {name: choice for name, choice in chosen.items() if not name.startswith(f"skip_{reader}_")}
    return left | ({f"join_{reader}": "none"} if f"join_{reader}" in left else {})
