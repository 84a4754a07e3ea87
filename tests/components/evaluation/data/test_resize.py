import numpy as np
import pytest
import torch
from PIL import Image

from archsmith.evaluation.data import Images, resize, resized


def noise(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)).to(torch.uint8)


@pytest.mark.parametrize("size", [(5, 9), (14, 14), (40, 31)])
def test_images_are_resized_as_pillow_does_it(size: tuple[int, int]) -> None:
    x = noise(3, 3, 28, 20)
    ours = resize(x, size).permute(0, 2, 3, 1).numpy()
    for image, result in zip(x, ours, strict=True):
        expected = Image.fromarray(image.permute(1, 2, 0).numpy()).resize(size[::-1], Image.Resampling.BILINEAR)
        assert np.abs(result.astype(int) - np.array(expected)).max() <= 1


def test_images_that_have_the_size_already_are_left_alone() -> None:
    x = noise(2, 1, 8, 8)
    assert resize(x, 8) is x


@pytest.mark.parametrize(
    ("shape", "factor", "expected"),
    [
        ((32, 32), 0.5, (16, 16)),
        ((28, 20), 0.75, (21, 15)),
        ((8, 8), 0.1, (4, 4)),
        ((3, 12), 0.25, (3, 4)),
        ((7, 9), 1.0, (7, 9)),
    ],
)
def test_a_lower_resolution_keeps_at_least_four_pixels(shape: tuple[int, int], factor: float, expected: tuple[int, int]) -> None:
    images = Images(noise(2, 1, *shape), torch.tensor([0, 1]))
    lower = resized(images, factor)
    assert lower.shape == (1, *expected)
    assert lower.labels.tolist() == [0, 1]
