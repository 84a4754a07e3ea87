"""Which spaces can be relaxed: a network can hold all options of every choice side by side, and weigh them.

Options are summed, so that each must give a tensor of the same shape. Where a decision changes a number of channels or the size
of the image, as the number of filters does, there is no such sum.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archsmith.spaces.cells.searched_cells import SearchedCells
from archsmith.spaces.chain import CONVOLUTIONS, ChainSpace
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.macro.branch import CONVOLUTIONS as WITH_FILTERS
from archsmith.spaces.macro.branch import STRIDED, BranchSpace
from archsmith.spaces.macro.branch_of_cells import BranchOfCellsSpace
from archsmith.spaces.space import Space
from archsmith.spaces.training import PREFIX
from archsmith.values import Choice

_SHRINKING_LAYERS = (
    "`layers` changes height and width, as each layer shrinks them; fix it by `min` and `max`, or let `strides` be [1]"
)

Reasons = Callable[[Any], Iterator[str]]
"""From a space to what speaks against a mixed network."""


def unmixable(space: Space, *, depth: float = 1.0, partial: int = 1) -> str | None:
    """Return why there is no mixed network of a space, which names the decision and what to do; None where there is one.

    Args:
        space: What is to be searched.
        depth: Of the fidelity that the network has.
        partial: One in so many channels is to go through the mixture, and the others pass by.

    Returns:
        A clause without a full stop: "`filters_1` changes the number of channels; give `filters` one value".
    """
    if space.name not in _REASONS:
        return f"no network is known that holds all options of the space {space.name!r} side by side"
    return next(_all_reasons(space, depth, partial), None)


def unpriceable(space: Space) -> str | None:
    """Return why the options of a mixed network have no prices, which name the decision and what to do; None where they have.

    Args:
        space: One with a mixed network.
    """
    if space.name == "hierarchical":
        return "`op_1` changes the size of what the layers after it read, and so what each of them costs; leave out `cost`"
    if space.name == "fabric":
        return "`scale_1` says with the others which links are on the path, and so cost anything at all; leave out `cost`"
    layers = [d for d in space.decisions if d.name == "layers" and len(d.choices) > 1]
    if layers and space.name == "branch":
        return "`layers` says which of the layers cost anything at all; fix it by `min` and `max`, or leave out `cost`"
    return None


def _all_reasons(space: Space, depth: float, partial: int) -> Iterator[str]:
    for decision in space.decisions:
        if decision.name.startswith(PREFIX):
            yield f"`{decision.name}` is a setting of the training, which all options share; leave out `space.training`"
    yield from _REASONS[space.name](space)
    if all(len(decision.choices) == 1 for decision in space.decisions):
        yield "nothing is left to decide; give a decision two choices"
    stacks_cells = space.name == "nas-bench-201" or isinstance(space, SearchedCells)
    if depth < 1 and (not stacks_cells or any(d.name.startswith("join_") for d in space.decisions)):
        yield _shortened(space)
    if partial > 1 and not stacks_cells:
        yield f"`partial` lets channels pass by edges of cells, which the space {space.name!r} has none of; leave it out"


def _shortened(space: Space) -> str:
    return (
        f"a depth below 1 leaves out layers of the space {space.name!r} that are to be decided on; leave out `estimation.depth`, "
        "and make the space itself smaller"
    )


def _nothing(_: Space) -> Iterator[str]:
    yield from ()


def _chain(space: ChainSpace) -> Iterator[str]:
    choices = _choices(space)
    convolutions = [op for op in choices["op_1"] if op in CONVOLUTIONS]
    yield from _several(choices, "filters_1", "the number of channels", "filters")
    if 0 < len(convolutions) < len(choices["op_1"]):
        yield (
            "`op_1` changes the number of channels, as a pooling keeps those of the image; "
            "let `operations` be convolutions only, or poolings only"
        )
    yield from _several(choices, "pool_1", "height and width", "pools")
    yield from _several(choices, "stride_1", "height and width", "strides")
    if len(choices["layers"]) > 1 and not (convolutions and choices["stride_1"] == (1,)):
        yield (
            _SHRINKING_LAYERS
            if convolutions
            else "`layers` changes height and width, as each pooling does; fix it by `min` and `max`"
        )
    yield from _several(choices, "units_1", "the number of units", "units")
    units, filters = choices.get("units_1"), choices.get("filters_1")
    if units and len(choices["dense"]) > 1 and 0 in choices["dense"] and units != filters:
        yield "`dense` changes how many features the classifier takes; fix it, or let `units` be the number of `filters`"


def _cells(space: SearchedCells) -> Iterator[str]:
    for cell in space.searched.values():
        if not cell.joins_all:
            name = next(d.name for d in cell.decisions if d.name.startswith(f"{cell.prefix}_input") and "_3" in d.name)
            yield f"`{name}` changes how many nodes are concatenated, and with it the number of channels; set `output: all`"


def _branch_of_cells(space: BranchOfCellsSpace) -> Iterator[str]:
    yield from _cells(space)
    yield from _concatenating(space)


def _wired(space: DecisionSpace) -> Iterator[str]:
    """Yield what speaks against decisions on who reads whom."""
    yield from _concatenating(space)
    if "input_2" in _choices(space):
        yield (
            "`input_2` changes which outputs are left for the classifier to concatenate, and with it the number of channels; "
            "set `branches: 1`"
        )


def _branch(space: BranchSpace) -> Iterator[str]:
    choices = _choices(space)
    yield from _several(choices, "filters_1", "the number of channels", "filters")
    yield from _several(choices, "stride_1", "height and width", "strides")
    operations = choices["op_1"]
    stride = choices.get("stride_1", (1,))[0]
    if stride != 1:
        if not set(operations) <= set(STRIDED):
            yield (
                f"`op_1` changes height and width, as only some operations have a stride of {stride}; "
                "let `strides` be [1], or `operations` be those with strides"
            )
        if len(choices["layers"]) > 1:
            yield _SHRINKING_LAYERS
    filters = choices.get("filters_1")
    if filters and not set(operations) <= set(WITH_FILTERS) and filters != (space.stem,):
        yield (
            f"`op_1` changes the number of channels, as only convolutions have {filters[0]} filters and others keep the stem's "
            f"{space.stem}; let `stem` be {filters[0]}"
        )
    yield from _wired(space)


def _hierarchical(space: SearchedCells) -> Iterator[str]:
    yield from _cells(space)
    yield from _wired(space)


def _concatenating(space: DecisionSpace) -> Iterator[str]:
    for decision in space.decisions:
        if decision.name.startswith("join_") and "concat" in decision.choices:
            yield f"`{decision.name}` changes the number of channels where it concatenates; let `joins` be [sum]"


def _several(choices: Mapping[str, tuple[Choice, ...]], name: str, what: str, setting: str) -> Iterator[str]:
    """Yield that a decision of several choices changes a size."""
    if len(choices.get(name, ())) > 1:
        yield f"`{name}` changes {what}; give `{setting}` one value"


def _choices(space: DecisionSpace) -> dict[str, tuple[Choice, ...]]:
    return {d.name: d.choices for d in space.decisions}


_REASONS: Mapping[str, Reasons] = {
    "nas-bench-201": _nothing,
    "cell": _cells,
    "branch": _branch,
    "branch-of-cells": _branch_of_cells,
    "hierarchical": _hierarchical,
    "mobile": _nothing,
    "chain": _chain,
    "fabric": _nothing,
}
"""What speaks against a mixed network of each space, by the space's name; other spaces have none."""
