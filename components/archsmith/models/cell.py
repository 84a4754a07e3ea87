"""Networks of stacked cells, and the cell as a module of its own.

Reference: Liu, Simonyan, Yang 2019, DARTS (arXiv:1806.09055), appendix A, and its published code: a stem of one
convolution; each cell brings its two inputs to its own channels by 1x1 convolutions; a reduction cell has stride 2 in the
operations on its inputs, and twice the channels.

Deviations: what no output depends on is not built, such as an input that a cell does not take; there is neither the
auxiliary head nor drop path, which belong to a recipe of training.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool, scaled
from archsmith.models.chain import kept
from archsmith.models.operations import OPERATIONS
from archsmith.models.parts import Parts, Place
from archsmith.spaces.cells.cell import CellConfig, CellSpace, Kind
from archsmith.spaces.cells.genotype import INPUTS, CellGenotype, Genotype
from archsmith.values import Architecture, Fidelity

Source = tuple[int, int]
"""Channels of an input, and how many of its pixels in each direction the cell's first states have one of."""

Stacked = Callable[[Mapping[int, Kind], int, int], tuple[nn.Module, int]]
"""From kinds of cells by place, channels of the stem and of a node to the stack and the channels that it gives."""


class Cell(nn.ModuleDict):
    """A cell: (B, C_0, H_0, W_0) and (B, C_1, H_1, W_1) -> (B, `c_out`, H, W).

    Its parts: `in_0` and `in_1`, which bring an input to its channels, as far as it takes them; and `node_2.a`, `node_2.b`, ...

    Args:
        genotype: Its nodes, and which of them it concatenates.
        sources: Channels and stride of each input; the strides bring both to one size.
        channels: Of each node.
        stride: Of the operations on the inputs: 2 for a reduction cell.
    """

    def __init__(self, genotype: CellGenotype, sources: tuple[Source, Source], channels: int, *, stride: int) -> None:
        super().__init__()
        self.genotype = genotype
        self.c_out = channels * len(genotype.concat)
        for i in sorted(genotype.used & set(range(INPUTS))):
            self[f"in_{i}"] = preprocess(sources[i], channels)
        operations = [Place(op, OPERATIONS[op](channels, channels, stride if s < INPUTS else 1)) for op, s in genotype.pairs]
        for node, (a, b) in enumerate(zip(operations[::2], operations[1::2], strict=True), start=INPUTS):
            self[f"node_{node}"] = Node({"a": a, "b": b})

    def forward(self, before: Tensor, previous: Tensor) -> Tensor:
        """Apply the cell to the outputs of the cell before the previous one and of the previous one."""
        inputs = (before, previous)
        states = [self[f"in_{i}"](x) if f"in_{i}" in self else x for i, x in enumerate(inputs)]
        read = [state for _, state in self.genotype.pairs]
        for i, j in zip(read[::2], read[1::2], strict=True):
            states.append(self[f"node_{len(states)}"](states[i], states[j]))
        return torch.cat([states[s] for s in self.genotype.concat], 1)


class Node(nn.ModuleDict):
    """The sum of two operations, `a` and `b`."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Apply `a` to `x` and `b` to `y`, of any channels and sizes that their operations bring to (B, C, H, W)."""
        return self["a"](x) + self["b"](y)  # type: ignore[no-any-return]


