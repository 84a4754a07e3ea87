from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.model_selection import train_test_split

from archsmith.errors import DataError
from archsmith.evaluation.data import Images, split, subset

COUNTS = (10, 37, 3, 250, 61)
CLASSES = tuple("abcde")


def numbered(counts: tuple[int, ...]) -> Images:
    """Images in random order of classes, each of which holds its own position."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    n = torch.arange(len(labels))
    return Images(torch.stack([n // 256, n % 256], dim=1).to(torch.uint8).view(-1, 1, 1, 2), torch.from_numpy(labels))


def numbers(images: Images) -> list[int]:
    high, low = images.images.flatten(1).long().unbind(1)
    return (high * 256 + low).tolist()


def test_the_parts_are_disjoint_and_together_the_whole() -> None:
    rest, held = split(numbered(COUNTS), 0.3, seed=1, classes=CLASSES, held="test")
    assert sorted(numbers(rest) + numbers(held)) == list(range(sum(COUNTS)))


def test_both_parts_keep_the_order_and_the_labels_of_the_images() -> None:
    images = numbered(COUNTS)
    for part in split(images, 0.3, seed=1, classes=CLASSES, held="test"):
        assert numbers(part) == sorted(numbers(part))
        assert torch.equal(part.labels, images.labels[numbers(part)])


@pytest.mark.parametrize("share", [0.13, 0.2, 0.37, 0.5, 0.81])
@pytest.mark.parametrize("counts", [COUNTS, (100, 100, 101), (8, 9, 17, 33)])
def test_the_numbers_of_each_class_are_those_of_scikit_learn(share: float, counts: tuple[int, ...]) -> None:
    images = numbered(counts)
    total = int(sum(counts) * share + 0.5)
    _, held = split(images, share, seed=0, classes=CLASSES[: len(counts)], held="test")
    labels = images.labels.numpy()
    _, expected = train_test_split(labels, test_size=total, stratify=labels, random_state=0)
    ours, theirs = np.bincount(held.labels.numpy()), np.bincount(expected, minlength=len(counts))
    # Between classes with equal remainders, scikit-learn chooses at random, and it may leave a class out.
    assert np.abs(ours - theirs).max() <= 1
    assert np.abs(ours - np.array(counts) * share).max() < 1
    if theirs.min():
        assert len(held) == total


def test_the_share_is_met_exactly_where_classes_are_large() -> None:
    _, held = split(numbered((60, 60, 60)), 0.25, seed=0, classes=CLASSES[:3], held="test")
    assert torch.bincount(held.labels).tolist() == [15, 15, 15]


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_each_part_holds_an_image_of_each_class_however_small_the_share(share: float) -> None:
    for part in split(numbered(COUNTS), share, seed=0, classes=CLASSES, held="test"):
        assert torch.bincount(part.labels, minlength=5).min() >= 1


def test_the_seed_decides_which_images_are_set_aside() -> None:
    images = numbered(COUNTS)
    first, again, other = (numbers(split(images, 0.3, seed=s, classes=CLASSES, held="test")[1]) for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_class_with_a_single_image_cannot_be_split() -> None:
    with pytest.raises(DataError, match="class 'b' has 1 image to be split into training and validation, but needs at least 2"):
        split(numbered((5, 1)), 0.2, seed=0, classes=("a", "b"), held="validation")


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.25, 0.5, 0.9])
def test_a_subset_has_the_same_share_of_each_class(fraction: float) -> None:
    part = subset(numbered(COUNTS), fraction, seed=0)
    shares = np.array(COUNTS) * fraction
    assert (np.abs(np.bincount(part.labels.numpy()) - np.maximum(shares, 1)) <= 0.5).all()


def test_subsets_with_one_seed_are_nested() -> None:
    images = numbered(COUNTS)
    parts = [set(numbers(subset(images, fraction, seed=3))) for fraction in np.linspace(0.01, 1, 60)]
    assert all(smaller <= larger for smaller, larger in pairwise(parts))
    assert len(parts[-1]) == sum(COUNTS)


def test_subsets_with_other_seeds_hold_other_images() -> None:
    images = numbered(COUNTS)
    assert numbers(subset(images, 0.5, seed=0)) != numbers(subset(images, 0.5, seed=1))
