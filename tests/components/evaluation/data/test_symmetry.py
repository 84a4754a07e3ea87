import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images
from sklearn.neighbors import NearestNeighbors

from archsmith.evaluation.data import Dataset, Images
from archsmith.evaluation.data.symmetry import _edges, survives_flip, survives_shift, symmetry

RNG = np.random.default_rng(0)


def of(pixels: np.ndarray, labels: np.ndarray) -> Dataset:
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels
    images = Images(torch.from_numpy(pixels.astype(np.uint8)), torch.from_numpy(labels.astype(np.int64)))
    classes = tuple(map(str, range(int(labels.max()) + 1)))
    return Dataset(images, images, images, classes, (0.5,) * pixels.shape[1], (0.3,) * pixels.shape[1])


def shapes(n: int = 240) -> Dataset:
    """Discs, squares and diamonds somewhere near the middle."""
    y, x = np.mgrid[:24, :24]
    drawn = []
    for k in range(n):
        (a, b), r = RNG.uniform(9, 15, 2), RNG.uniform(4, 8)
        inside = (np.hypot(x - a, y - b) < r, (abs(x - a) < r) & (abs(y - b) < r), abs(x - a) + abs(y - b) < 1.2 * r)[k % 3]
        drawn.append(np.where(inside, 200, 20) + RNG.integers(0, 30, x.shape))
    return of(np.stack(drawn), np.arange(n) % 3)


def arrows(n: int = 120) -> Dataset:
    """Arrow heads that point to the left, or to the right."""
    drawn = RNG.integers(0, 30, (n, 24, 24))
    for k in range(n):
        a, b = RNG.integers(8, 16, 2)
        for j in range(6):
            drawn[k, [b - j, b + j], a - j * (2 * (k % 2) - 1)] = 255
    return of(drawn, np.arange(n) % 2)


def photographs(n: int = 240, side: int = 48) -> Dataset:
    """Crops of scikit-learn's two photographs, a temple and a flower."""
    drawn = []
    for k in range(n):
        photo = PHOTOS[k % 2]
        top, left = (RNG.integers(0, limit - side) for limit in photo.shape[:2])
        drawn.append(photo[top : top + side, left : left + side].transpose(2, 0, 1))
    return of(np.stack(drawn), np.arange(n) % 2)


PHOTOS = load_sample_images().images


def test_digits_do_not_survive_a_mirror_but_a_shift(digits: Dataset) -> None:
    assert not survives_flip(digits)
    assert survives_shift(digits)


def test_a_few_digits_say_so_too(few: Dataset) -> None:
    assert not survives_flip(few)


def test_symmetric_shapes_survive_both() -> None:
    data = shapes()
    assert survives_flip(data)
    assert survives_shift(data)


def test_crops_of_photographs_survive_a_mirror() -> None:
    assert survives_flip(photographs())


def test_arrows_become_the_other_class_in_a_mirror_and_stay_themselves_upside_down() -> None:
    data = arrows()
    assert not survives_flip(data)
    assert symmetry(data, [lambda images: images.flip(3)]).changed < 0.1
    assert symmetry(data, [lambda images: images.flip(2)]).survives


def test_two_classes_of_five_that_are_each_others_mirror_image_forbid_it() -> None:
    others, both = shapes(480).train, arrows(120).train
    data = of(np.concatenate([others.images, both.images]), np.concatenate([others.labels, both.labels + 3]))
    said = symmetry(data, [lambda images: images.flip(3)])
    assert said.excess > said.error  # most are as they were
    assert said.exchanged == ((3, 4),)
    assert not survives_flip(data)
    assert symmetry(data, [lambda images: images.flip(2)]).survives


def test_classes_that_are_taken_for_each_other_as_they_are_forbid_nothing() -> None:
    """Two of the classes are one, and what is of it finds either."""
    data = shapes(240)
    split = torch.where(data.train.labels == 2, 2 + torch.arange(240) // 3 % 2, data.train.labels)
    assert symmetry(of(data.train.images.numpy(), split.numpy()), [lambda images: images.flip(3)]).exchanged == ()


def test_where_the_place_makes_the_class_images_do_not_survive_a_shift() -> None:
    drawn, places = RNG.integers(0, 30, (160, 16, 16)), np.arange(160) % 8
    for k, place in enumerate(places):
        drawn[k, :, 2 * place : 2 * place + 2] = 255
    assert not survives_shift(of(drawn, places))


def test_where_images_tell_nothing_of_their_class_nothing_is_said_to_survive() -> None:
    assert not survives_flip(of(RNG.integers(0, 256, (200, 12, 12)), np.arange(200) % 4))


def test_what_is_found_is_what_scikit_learn_finds_without_the_image_itself(few: Dataset) -> None:
    said = symmetry(few, [lambda images: images.flip(3)])
    labels = few.train.labels.numpy()
    features, mirrored = (_edges(images).numpy() for images in (few.train.images, few.train.images.flip(3)))
    neighbours = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(features)

    def hits(asking: np.ndarray) -> np.ndarray:
        two = neighbours.kneighbors(asking, return_distance=False)
        nearest = np.where(two[:, 0] == np.arange(len(labels)), two[:, 1], two[:, 0])  # never the image itself
        return labels[nearest] == labels

    found, changed = hits(features).astype(float), hits(mirrored).astype(float)
    assert said.found == pytest.approx(np.mean(found))
    assert said.changed == pytest.approx(np.mean(changed))
    shares = np.bincount(labels) / len(labels)
    assert said.chance == pytest.approx(np.sum(shares**2))
    excess = np.subtract(changed, said.chance) - 0.5 * np.subtract(found, said.chance)
    assert (said.excess, said.error) == pytest.approx((excess.mean(), excess.std(ddof=1) / len(excess) ** 0.5), rel=1e-4)