class CellStack(nn.ModuleDict):
    """Cells, each on the outputs of the two before it, the first ones on the stem's: (B, C, H, W) -> (B, `c_out`, H', W').

    Args:
        genotype: The cells.
        kinds: Which of them comes where, by its place in the whole stack, from 1.
        c_in: Channels of the stem.
        channels: Of a node in the cells before the first reduction.
    """

    def __init__(self, genotype: Genotype, kinds: Mapping[int, Kind], c_in: int, channels: int) -> None:
        super().__init__()
        cells = [genotype.normal if kind == "normal" else _reduction(genotype) for kind in kinds.values()]
        places = list(laid_out(kinds, [len(cell.concat) for cell in cells], c_in, channels))
        for place, cell, read in zip(places, cells, _read(cells), strict=True):
            self[place.name] = Cell(cell, place.sources, place.channels, stride=place.stride) if read else _Unread()
        self.c_out = places[-1].channels * len(cells[-1].concat)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the cells."""
        before = previous = x
        for cell in self.values():
            before, previous = previous, cell(before, previous)
        return previous


@dataclass(frozen=True, slots=True)
class CellPlace:
    """A place in a stack of cells."""

    name: str
    """Of the part: `cell_4`, counted from 1 in the whole stack."""
    kind: Kind
    """Of the cell."""
    sources: tuple[Source, Source]
    """Its inputs."""
    channels: int
    """Of a node."""
    stride: int
    """Of the operations on its inputs."""


def laid_out(kinds: Mapping[int, Kind], joined: Sequence[int], c_in: int, channels: int) -> Iterator[CellPlace]:
    """Yield the places of a stack.

    Args:
        kinds: Which kind of cell comes where, by its place in the whole stack, from 1.
        joined: How many nodes the output of each of them concatenates.
        c_in: Channels of the stem.
        channels: Of a node in the cells before the first reduction.
    """
    before, previous = (c_in, 1), (c_in, 1)
    for (number, kind), nodes in zip(kinds.items(), joined, strict=True):
        stride = 2 if kind == "reduction" else 1
        channels *= stride
        yield CellPlace(f"cell_{number}", kind, (before, previous), channels, stride)
        before, previous = (previous[0], stride), (channels * nodes, 1)


class _Unread(nn.Module):
    """In place of a cell whose output no other one takes."""

    def forward(self, _: Tensor, previous: Tensor) -> Tensor:
        """Return anything."""
        return previous


def build_cell(
    space: CellSpace, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> Parts:
    """Build the parts that follow the normalisation of the input.

    Args:
        space: A cell space.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales the channels; its `depth` the number of cells, see `thinned`.

    Returns:
        Stem, stack, pooling and classifier, one after the other.
    """
    genotype = space.genotype(architecture)

    def stacked(kinds: Mapping[int, Kind], c_in: int, channels: int) -> tuple[nn.Module, int]:
        stack = CellStack(genotype, kinds, c_in, channels)
        return stack, stack.c_out

    return framed(space.config, input_shape, n_classes, fidelity, stacked)


def framed(config: CellConfig, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity, stacked: Stacked) -> Parts:
    """Return a stack of cells with what stands before and after it.

    Args:
        config: What is stacked, and on which stem.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: See `build_cell`.
        stacked: Makes the stack.
    """
    channels = scaled(config.channels, fidelity.width)
    c_stem = channels * config.stem_multiplier
    stack, c_out = stacked(thinned(config.stack, fidelity.depth), c_stem, channels)
    return {
        "stem": stem(input_shape[0], c_stem, config.stem_stride),
        "cells": stack,
        "global_pool": GlobalPool(),
        "classifier": nn.Linear(c_out, n_classes),
    }


def stem(c_in: int, c_out: int, stride: int) -> nn.Sequential:
    """Return a 3x3 convolution, or two of stride 2 for a stride of 4, with batch normalisation and ReLU in between."""
    if stride <= 2:
        return nn.Sequential(nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(c_out))
    half = max(1, c_out // 2)
    return nn.Sequential(*stem(c_in, half, 2), nn.ReLU(inplace=True), *stem(half, c_out, 2))


def thinned(kinds: Sequence[Kind], depth: float) -> dict[int, Kind]:
    """Return that share of a stack's cells, by their places from 1: all reductions, and of the normal cells some, evenly spaced.

    The reductions stay, so that the last cells see images of the same size and have the same channels; and so does one
    normal cell at least.
    """
    return {k + 1: kinds[k] for k in staying([kind == "reduction" for kind in kinds], depth)}


def staying(shrinks: Sequence[bool], depth: float) -> list[int]:
    """Return the places in a stack of the layers that a network of relative depth `depth` has; see `thinned`.

    Args:
        shrinks: Of each layer whether it makes images smaller: those stay.
        depth: Share of the layers, in (0, 1].
    """
    plain = [k for k, shrinking in enumerate(shrinks) if not shrinking]
    left = max(1, round(len(shrinks) * depth) - (len(shrinks) - len(plain)))
    stay = {plain[i - 1] for i in kept(len(plain), left / len(plain))} if plain else set()
    return [k for k, shrinking in enumerate(shrinks) if shrinking or k in stay]


def preprocess(source: Source, channels: int) -> Place:
    """Return the layer that brings an input to the channels and the size of its cell."""
    c_in, stride = source
    operation = "conv_1x1" if stride == 1 else "skip_connect"
    return Place(operation, OPERATIONS[operation](c_in, channels, stride))


def _reduction(genotype: Genotype) -> CellGenotype:
    if genotype.reduce is None:
        raise ValueError("The stack has a reduction cell, but the genotype has none.")
    return genotype.reduce


def _read(cells: Sequence[CellGenotype]) -> list[bool]:
    """Tell of each cell whether the last one depends on it: the one after it takes state 1, the next but one state 0."""
    read = [False] * (len(cells) - 1) + [True]
    for k in reversed(range(len(cells) - 1)):
        later = zip((1, 0), cells[k + 1 : k + 3], read[k + 1 : k + 3], strict=False)
        read[k] = any(state in cell.used for state, cell, needed in later if needed)
    return read
