import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.models.operations import (
    OPERATIONS,
    DilConv,
    FactorizedReduce,
    FlatConvs,
    ReluConvBn,
    SepConv,
    SqueezeExcite,
    projection,
)

SIDES = [(8, 8), (5, 7), (7, 6), (1, 1)]


def n_params(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def seen(layer: nn.Module, channels: int, side: int = 21) -> tuple[int, int]:
    """Return the height and width of what the middle pixel of the output depends on."""
    x = (torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(0)) + 0.5).requires_grad_()
    y = layer.eval()(x)
    y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum().backward()
    assert x.grad is not None
    rows, columns = (x.grad[0].abs().sum(0) > 0).nonzero(as_tuple=True)
    return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("c_in", "c_out"), [(4, 4), (3, 8), (8, 1), (1, 5)])
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_an_operation_gives_the_channels_and_sides_that_it_is_asked_for_and_learns(name, c_in, c_out, stride):
    layer = OPERATIONS[name](c_in, c_out, stride)
    for height, width in SIDES:
        y = layer(torch.rand(2, c_in, height, width))
        assert y.shape == (2, c_out, -(-height // stride), -(-width // stride))
        if y.requires_grad:
            y.sum().backward()
            assert all(p.grad is not None and p.grad.isfinite().all() for p in layer.parameters())


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_leaves_its_input_as_it_was(name):
    x = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    before = x.clone()
    OPERATIONS[name](4, 4, 1)(x)
    assert x.equal(before)


@pytest.mark.parametrize("name", ["identity", "skip_connect"])
def test_an_identity_that_changes_nothing_is_one(name):
    x = torch.randn(2, 4, 5, 5)
    layer = OPERATIONS[name](4, 4, 1)
    assert layer(x).equal(x)
    assert n_params(layer) == 0


def test_none_gives_zeros_that_pass_a_gradient_of_zero():
    x = torch.rand(2, 3, 5, 5, requires_grad=True)
    y = OPERATIONS["none"](3, 6, 2)(x)
    assert y.eq(0).all()
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.eq(0).all()


def test_parameters_are_those_of_the_closed_forms():
    c, d = 6, 10
    norm = 2 * d
    assert n_params(ReluConvBn(c, d, 1, kernel=5)) == 25 * c * d + norm
    assert n_params(DilConv(c, d, 2, kernel=3)) == 9 * c + c * d + norm
    assert n_params(SepConv(c, d, 1, kernel=3)) == (9 * c + c * c + 2 * c) + (9 * c + c * d + norm)
    assert n_params(FlatConvs(c, d, 1, kernel=7)) == 7 * c * d + 7 * d * d + norm
    assert n_params(FactorizedReduce(c, d, 2)) == c * d + norm
    assert n_params(OPERATIONS["max_pool_3x3"](c, c, 2)) == 0
    assert n_params(OPERATIONS["avg_pool_3x3"](c, d, 2)) == c * d + norm
    assert n_params(projection(c, c)) == 0


@pytest.mark.parametrize(
    ("name", "height_and_width"),
    [
        ("conv_1x1", (1, 1)),
        ("conv_3x3", (3, 3)),
        ("conv_5x5", (5, 5)),
        ("conv_1x3_3x1", (3, 3)),
        ("conv_7x1_1x7", (7, 7)),
        ("sep_conv_3x3", (5, 5)),
        ("sep_conv_5x5", (9, 9)),
        ("sep_conv_7x7", (13, 13)),
        ("dil_conv_3x3", (5, 5)),
        ("dil_conv_5x5", (9, 9)),
        ("avg_pool_3x3", (3, 3)),
    ],
)
def test_a_pixel_depends_on_the_window_that_the_name_says(name, height_and_width):
    torch.manual_seed(0)
    assert seen(OPERATIONS[name](4, 4, 1), 4) == height_and_width


def test_a_dilated_convolution_skips_every_other_pixel():
    depthwise = DilConv(2, 2, 1, kernel=3)[1]
    weight = torch.zeros(2, 1, 5, 5)
    weight[:, :, ::2, ::2] = depthwise.weight.detach()
    x = torch.rand(1, 2, 9, 9)
    torch.testing.assert_close(depthwise(x), F.conv2d(x, weight, padding=2, groups=2))


def test_a_factorized_reduction_is_that_of_darts_on_images_of_even_sides():
    layer = FactorizedReduce(3, 8, 2).eval()
    x = torch.randn(2, 3, 6, 8)
    r = F.relu(x)
    expected = layer.norm(torch.cat([layer.straight(r), layer.shifted(r[:, :, 1:, 1:])], 1))
    torch.testing.assert_close(layer(x), expected)


def test_the_two_halves_of_a_factorized_reduction_see_different_pixels():
    layer = FactorizedReduce(1, 2, 2).eval()
    x = torch.rand(1, 1, 4, 4, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert (x.grad[0, 0] != 0).nonzero().tolist() == [[r, c] for r in range(4) for c in range(4) if r % 2 == c % 2]


def test_an_average_pooling_does_not_count_what_lies_beyond_the_border():
    assert OPERATIONS["avg_pool_3x3"](1, 1, 1)(torch.ones(1, 1, 4, 4)).eq(1).all()


@pytest.mark.parametrize(("channels", "squeezed"), [(64, 4), (256, 16), (8, 4), (2, 2)])
def test_squeeze_and_excitation_is_that_of_torchvision(channels, squeezed):
    ours, theirs = SqueezeExcite(channels), torchvision.ops.SqueezeExcitation(channels, squeezed)

    def as_convolution(weight: Tensor) -> Tensor:
        return weight[:, :, None, None] if weight.dim() == 2 else weight

    weights = [as_convolution(w) for w in ours.state_dict().values()]
    theirs.load_state_dict(dict(zip(theirs.state_dict(), weights, strict=True)))
    x = torch.randn(2, channels, 5, 4)
    torch.testing.assert_close(ours(x), theirs(x))
