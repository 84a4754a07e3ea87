"""Faults that are planted in images of which nothing is wrong, each of which must be found, and no other."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from archsmith.evaluation.data import Dataset, Images
from archsmith.evaluation.data.inspection import inspect
from archsmith.values.findings import KINDS, Finding

CLASSES = ("ant", "bee", "cow")


def random(n: int, seed: int, channels: int = 1) -> Images:
    """Make images that have nothing to do with each other."""
    pixels = torch.randint(0, 256, (n, channels, 6, 6), generator=torch.Generator().manual_seed(seed))
    return Images(pixels.to(torch.uint8), torch.arange(n) % 3)


def plain(channels: int = 1) -> Dataset:
    parts = [random(n, seed, channels) for seed, n in enumerate((120, 60, 90))]
    return Dataset(*parts, CLASSES, (0.5,) * channels, (0.3,) * channels)


def found(dataset: Dataset) -> Sequence[Finding]:
    findings = inspect(dataset)
    assert all(finding.kind in KINDS and finding.text.endswith((".", "training.")) and finding.n for finding in findings)
    return findings


def put(images: Images, at: Sequence[int], pixels: torch.Tensor) -> None:
    images.images[list(at)] = pixels.clone()


def test_of_images_without_faults_nothing_is_told() -> None:
    assert found(plain()) == found(plain(3)) == ()


@pytest.mark.parametrize(("split", "source"), [("test", "train"), ("validation", "train"), ("test", "validation")])
def test_images_of_other_splits_that_were_seen_before_are_told_with_examples(split: str, source: str) -> None:
    dataset = plain()
    put(getattr(dataset, split), range(3, 8), getattr(dataset, source).images[3:8])
    (leak,) = found(replace(dataset, names={split: [f"{k}.png" for k in range(100)]}))
    assert (leak.kind, leak.n) == ("leakage", 5)
    assert leak.examples == tuple(f"{k}.png is {source}[{k}]" for k in (3, 4, 5))
    assert leak.text.startswith(f"Of {len(getattr(dataset, split))} {split} images, 5 are also among those of ")
    assert ("data.clean" in leak.text) == (source == "train")


def test_the_same_image_under_two_labels_is_told() -> None:
    dataset = plain()
    put(dataset.train, [4], dataset.train.images[0])
    put(dataset.train, [11], dataset.train.images[0])
    (fault,) = found(dataset)
    assert (fault.kind, fault.n) == ("contradiction", 1)
    assert fault.text == (
        "1 image is in several classes at once, pixel for pixel the same: train[0] in 'ant' and train[4] in 'bee'. Nobody "
        "can tell which label is right. `data.clean: true` leaves them out of training."
    )


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_copies_within_a_split_are_told(split: str) -> None:
    dataset = plain()
    put(getattr(dataset, split), [3, 6, 9], getattr(dataset, split).images[0])
    (fault,) = found(dataset)
    assert (fault.kind, fault.n) == ("duplicates", 3)
    assert f"3 are copies of others there ({split}[3] is {split}[0]; " in fault.text
    assert ("data.clean" in fault.text) == (split == "train")


def test_classes_that_show_one_picture_or_nothing_but_colours_are_told() -> None:
    dataset = plain()
    bees, cows = ((dataset.train.labels == k).nonzero()[:, 0] for k in (1, 2))
    dataset.train.images[bees] = dataset.train.images[1].clone()
    dataset.train.images[cows] = torch.arange(len(cows), dtype=torch.uint8)[:, None, None, None]
    by_kind = {(each.kind, each.examples): each for each in found(dataset)}
    assert "network can only learn this one picture by heart" in by_kind["constant", ("bee",)].text
    assert "of a single colour each, with nothing to see on them" in by_kind["constant", ("cow",)].text
    assert next(each.n for (kind, _), each in by_kind.items() if kind == "blank") == len(cows)
    assert {kind for kind, _ in by_kind} == {"constant", "blank", "duplicates"}


def test_that_nearly_all_images_are_one_is_told() -> None:
    dataset = plain()
    put(dataset.train, range(120), dataset.train.images[0])
    put(dataset.validation, range(30), dataset.train.images[0])
    assert (150, "150 of 270 images are one and the same, pixel for pixel: train[0].") in [
        (each.n, each.text) for each in found(dataset) if each.kind == "alike"
    ]


def test_images_that_look_almost_the_same_are_told_where_they_are_many_or_across_splits() -> None:
    dataset = plain()
    put(dataset.test, range(4), (dataset.train.images[:4].float() * 0.9 + 9).to(torch.uint8))
    (fault,) = found(dataset)
    assert (fault.kind, fault.n) == ("near", 4)
    assert fault.text.startswith("4 validation and test images look almost like training images")
    assert fault.examples[0] == "test[0] is like train[0]"
    inner = plain()
    put(inner.train, range(60, 64), (inner.train.images[1:5].float() * 0.9 + 9).to(torch.uint8))
    (fault,) = found(inner)
    assert (fault.kind, fault.n) == ("near", 8)
    assert "4 of the pairs are of different classes" in fault.text


def test_grey_images_in_colour_are_told() -> None:
    grey = plain()
    parts = [Images(part.images.expand(-1, 3, -1, -1), part.labels) for part in (grey.train, grey.validation, grey.test)]
    (fault,) = found(Dataset(*parts, CLASSES, (0.5,) * 3, (0.3,) * 3))
    assert (fault.kind, fault.n) == ("grey", 270)


def test_numbers_of_images_are_told_of_as_well_and_what_was_found_before_comes_first() -> None:
    before = Finding("sizes", "They had many sizes.")
    few = replace(plain(), test=random(30, 3), findings=(before,))
    assert [each.kind for each in found(few)] == ["sizes", "few"]
    assert few.facts.findings == found(few)
