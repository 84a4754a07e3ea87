"""Prices of options, against the costs of stand-alone networks."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from archsmith.models.cost import cost_of
from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.prices import prices
from archsmith.spaces import SPACES
from archsmith.spaces.nas_bench_201 import pruned
from archsmith.values import Architecture, Fidelity

SHAPE = (3, 8, 8)
SETTINGS: dict[str, dict[str, Any]] = {
    "nas-bench-201": {"channels": 4, "cells": 1},
    "cell": {"cells": 3, "channels": 4, "nodes": 2},
    "mobile": {"stem": 8, "stages": [{"channels": 8}, {"channels": 16, "stride": 2}], "depth": {"min": 1, "max": 2}, "head": 8},
    "branch-of-cells": {"joins": ["sum"], "cells": 2, "blocks": 2, "channels": 4, "nodes": 2},
    "branch": {"joins": ["sum"], "branches": 1, "filters": [8], "strides": [1], "stem": 4, "operations": ["conv", "dilconv"],
               "layers": {"min": 3, "max": 3}},
    "chain": {"operations": ["conv", "sepconv"], "filters": [8], "strides": [1], "units": [8]},
}  # fmt: skip


def leaves_nothing_out(space: Any, architecture: Architecture) -> bool:
    """Tell whether the stand-alone network has all that the path has: it leaves out what nothing depends on."""
    if space.name == "nas-bench-201":
        return pruned(space.cell(architecture)) == space.cell(architecture)
    return space.name not in ("cell", "branch-of-cells") or all(
        {0, 1} <= cell.used for cell in space.cells(architecture).values()
    )


@pytest.mark.parametrize("name", SETTINGS)
def test_the_prices_of_one_option_a_point_are_the_cost_of_the_stand_alone_network(name):
    space: Any = SPACES[name].model_validate(SETTINGS[name]).build()
    network = build_mixed(space, SHAPE, 4, fidelity=Fidelity(epochs=1))
    fixed, of = prices(network, SHAPE)
    rng = np.random.default_rng(0)
    for architecture in islice((a for a in iter(lambda: space.sample(rng), None) if leaves_nothing_out(space, a)), 3):
        paid = [of[point][list(places)].sum().item() for point, places in network.path(architecture).items()]
        assert fixed + sum(paid) == cost_of(space, architecture, SHAPE, 4).flops


def test_a_price_is_asked_for_with_the_shape_that_a_module_is_given():
    space = SPACES["cell"].model_validate({**SETTINGS["cell"], "channels": 8}).build()
    network = build_mixed(space, SHAPE, 4, fidelity=Fidelity(epochs=1), partial=2)

    def pixels_of_poolings(module: nn.Module, shape: tuple[int, ...]) -> float:
        return float(np.prod(shape)) if any(isinstance(m, nn.MaxPool2d) for m in module.modules()) else 0.0

    fixed, of = prices(network, SHAPE, pixels_of_poolings)
    assert fixed == 0
    # Half of 8 channels on 8 x 8 in the normal cell; of 16 and 32 in the two reductions, on 8 x 8 and 4 x 4, then half of it.
    assert of["normal.edge_0_2"].tolist() == [0, 4 * 64, *[0] * 6]
    assert of["reduce.edge_0_2"][1] == 8 * 64 + 16 * 16
    assert of["reduce.edge_2_3"][1] == 8 * 16 + 16 * 4
    assert torch.equal(of["reduce.edge_0_2"], of["reduce.edge_1_3"])


@pytest.mark.parametrize("name", ["branch", "hierarchical"])
def test_options_whose_costs_depend_on_others_have_no_prices(name):
    settings = {"joins": ["sum"], "branches": 1, "layers": {"min": 1, "max": 2}}
    one_size = {"filters": [8], "strides": [1], "stem": 8} if name == "branch" else {"nodes": 1}
    network = build_mixed(SPACES[name].model_validate({**settings, **one_size}).build(), SHAPE, 4, fidelity=Fidelity(epochs=1))
    with pytest.raises(ValueError, match="have no prices"):
        prices(network, SHAPE)
