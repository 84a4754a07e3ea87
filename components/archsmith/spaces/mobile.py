"""The mobile space: stages of inverted bottlenecks, each with its own kernel and expansion, and a depth a stage.

Reference: Cai, Zhu, Han 2019, ProxylessNAS (arXiv:1812.00332), section 4.2, whose stages are the default;
Sandler, Howard, Zhu, Zhmoginov, Chen 2018, MobileNetV2 (arXiv:1801.04381), which is one of the architectures if
the stages are set to its; Tan et al. 2019, MnasNet (arXiv:1807.11626), for squeeze-and-excitation as a choice.

Deviation: ProxylessNAS shortens a stage by blocks that are zero; here, the depth of a stage is a decision, so that
no two architectures differ only in which of the blocks is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Annotated, Self

from pydantic import Field, model_validator

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spaces.settings import Count, Kernel, Options, Range
from archsmith.spaces.space import SpaceConfig
from archsmith.spec import Config
from archsmith.values import Architecture, Choice

Stride = Annotated[int, Field(ge=1, le=2)]
Expansion = Annotated[int, Field(ge=1, le=16)]


class Stage(Config):
    """Blocks with the same number of channels; what is left out here is as in the settings of the space."""

    channels: Count
    """Channels between the blocks, at full width."""
    stride: Stride = 1
    """Of the first block: 2 halves height and width."""
    depth: Range | None = None
    """How many blocks."""
    kernels: Options[Kernel] | None = None
    """Height and width of the depthwise kernels in pixels, odd."""
    expansions: Options[Expansion] | None = None
    """How many times more channels a block has inside."""


_ONE = Range(min=1, max=1)


class MobileConfig(SpaceConfig):
    """A chain of inverted bottlenecks as in MobileNetV2: kernel and expansion of each block, depth of each stage.

    By default, the stages are those of ProxylessNAS, for images of 224 x 224. Smaller images are halved less often.
    """

    stem: Count = 32
    """Channels of the first convolution, at full width."""
    stem_stride: Stride = 2
    """Stride of the first convolution."""
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=20)] = (
        Stage(channels=16, depth=_ONE, kernels=(3,), expansions=(1,)),
        Stage(channels=24, stride=2),
        Stage(channels=40, stride=2),
        Stage(channels=80, stride=2),
        Stage(channels=96),
        Stage(channels=192, stride=2),
        Stage(channels=320, depth=_ONE),
    )
    """The stages, from the image on."""
    depth: Range = Range(min=1, max=4)
    """How many blocks a stage has: at least 1, at most 20."""
    kernels: Options[Kernel] = (3, 5, 7)
    """Height and width of the depthwise kernels in pixels, odd."""
    expansions: Options[Expansion] = (3, 6)
    """How many times more channels a block has inside."""
    squeeze_excitation: Options[bool] = (False,)
    """Whether blocks weigh their channels by squeeze-and-excitation; `[false, true]` decides it for each."""
    head: Count = 1280
    """Channels of the last convolution, at full width."""
    smallest_map: Annotated[int, Field(ge=1)] = 4
    """Pixels of height and width below which nothing is halved: a stride that would lead there is 1."""

    @model_validator(mode="after")
    def _has_blocks(self) -> Self:
        for place, depth in [("depth", self.depth), *((f"stages[{i}].depth", s.depth) for i, s in enumerate(self.stages))]:
            if depth and not 1 <= depth.min <= depth.max <= 20:
                raise ValueError(f"`{place}` is from {depth.min} to {depth.max}, but must lie within 1 to 20")
        return self

    def build(self) -> "MobileSpace":
        """Make the space; raises `ValueError` where nothing is left to decide."""
        return MobileSpace(self)


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted bottleneck, at full width."""

    name: str
    """Its stage and its place there, from 1: `2_1`."""
    channels: int
    """Channels after it."""
    stride: int
    """As the stage has it; on small maps it is 1."""
    kernel: int
    """Height and width of the depthwise kernel."""
    expansion: int
    """How many times more channels there are inside than before it."""
    squeeze_excitation: bool
    """Whether channels are weighed inside."""


