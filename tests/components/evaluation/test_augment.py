import numpy as np
import pytest
import torch

from archsmith.evaluation.augment import augmented, draw, shift_range


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def noise(*shape: int) -> torch.Tensor:
    return torch.randint(1, 256, shape, generator=generator()).to(torch.uint8)


def test_a_flipped_image_is_its_mirror_image_and_the_others_stay() -> None:
    x = noise(64, 3, 9, 7)
    draws = draw(("flip",), 64, (9, 7), generator())
    y = augmented(x, draws)
    for before, after, flipped in zip(x, y, draws["flip"], strict=True):
        assert torch.equal(after, torch.flip(before, (2,)) if flipped else before)


def test_about_half_of_the_images_are_flipped() -> None:
    flipped = draw(("flip",), 10_000, (8, 8), generator())["flip"]
    assert abs(int(flipped.sum()) - 5000) < 4 * 50  # four standard deviations


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 24), (2, 17, 40)])
def test_a_crop_is_a_shift_with_zeros_from_outside(shape: tuple[int, int, int]) -> None:
    x = noise(50, *shape)
    _, height, width = shape
    draws = draw(("crop",), 50, (height, width), generator())
    expected = np.zeros_like(x.numpy())
    for i, (top, left) in enumerate(draws["crop"].tolist()):
        for row in range(height):
            for column in range(width):
                a, b = row + top - height // 8, column + left - width // 8
                if 0 <= a < height and 0 <= b < width:
                    expected[i, :, row, column] = x[i, :, a, b].numpy()
    np.testing.assert_array_equal(augmented(x, draws).numpy(), expected)


def test_shifts_of_up_to_an_eighth_come_up_equally_often() -> None:
    corners = draw(("crop",), 10_000, (16, 24), generator())["crop"]
    assert shift_range((16, 24)) == (2, 3)
    for axis, n in ((0, 5), (1, 7)):
        counts = torch.bincount(corners[:, axis])
        assert len(counts) == n
        assert (counts - 10_000 / n).abs().max() < 4 * (10_000 / n) ** 0.5


def test_images_of_fewer_than_eight_pixels_are_not_shifted() -> None:
    x = noise(5, 1, 7, 6)
    assert torch.equal(augmented(x, draw(("crop",), 5, (7, 6), generator())), x)


def test_cutout_leaves_out_a_square_of_half_the_side_as_far_as_it_lies_in_the_image() -> None:
    x = noise(200, 2, 12, 20)
    draws = draw(("cutout",), 200, (12, 20), generator())
    y = augmented(x, draws)
    for before, after, (row, column) in zip(x, y, draws["cutout"].tolist(), strict=True):
        expected = before.clone()
        expected[:, max(0, row - 3) : row + 3, max(0, column - 5) : column + 5] = 0
        assert torch.equal(after, expected)


def test_the_mean_area_of_cutout_is_that_of_a_centre_anywhere_in_the_image() -> None:
    side, n = 16, 4000
    left_out = augmented(torch.ones(n, 1, side, side), draw(("cutout",), n, (side, side), generator())) == 0
    visible = [min(side, c + side // 4) - max(0, c - side // 4) for c in range(side)]  # of half the side, by the centre
    assert left_out.sum().item() / n == pytest.approx(np.mean(visible) ** 2, rel=0.03)


def test_changes_follow_one_another_in_the_order_given() -> None:
    x = noise(20, 1, 16, 16)
    draws = draw(("flip", "crop", "cutout"), 20, (16, 16), generator())
    one_by_one = x
    for kind in ("flip", "crop", "cutout"):
        one_by_one = augmented(one_by_one, {kind: draws[kind]})
    assert torch.equal(augmented(x, draws), one_by_one)


def test_the_same_seed_draws_the_same_changes() -> None:
    first, second = (draw(("flip", "crop", "cutout"), 30, (16, 16), generator()) for _ in range(2))
    assert all(torch.equal(first[kind], second[kind]) for kind in first)
