"""The mixed network of the mobile space: each block is a point, whose options are all kernels with all expansions.

Reference: Cai, Zhu, Han 2019, ProxylessNAS (arXiv:1812.00332), section 4.2: a block that a stage need not have has one more
option, which passes its input on. The blocks of a stage beyond the first are alike in shape, so that in what is derived those
that stay move up to the front.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import nn

from archsmith.models.mixed.derivation import Chosen, Slot, logs, slot
from archsmith.models.mixed.network import MixedStack, Mixture, Point
from archsmith.models.mixed.plan import Plan
from archsmith.models.mixed.under_search import unscaled
from archsmith.models.mobile import InvertedBottleneck, framed
from archsmith.spaces.mobile import Block, MobileSpace
from archsmith.values import Architecture

SKIP = "skip"
"""The option that passes its input on."""

Options = Mapping[str, Block | None]
"""What a block can be, by the name of the option; None where it is not there."""


class MixedMobile(MixedStack):
    """The mixed network; a point has the name of its block, such as `block_2_1`, and there is none where nothing is decided."""

    space: MobileSpace

    def __init__(self, space: MobileSpace, plan: Plan) -> None:
        stages = [_stage(space, number, blocks) for number, blocks in enumerate(space.options())]
        points = {name: options for stage in stages for name, options in stage.items() if len(options) > 1}

        def made(c_in: int, c_out: int, stride: int, block: Block) -> nn.Module:
            name = f"block_{block.name}"
            if name not in points:
                return InvertedBottleneck(c_in, c_out, stride, block)
            bottlenecks = {
                option: unscaled(InvertedBottleneck(c_in, c_out, stride, there)) if there else nn.Identity()
                for option, there in points[name].items()
            }
            return Mixture(name, bottlenecks)

        some = [block for stage in stages for options in stage.values() for block in list(options.values())[:1] if block]
        parts = framed(space.config, plan.input_shape, plan.n_classes, plan.fidelity.width, some, made)
        super().__init__(
            space,
            [Point(name, tuple(options), frozenset({SKIP} & set(options))) for name, options in points.items()],
            {"normalize": plan.normalize, **parts},
        )
        self.stages = stages

    def options(self, architecture: Architecture) -> Mapping[str, tuple[str, ...]]:
        """Return what each block is; those that a stage has are its first ones."""
        there = {f"block_{block.name}": (_option(block),) for stage in self.space.blocks(architecture) for block in stage}
        return {p.name: there.get(p.name, (SKIP,)) for p in self.points}

    def slots(self, probabilities: Mapping[str, np.ndarray]) -> Sequence[Slot]:
        """Return a slot a block."""
        return [slot([{p.name: option} for option in p.options], logs(probabilities[p.name])) for p in self.points]

    def read(self, chosen: Chosen) -> Architecture:
        """Return the architecture of these blocks, those that are left out not counted."""
        found = (
            (options[str(chosen[name])] if name in chosen else next(iter(options.values())) for name, options in stage.items())
            for stage in self.stages
        )
        return self.space.architecture_of([[block for block in stage if block] for stage in found])


def _stage(space: MobileSpace, number: int, blocks: Sequence[Sequence[Block]]) -> dict[str, Options]:
    """Return what each block of a stage can be."""
    config = space.config
    always = (config.stages[number].depth or config.depth).min
    stage: dict[str, Options] = {}
    for place, options in enumerate(blocks, start=1):
        left_out: Options = {SKIP: None} if place > always else {}
        stage[f"block_{options[0].name}"] = {**{_option(block): block for block in options}, **left_out}
    return stage


def _option(block: Block) -> str:
    """Return the name of an option: `k3_e6`, or `k3_e6_se` with squeeze-and-excitation."""
    return f"k{block.kernel}_e{block.expansion}{'_se' if block.squeeze_excitation else ''}"
