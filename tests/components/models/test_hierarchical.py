"""Networks of the hierarchical space; `test_macro` compares them with networks written by hand."""

import numpy as np

from archsmith.models import build
from archsmith.models.cost import cost_of
from archsmith.spaces.hierarchical import HierarchicalConfig
from archsmith.values import Fidelity


def test_parameters_and_multiply_adds_are_those_of_the_closed_form() -> None:
    space = HierarchicalConfig.model_validate({"layers": {"min": 3, "max": 3}, "cells": 1, "channels": 8, "nodes": 1}).build()
    cell = "Genotype(cell1=[('skip_connect', 0), ('dil_conv_3x3', 1)], cell1_concat=[2])"
    # A cell on the stem; a halving of it; and a cell on the halving with, summed to it, the stem.
    network = "op_2=downsample input_2=1 join_2=none op_3=cell1 input_3=2 join_3=sum skip_3_0=True skip_3_1=False"
    architecture = space.from_text(f"{cell} layers=3 op_1=cell1 {network} join_output=none")
    counted = cost_of(space, architecture, (3, 8, 8), 10)
    stem, first = 27 * 24, 2 * 24 * 8 + 9 * 8 + 8 * 8  # two preprocessings; depthwise and pointwise
    halving = 8 * 16  # before the pooling, to twice the channels of a node
    projected = 24 * 16  # the stem, after it is pooled
    reduced, own, inside = 8 * 16, 16 * 16, 9 * 16 + 16 * 16  # what the halving has read, the sum, the convolution
    norms = 2 * (24 + 3 * 8 + 16 + 16 + 3 * 16)
    assert counted.n_params == stem + first + halving + projected + reduced + own + inside + norms + 16 * 10 + 10
    assert counted.flops == 64 * (stem + first + halving) + 16 * (projected + reduced + own + inside) + 16 * 10


def test_a_shallower_network_keeps_every_halving() -> None:
    space, rng = HierarchicalConfig(nodes=1, channels=4).build(), np.random.default_rng(1)
    for _ in range(20):
        architecture = space.sample(rng)
        full, shallow = (
            build(space, architecture, (1, 8, 8), 4, fidelity=Fidelity(1, depth=depth))[2].wiring.layers for depth in (1.0, 0.5)
        )
        halvings = [layer.number for layer in full if layer.stride > 1]
        assert [layer.number for layer in shallow if layer.stride > 1] == halvings
        some = 0 if len(halvings) == len(full) else 1
        assert len(shallow) == len(halvings) + max(some, round(len(full) / 2) - len(halvings))
