import pytest
import torch

from archsmith.errors import DataError
from archsmith.evaluation.data.dataset import Images, Splits, moments


def images(*labels: int, shape: tuple[int, int, int] = (1, 4, 4)) -> Images:
    return Images(torch.zeros(len(labels), *shape, dtype=torch.uint8), torch.tensor(labels, dtype=torch.int64))


def test_images_must_be_bytes_of_four_axes() -> None:
    with pytest.raises(ValueError, match=r"Images are torch.float32 of 4 axes, but must be uint8 of 4"):
        Images(torch.zeros(1, 1, 4, 4), torch.zeros(1, dtype=torch.int64))


def test_there_must_be_a_label_for_each_image() -> None:
    with pytest.raises(ValueError, match=r"Labels are torch.int64 of shape \(3,\), but must be int64, one for each of 2 images"):
        Images(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))


def test_moments_are_those_that_torch_computes_for_each_channel() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (600, 3, 5, 4), generator=generator).to(torch.uint8)
    values = pixels.double().div(255).transpose(0, 1).flatten(1)
    mean, std = moments(pixels)
    torch.testing.assert_close(torch.tensor(mean), values.mean(1).float())
    torch.testing.assert_close(torch.tensor(std), values.std(1, correction=0).float())


def test_the_deviation_of_a_constant_channel_divides_by_no_zero() -> None:
    mean, std = moments(torch.full((3, 1, 4, 4), 51, dtype=torch.uint8))
    assert mean == pytest.approx([0.2])
    assert std == pytest.approx([1 / 255])


def test_splits_that_hold_all_classes_in_one_size_are_fine() -> None:
    Splits(("a", "b"), images(0, 1), images(1, 0, 1), images(0, 1)).check()


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (Splits((), images()), "There are no images in train; every split must hold images of every class"),
        (Splits(("a", "b"), images(0, 1), images()), "There are no images in test"),
        (Splits(("a",), images(0, 0)), "All images are of the one class 'a', but there must be at least 2"),
        (Splits(("a", "b"), images(0, 1), images(0, 2)), "Labels in test are from 0 to 2, but must be from 0 to 1: there are 2"),
        (Splits(("a", "b"), images(0, -1)), "Labels in train are from -1 to 0, but must be from 0 to 1"),
        (Splits(("a", "b", "c"), images(0, 1), images(0, 2)), "differ: train has none of 'c'; test has none of 'b'. Every split"),
        (
            Splits(tuple("abcdefghijk"), images(0)),
            "^There are no images of 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i' and 2 more; add some, or",
        ),
        (
            Splits(("a", "b"), images(0, 1), validation=images(0, 1, shape=(3, 4, 4))),
            r"train are \(1, 4, 4\) \(channels, height, width\), but those in validation are \(3, 4, 4\)",
        ),
    ],
)
def test_splits_that_no_classifier_can_be_trained_on_are_refused(splits: Splits, message: str) -> None:
    with pytest.raises(DataError, match=message):
        splits.check()