class MobileSpace(DecisionSpace):
    """The mobile space.

    Its decisions: for each stage s from 1 `depth_s`, then for each of its blocks b from 1 `kernel_s_b`, `expansion_s_b`
    and `se_s_b`; block b is there if `depth_s` >= b. What has one choice only is no decision.
    """

    def __init__(self, config: MobileConfig) -> None:
        everything = (d for number, _ in enumerate(config.stages, start=1) for d in _stage(number, config))
        decisions = (d for d in everything if len(d.choices) > 1)
        super().__init__("mobile", (*decisions, *config.training_decisions()))
        self.config = config

    def blocks(self, architecture: Architecture) -> tuple[tuple[Block, ...], ...]:
        """Return the blocks of each stage."""
        chosen = self.assignment(architecture)
        stages: list[tuple[Block, ...]] = []
        for number, stage in enumerate(self.config.stages, start=1):
            # What is no decision has one choice, which counts here if the block is there.
            found = {d.name: chosen.get(d.name, d.choices[0]) for d in _stage(number, self.config)}
            blocks = (_block(f"{number}_{b + 1}", stage, b, found) for b in range(int(found[f"depth_{number}"])))
            stages.append(tuple(blocks))
        return tuple(stages)

    def options(self) -> tuple[tuple[tuple[Block, ...], ...], ...]:
        """Return of each stage, for each block that it may have, everything that the block can be."""
        stages: list[tuple[tuple[Block, ...], ...]] = []
        for number, stage in enumerate(self.config.stages, start=1):
            choices = {d.name: d.choices for d in _stage(number, self.config)}
            names = [f"{number}_{b}" for b in range(1, max(map(int, choices[f"depth_{number}"])) + 1)]
            stages.append(tuple(tuple(_everything(name, stage, b, choices)) for b, name in enumerate(names)))
        return tuple(stages)

    def architecture_of(self, stages: Sequence[Sequence[Block]]) -> Architecture:
        """Return the architecture with these blocks: the inverse of `blocks`, but for their names."""
        chosen: dict[str, Choice] = {}
        for s, stage in enumerate(stages, start=1):
            chosen[f"depth_{s}"] = len(stage)
            for b, block in enumerate(stage, start=1):
                found = {"kernel": block.kernel, "expansion": block.expansion, "se": block.squeeze_excitation}
                chosen |= {f"{what}_{s}_{b}": choice for what, choice in found.items()}
        decided = {d.name for d in self.decisions}
        return self.architecture({name: choice for name, choice in chosen.items() if name in decided})

    def graph(self, architecture: Architecture) -> Graph:
        """Return the chain from the image to the classifier; a block is one node."""
        blocks = [block for stage in self.blocks(architecture) for block in stage]
        nodes = tuple(_nodes(self.config, blocks))
        return Graph(nodes, tuple(Edge(a.id, b.id) for a, b in pairwise(nodes)))


def _stage(number: int, config: MobileConfig) -> Iterator[Decision]:
    """Yield what there is to know of a stage, as decisions; those with one choice are none of the space's."""
    stage = config.stages[number - 1]
    depth = stage.depth or config.depth
    yield Decision(f"depth_{number}", depth.choices, ordered=True)
    for b in range(1, depth.max + 1):
        there = {f"depth_{number}": tuple(range(b, depth.max + 1))} if b > depth.min else {}
        yield Decision(f"kernel_{number}_{b}", stage.kernels or config.kernels, there, ordered=True)
        yield Decision(f"expansion_{number}_{b}", stage.expansions or config.expansions, there, ordered=True)
        yield Decision(f"se_{number}_{b}", config.squeeze_excitation, there)


def _block(name: str, stage: Stage, place: int, found: Mapping[str, Choice]) -> Block:
    """Return the block at `place`, from 0, of a stage; the first one has the stage's stride."""
    return Block(
        name,
        stage.channels,
        1 if place else stage.stride,
        int(found[f"kernel_{name}"]),
        int(found[f"expansion_{name}"]),
        bool(found[f"se_{name}"]),
    )


def _everything(name: str, stage: Stage, place: int, choices: Mapping[str, tuple[Choice, ...]]) -> Iterator[Block]:
    """Yield everything that the block at `place`, from 0, of a stage can be."""
    decisions = [f"{what}_{name}" for what in ("kernel", "expansion", "se")]
    for found in product(*(choices[decision] for decision in decisions)):
        yield _block(name, stage, place, dict(zip(decisions, found, strict=True)))


def _nodes(config: MobileConfig, blocks: Sequence[Block]) -> Iterator[Node]:
    """Yield a node a layer."""
    yield Node("input", "image", "input")
    halved = f", /{config.stem_stride}" if config.stem_stride > 1 else ""
    details = {"kernel": "3", "filters": str(config.stem), "stride": str(config.stem_stride), "followed by": "batch norm, ReLU6"}
    yield Node("stem", f"conv 3x3, {config.stem}{halved}", "conv", details)
    yield from map(_block_node, blocks)
    details = {"kernel": "1", "filters": str(config.head), "followed by": "batch norm, ReLU6"}
    yield Node("head", f"conv 1x1, {config.head}", "conv", details)
    yield Node("global_pool", "global average pool", "global-pool")
    yield Node("output", "classifier", "output")


def _block_node(block: Block) -> Node:
    """Return the node of a block: `MBConv6 5x5, 40, /2`."""
    kernel = f"{block.kernel}x{block.kernel}"
    halved = f", /{block.stride}" if block.stride > 1 else ""
    gate = ", SE" if block.squeeze_excitation else ""
    details = {
        "inverted bottleneck": block.name.replace("_", "."),
        "expansion": str(block.expansion),
        "depthwise kernel": str(block.kernel),
        "channels": str(block.channels),
        "stride": str(block.stride),
        "squeeze-and-excitation": "yes" if block.squeeze_excitation else "no",
    }
    return Node(f"block_{block.name}", f"MBConv{block.expansion} {kernel}, {block.channels}{halved}{gate}", "mbconv", details)
