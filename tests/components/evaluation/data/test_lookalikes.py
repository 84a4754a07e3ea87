import io

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from archsmith.evaluation.data import Dataset, resize
from archsmith.evaluation.data.lookalikes import EXACT, SIDE, lookalikes, near
from archsmith.evaluation.data.small import normalised, small


def photographs(n: int, side: int = 40) -> torch.Tensor:
    """Smooth colours without a pattern: (n, 3, side, side), uint8."""
    noise = torch.rand(n, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    return (torch.nn.functional.interpolate(noise, (side, side), mode="bicubic").clamp(0, 1) * 255).to(torch.uint8)


def saved_as_jpeg(image: torch.Tensor) -> torch.Tensor:
    file = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=75)
    with Image.open(file) as again:
        return torch.from_numpy(np.array(again)).permute(2, 0, 1)


def test_images_that_were_saved_anew_made_smaller_or_brightened_are_found_and_no_others() -> None:
    images = photographs(30)
    images[7] = saved_as_jpeg(images[2])
    images[20] = resize(resize(images[3][None], 24), 40)[0]
    images[21] = (images[4].float() * 0.8 + 30).to(torch.uint8)
    images[22] = images[5].flip(0)  # other colours
    images[23] = images[6].flip(2)  # mirrored
    assert lookalikes(small(images, SIDE)).tolist() == [[2, 7], [3, 20], [4, 21]]


@pytest.mark.parametrize("exact", [True, False])
def test_of_real_images_the_pairs_are_those_that_brute_force_finds(digits: Dataset, exact: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    whole = digits.train.images
    noisy = (whole[:60].int() + torch.randint(-6, 7, whole[:60].shape, generator=generator)).clamp(0, 255).to(torch.uint8)
    images = torch.cat([whole, noisy] if exact else [whole, digits.validation.images, digits.test.images, 255 - whole, noisy])
    rows = normalised(small(images, 16))[0].double()
    least = (1 - near(rows.float()) ** 2 / 2) * rows.shape[1]  # a correlation in place of a distance
    expected = ((rows @ rows.T) >= least).triu(1).nonzero().tolist()
    assert len(expected) > 40
    assert (len(images) <= EXACT) == exact
    found = lookalikes(small(images, SIDE)).tolist()
    assert found == expected if exact else (len(found) >= 0.9 * len(expected) and all(pair in expected for pair in found))


def test_what_is_near_is_a_sixth_of_how_far_the_eighth_nearest_image_usually_is(digits: Dataset) -> None:
    rows = normalised(small(digits.train.images[:200], SIDE))[0]
    _, neighbours = np.sort(NearestNeighbors(n_neighbors=9).fit(rows).kneighbors(rows)[0], axis=1)[:, 7:9].T
    assert near(rows) == pytest.approx(np.median(neighbours) / rows.shape[1] ** 0.5 / 6, rel=0.02)


def test_images_of_a_single_colour_look_like_no_other() -> None:
    assert len(lookalikes(torch.arange(6.0)[:, None, None, None].expand(-1, 1, 8, 8) * 9)) == 0


@pytest.mark.cluster  # for its length; it needs none
def test_many_images_that_are_all_alike_take_no_time() -> None:
    """Pairs grow with the square: of 2,100 there would be 2,200,000."""
    base = torch.linspace(0, 255, 64).view(1, 1, 8, 8)
    noise = torch.rand(2100, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    pairs = lookalikes(base + noise)
    assert len(np.unique(pairs)) == 2100
    assert len(pairs) < 2100 * 6 * 60


def test_small_images_are_means_of_patches_and_none_is_made_larger() -> None:
    images = torch.arange(2 * 1 * 4 * 6, dtype=torch.uint8).view(2, 1, 4, 6)
    expected = images.numpy().reshape(2, 1, 2, 2, 2, 3).mean((3, 5))
    np.testing.assert_allclose(small(images, 2).numpy(), expected)
    assert small(images, 5).shape == (2, 1, 4, 5)


def test_normalised_images_have_no_brightness_and_no_contrast() -> None:
    images = torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 200
    images[4] = 17.0
    rows, seen = normalised(images)
    assert seen.tolist() == [True] * 4 + [False]
    assert not rows[4].any()
    np.testing.assert_allclose(rows[:4], normalised(images * 0.5 + 20)[0][:4], rtol=1e-3, atol=1e-4)
    correlation = np.corrcoef(images[:2].flatten(1).numpy())[0, 1]
    assert (rows[0] - rows[1]).square().mean().item() == pytest.approx(2 - 2 * correlation, rel=1e-4)
