"""What a winner is held to: a linear model, and residual networks of the size that is asked for."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from torch import nn
from torch.optim import SGD, AdamW

from archsmith.models.cost import Cost, cost
from archsmith.models.initialise import initialise
from archsmith.models.references import (
    BLOCKS,
    MORE,
    SMALLEST,
    STRIDES,
    WIDTHS,
    BasicBlock,
    Linear,
    Residual,
    Simple,
    build_simple,
    residual,
    simple,
)

SHAPES = [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 17, 40), (3, 96, 64)]


def built(form: Simple, shape: tuple[int, int, int], n_classes: int = 10) -> nn.Sequential:
    return build_simple(form, shape, n_classes)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("width", "blocks", "stride"), [(2, 1, 1), (8, 2, 1), (5, 3, 2), (4, 1, 4)])
def test_what_a_residual_network_costs_is_known_without_building_it(
    shape: tuple[int, int, int], width: int, blocks: int, stride: int
) -> None:
    form = Residual(width, blocks, stride)
    with torch.device("meta"):
        assert form.cost(shape, 7) == cost(built(form, shape, 7), shape)


def test_a_residual_network_of_the_paper_has_the_layers_and_parameters_that_the_paper_says() -> None:
    """Table 6 of the paper: 20 layers have 0.27 million parameters; with projections in place of padding, a few more."""
    paper = Residual(width=16, blocks=3)
    network = built(paper, (3, 32, 32))
    layers = [m for m in network.modules() if isinstance(m, nn.Linear) or (isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1))]
    assert len(layers) == 20
    assert 0.268e6 < paper.cost((3, 32, 32), 10).n_params < 0.275e6
    assert 0.040e9 < paper.cost((3, 32, 32), 10).flops < 0.042e9


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_params", [3_000, 60_000, 900_000])
@pytest.mark.parametrize("per_param", [8, 60, 600])
def test_no_other_width_comes_nearer_to_the_winner_without_computing_more(
    shape: tuple[int, int, int], n_params: int, per_param: int
) -> None:
    like = Cost(n_params, n_params * per_param)
    found = residual(shape, 10, like)
    strides = [s for s in STRIDES if s == 1 or math.ceil(min(shape[1:]) / s) >= SMALLEST]
    every = {Residual(w, b, s): Residual(w, b, s).cost(shape, 10) for w in WIDTHS for b in BLOCKS for s in strides}
    fitting = {f: c for f, c in every.items() if c.n_params <= MORE * n_params and c.flops <= MORE * like.flops}
    if not fitting:
        assert (found.width, found.blocks) == (2, 1)
        assert every[found].flops <= max(MORE * like.flops, min(c.flops for c in every.values()))
        return
    far = {form: abs(math.log(counted.n_params / n_params)) for form, counted in fitting.items()}
    assert found in fitting
    assert far[found] <= min(far.values()) + 0.2


def test_the_sizes_of_our_examples_are_met() -> None:
    """Parameters and multiply-adds as winners of the searches in `examples` have them."""
    for shape, like in (((1, 8, 8), Cost(60_000, 1_500_000)), ((1, 28, 28), Cost(280_000, 30_000_000))):
        counted = residual(shape, 10, like).cost(shape, 10)
        assert 0.7 < counted.n_params / like.n_params <= MORE
        assert counted.flops <= MORE * like.flops


def test_a_winner_smaller_than_any_residual_network_is_held_to_the_smallest() -> None:
    assert residual((1, 8, 8), 10, Cost(20, 100)) == Residual(2, 1, 2)
    assert residual((1, 7, 7), 10, Cost(20, 100)) == Residual(2, 1, 2)
    assert residual((1, 6, 6), 10, Cost(20, 100)) == Residual(2, 1, 1)
    assert residual((3, 64, 64), 10, Cost(20, 100)) == Residual(2, 1, 8)
    assert residual((1, 8, 8), 10, Cost(800, 40_000)) == Residual(2, 1, 1)  # too many parameters, but it computes no more


@pytest.mark.parametrize("shape", [*SHAPES, (3, 200, 130)])
@pytest.mark.parametrize("name", ["linear", "residual"])
def test_a_reference_takes_images_of_any_shape_to_logits(shape: tuple[int, int, int], name: str) -> None:
    form = simple(name, shape, 5, Cost(9_000, 400_000))  # type: ignore[arg-type]
    assert built(form, shape, 5).eval()(torch.rand(3, *shape)).shape == (3, 5)


def test_a_large_image_is_averaged_for_the_linear_model() -> None:
    linear = simple("linear", (3, 200, 130), 5, Cost(1, 1))
    assert linear == Linear(window=4)
    classifier = built(linear, (3, 200, 130), 5)[-1]
    assert isinstance(classifier, nn.Linear)
    assert classifier.in_features == 3 * 50 * 33


def test_the_linear_model_is_linear() -> None:
    network = built(Linear(window=3), (2, 10, 11))
    initialise(network, torch.Generator().manual_seed(0))
    a, b = torch.rand(2, 4, 2, 10, 11)
    with torch.no_grad():
        torch.testing.assert_close(network((a + 3 * b) / 4), (network(a) + 3 * network(b)) / 4)


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [(partial(SGD, momentum=0.9, nesterov=True), rate) for rate in (0.01, 0.1, 0.5)] + [(AdamW, 0.001), (AdamW, 0.01)],
)
def test_learning_rates_that_suit_convolutions_suit_the_linear_model_as_well(optimizer: Any, rate: float) -> None:
    """On the digits blown up to 32 x 32 pixels, of which neighbours are alike, it comes near to a ridge regression's."""
    digits, labels = load_digits(return_X_y=True)
    pixels = np.kron(digits[:600].reshape(-1, 8, 8) / 16, np.ones((4, 4))).astype(np.float32)
    images, y = torch.from_numpy(pixels)[:, None], torch.from_numpy(labels[:600])
    network = build_simple(Linear(), (1, 32, 32), 10, mean=[float(pixels.mean())], std=[float(pixels.std())])
    initialise(network, torch.Generator().manual_seed(0))
    training = optimizer(network.parameters(), lr=rate)
    for k in 20 * list(range(0, 400, 50)):
        training.zero_grad()
        nn.functional.cross_entropy(network(images[k : k + 50]), y[k : k + 50]).backward()
        training.step()
    flat = pixels.reshape(600, -1)
    theirs = RidgeClassifier(100).fit(flat[:400], labels[:400]).score(flat[400:], labels[400:600])
    ours = float((network(images[400:]).argmax(1) == y[400:]).float().mean())
    assert ours > theirs - 0.05


def test_a_shortcut_that_halves_the_image_is_a_strided_convolution_of_one_pixel() -> None:
    block = BasicBlock(5, 10, 2).eval()
    projection = block.shortcut[0]
    assert isinstance(projection, nn.Conv2d)
    x = torch.rand(2, 5, 7, 9, generator=torch.Generator().manual_seed(0))
    strided = torch.nn.functional.conv2d(x, projection.weight, stride=2)
    torch.testing.assert_close(projection(x), strided)
