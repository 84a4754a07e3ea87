"""Networks of a user's own space."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from archsmith.errors import UnbuildableError
from archsmith.models import build
from archsmith.models.cost import FULL, cost_of
from archsmith.models.operations import OPERATIONS
from archsmith.models.yaml_space import LAYERS, Pool
from archsmith.search import load
from archsmith.spaces.blocks import layers as known
from archsmith.spaces.blocks.yaml_space import YamlConfig, YamlSpace
from archsmith.values import Architecture, Fidelity

EXAMPLE = Path(__file__).parents[3] / "examples" / "own-space.yaml"


def fixed(*blocks: dict[str, Any]) -> tuple[YamlSpace, Architecture]:
    """Return a space of these blocks and a decision that does not matter, and one of its architectures."""
    idle = {"repeat": "$idle", "blocks": [{"op": "identity"}]}
    space = YamlConfig.model_validate({"decisions": [{"name": "idle", "choices": [0, 1]}], "network": [idle, *blocks]}).build()
    return space, space.architecture({"idle": 0})


def shape_of(*blocks: dict[str, Any], image: tuple[int, int, int] = (3, 8, 8)) -> tuple[int, ...]:
    """Return the shape of what the global pooling takes."""
    space, architecture = fixed(*blocks)
    _, body, *_ = build(space, architecture, image, 5, fidelity=FULL)
    return tuple(body(torch.rand(2, *image)).shape[1:])


def test_every_layer_that_can_be_named_can_be_built() -> None:
    assert set(known.PRIMITIVES) == set(OPERATIONS)
    assert {*LAYERS, *OPERATIONS} == set(known.LAYERS)
    assert not set(LAYERS) & set(OPERATIONS)


@pytest.mark.parametrize("op", sorted({*known.LAYERS} - {"dense", "batchnorm", "relu"}))
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_layer_divides_the_sides_by_its_stride_and_rounds_up(op: str, stride: int) -> None:
    settings = {"filters": 6} if "filters" in known.LAYERS[op] else {}
    for image in ((3, 8, 8), (3, 5, 7), (3, 1, 1)):
        channels = 6 if settings else 3
        expected = (channels, -(-image[1] // stride), -(-image[2] // stride))
        assert shape_of({"op": op, "stride": stride, **settings}, image=image) == expected


@pytest.mark.parametrize("pool", ["maxpool", "avgpool"])
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (2, 1), (3, 2), (4, 2), (4, 4), (5, 1)])
def test_poolings_are_those_of_brute_force(pool: str, kernel: int, stride: int) -> None:
    x = np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)
    before, after = (kernel - 1) // 2, kernel // 2
    # Beyond the border, an even window finds the border again, and an odd one finds nothing.
    padded = np.pad(x, (before, after), mode="edge") if kernel % 2 == 0 else np.pad(x, before, constant_values=np.nan)
    reduce = np.nanmax if pool == "maxpool" else np.nanmean
    expected = [
        [reduce(padded[i : i + kernel, j : j + kernel]) for j in range(0, x.shape[1], stride)]
        for i in range(0, x.shape[0], stride)
    ]
    found = Pool(pool, kernel, stride)(torch.from_numpy(x)[None, None])[0, 0]
    np.testing.assert_allclose(found.numpy(), np.array(expected), atol=1e-6)


def test_parameters_and_multiply_adds_are_those_of_the_closed_form() -> None:
    space, architecture = fixed(
        {"op": "conv", "filters": 8, "stride": 2},
        {"repeat": 2, "blocks": [{"residual": [{"op": "dilconv", "filters": 8, "kernel": 3}]}]},
        {"op": "mbconv", "filters": 12, "kernel": 5, "expansion": 2},
        {"op": "dense", "units": 20},
    )
    counted = cost_of(space, architecture, (3, 8, 8), 5)
    first, dilated = 3 * 8 * 9, 8 * 8 * 9
    expand, depthwise, project = 8 * 16, 16 * 25, 16 * 12
    norms = 2 * (8 + 2 * 8 + 16 + 16 + 12)
    dense, classifier = 12 * 20, 20 * 5
    assert counted.n_params == first + 2 * dilated + expand + depthwise + project + norms + (dense + 20) + (classifier + 5)
    assert counted.flops == 16 * (first + 2 * dilated + expand + depthwise + project) + dense + classifier


def test_a_sum_has_the_channels_of_its_first_branch_and_a_concatenation_those_of_all() -> None:
    branches = [[{"op": "conv", "filters": 4}], [{"op": "conv", "filters": 6, "stride": 2}], []]
    assert shape_of({"branches": branches}) == (4, 4, 4)
    assert shape_of({"branches": branches, "join": "concat"}) == (4 + 6 + 3, 4, 4)
    assert shape_of({"residual": [{"op": "conv", "filters": 9, "stride": 4}]}) == (9, 2, 2)


def test_a_residual_of_the_same_shape_adds_its_input() -> None:
    space, architecture = fixed({"residual": [{"op": "avgpool", "kernel": 3}]})
    _, body, *_ = build(space, architecture, (2, 5, 5), 5, fidelity=FULL)
    x = torch.rand(3, 2, 5, 5)
    pooled = torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    torch.testing.assert_close(body(x), x + pooled)


def test_branches_whose_strides_do_not_divide_each_other_make_no_network() -> None:
    branches = [[{"op": "maxpool", "stride": 2}], [{"op": "maxpool", "stride": 3}]]
    space, architecture = fixed({"branches": branches})
    with pytest.raises(
        UnbuildableError, match="branches with strides 2, 3 can't be joined; the largest must be a multiple of each"
    ):
        build(space, architecture, (3, 8, 8), 5, fidelity=FULL)


def test_a_lower_width_has_fewer_filters_and_units_and_a_lower_depth_fewer_repetitions() -> None:
    blocks = ({"repeat": 4, "blocks": [{"op": "conv", "filters": 16}]}, {"op": "dense", "units": 32})
    space, architecture = fixed(*blocks)
    full, narrow, shallow = (
        build(space, architecture, (3, 8, 8), 5, fidelity=Fidelity(1, **lower)) for lower in ({}, {"width": 0.5}, {"depth": 0.5})
    )
    weights = [[p.shape[0] for p in net.parameters() if p.ndim > 1] for net in (full, narrow, shallow)]
    assert weights == [[16, 16, 16, 16, 32, 5], [8, 8, 8, 8, 16, 5], [16, 16, 32, 5]]


@pytest.mark.parametrize("fidelity", [FULL, Fidelity(1, width=0.25, depth=0.4)], ids=["full", "low"])
def test_every_sample_of_the_example_is_trained_on_any_image(fidelity: Fidelity) -> None:
    space, rng = load(EXAMPLE).space, np.random.default_rng(0)
    for image in ((1, 8, 8), (3, 7, 5), (1, 1, 1)):
        for _ in range(12):
            network = build(space, space.sample(rng), image, 10, fidelity=fidelity)
            logits = network(torch.rand(4, *image))
            assert logits.shape == (4, 10)
            logits.square().sum().backward()
            assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_samples_of_the_example_are_exported_and_compute_the_same() -> None:
    space, rng = load(EXAMPLE).space, np.random.default_rng(1)
    for _ in range(3):
        network = build(space, space.sample(rng), (1, 8, 8), 10, fidelity=FULL).eval()
        x = torch.rand(3, 1, 8, 8)
        exported = torch.export.export(network, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
        torch.testing.assert_close(exported.module()(x), network(x))
