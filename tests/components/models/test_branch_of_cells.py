"""Networks of cells within a multi-branch network; `test_macro` compares them with networks written by hand."""

import numpy as np
import torch

from archsmith.evaluation.export import export
from archsmith.models import build
from archsmith.models.cost import FULL
from archsmith.models.macro import Macro
from archsmith.spaces.branch_of_cells import BranchOfCellsConfig
from archsmith.values import Fidelity


def test_the_width_scales_the_channels_and_the_depth_the_cells() -> None:
    space = BranchOfCellsConfig(macro="residual", cells=4, nodes=2, channels=16).build()
    network = build(space, space.sample(np.random.default_rng(0)), (3, 32, 32), 10, fidelity=Fidelity(1, width=0.25, depth=0.5))
    (macro,) = (m for m in network if isinstance(m, Macro))
    assert [(layer.op, layer.filters) for layer in macro.wiring.layers] == [
        ("normal", 4), ("normal", 4), ("reduce", 8), ("normal", 8), ("normal", 8), ("reduce", 16), ("normal", 16),
    ]  # fmt: skip
    assert macro.shape.channels == 2 * 16


def test_a_sample_is_exported() -> None:
    space = BranchOfCellsConfig(macro="dense", blocks=2, cells=1, nodes=1, channels=4).build()
    network = build(space, space.sample(np.random.default_rng(4)), (1, 8, 8), 4, fidelity=FULL)
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert max(export(network, images, {}).agreement.values()) < 1e-4
