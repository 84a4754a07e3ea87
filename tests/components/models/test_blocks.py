import pytest
import torch
from torchvision.transforms import functional as TF

from archsmith.models.blocks import ConvBlock, GlobalPool, Normalize, SeparableBlock, scaled


@pytest.mark.parametrize(("mean", "std"), [([0.13], [0.31]), ([0.49, 0.48, 0.45], [0.25, 0.24, 0.26])])
def test_images_are_normalised_as_torchvision_does(mean: list[float], std: list[float]) -> None:
    x = torch.rand(4, len(mean), 6, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(Normalize(mean, std)(x), TF.normalize(x, mean, std))


def test_a_constant_channel_divides_by_no_zero() -> None:
    assert Normalize([0.5], [0.0])(torch.full((1, 1, 2, 2), 0.5)).eq(0).all()


def test_normalisation_is_part_of_the_state_and_nothing_to_be_trained() -> None:
    normalize = Normalize([0.1], [0.2])
    assert set(normalize.state_dict()) == {"mean", "std"}
    assert list(normalize.parameters()) == []


@pytest.mark.parametrize("block", [ConvBlock, SeparableBlock])
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2), (5, 2), (7, 3)])
def test_a_stride_divides_the_sides_and_rounds_up(block: type, kernel: int, stride: int) -> None:
    for height, width in ((8, 8), (5, 7), (1, 1)):
        y = block(3, 12, kernel, stride)(torch.rand(2, 3, height, width))
        assert y.shape == (2, 12, -(-height // stride), -(-width // stride))
        assert (y >= 0).all()


def test_a_separable_block_mixes_channels_at_single_positions_only() -> None:
    block = SeparableBlock(3, 8, 5, 1)
    depthwise, pointwise = (m for m in block if isinstance(m, torch.nn.Conv2d))
    assert (depthwise.groups, depthwise.kernel_size) == (3, (5, 5))
    assert (pointwise.groups, pointwise.kernel_size) == (1, (1, 1))


def test_the_global_pooling_is_the_mean_over_positions() -> None:
    x = torch.arange(24.0).reshape(1, 2, 3, 4)
    assert GlobalPool()(x).tolist() == [[5.5, 17.5]]


@pytest.mark.parametrize(
    ("n", "multiplier", "expected"),
    [(16, 1.0, 16), (7, 1.0, 7), (16, 0.5, 8), (96, 0.25, 24), (16, 0.01, 4), (2, 0.5, 2), (6, 0.95, 4), (7, 0.9, 7)],
)
def test_scaled_numbers_are_multiples_of_four_where_they_can_be(n: int, multiplier: float, expected: int) -> None:
    assert scaled(n, multiplier) == expected


def test_a_scaled_number_is_never_zero_and_never_larger_than_the_whole() -> None:
    for n in range(1, 200):
        numbers = [scaled(n, m / 50) for m in range(1, 51)]
        assert all(1 <= k <= n for k in numbers)
        assert numbers == sorted(numbers)
        assert all(abs(k - n * m / 50) <= 4 for m, k in enumerate(numbers, start=1))
