from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsmith.errors import DataError
from archsmith.evaluation.data import Splits, load
from archsmith.evaluation.data.arrays import read_npz
from archsmith.spec import DataSpec

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (12, 6, 7), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (12, 3, 6, 7), dtype=np.uint8)
Y = np.arange(12) % 3


def read(tmp_path: Path, **arrays: Any) -> Splits:
    file = tmp_path / "arrays.npz"
    np.savez(file, **arrays)
    return read_npz(DataSpec(name="npz", path=str(file)), file)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (GREY[:, None], GREY[:, None]),
        (COLOUR, COLOUR),
        (COLOUR.transpose(0, 2, 3, 1), COLOUR),
        (COLOUR / 255, COLOUR),
        ((COLOUR / 255).astype(np.float32).transpose(0, 2, 3, 1), COLOUR),
    ],
    ids=["NHW", "NHW1", "N1HW", "N3HW", "NHW3", "float64", "float32 NHW3"],
)
def test_images_are_read_in_every_layout(tmp_path: Path, x: np.ndarray, expected: np.ndarray) -> None:
    splits = read(tmp_path, x=x, y=Y)
    np.testing.assert_array_equal(splits.train.images.numpy(), expected)
    assert splits.train.labels.tolist() == Y.tolist()


def test_labels_may_be_a_column_of_any_integers(tmp_path: Path) -> None:
    assert read(tmp_path, x=GREY, y=Y[:, None].astype(np.int16)).train.labels.tolist() == Y.tolist()


def test_classes_are_named_by_their_numbers_or_by_the_array_classes(tmp_path: Path) -> None:
    assert read(tmp_path, x=GREY, y=Y).classes == ("0", "1", "2")
    assert read(tmp_path, x=GREY, y=Y, classes=["cat", "dog", "emu"]).classes == ("cat", "dog", "emu")


def test_splits_that_the_file_has_are_kept(tmp_path: Path) -> None:
    splits = read(tmp_path, x_train=GREY, y_train=Y, x_test=GREY[:6], y_test=Y[:6], x_validation=GREY[3:], y_validation=Y[3:])
    assert {name: len(images) for name, images in splits.named.items()} == {"train": 12, "test": 6, "validation": 9}
    data = load(DataSpec(name="npz", path=str(tmp_path / "arrays.npz")), seed=0)
    assert (len(data.train), len(data.test), len(data.validation)) == (12, 6, 9)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "holds nothing, but must hold x_train and y_train, or else x and y"),
        ({"x_test": GREY, "y_test": Y}, "holds x_test, y_test, but must hold x_train and y_train"),
        ({"x": GREY, "y": Y, "x_train": GREY, "y_train": Y}, "but must hold x_train and y_train, or else x and y"),
        ({"x": GREY}, "holds the array 'x', but not 'y'; images and labels go together"),
        ({"x": GREY, "y": Y, "y_test": Y}, "holds the array 'y_test', but not 'x_test'"),
        ({"x": GREY, "y": Y, "x_tests": GREY}, "Unknown array 'x_tests'; valid: .* Did you mean 'x_test'"),
        ({"x": GREY, "y": Y[:5]}, "`x` has 12 images, but `y` 5 labels"),
        ({"x": GREY.astype(int), "y": Y}, r"`x` of .* is int64, but must be uint8, or floats in \[0, 1\]"),
        ({"x": GREY.astype(float), "y": Y}, r"has floats from 0 to 255, but must be in \[0, 1\]; scale it"),
        ({"x": GREY / -255, "y": Y}, "has floats from -1 to -?0, but must be"),
        ({"x": np.where(np.arange(12)[:, None, None] == 7, np.nan, GREY / 255), "y": Y}, "NaN or infinite values, .* in image 7"),
        ({"x": COLOUR[:, :, 0, 0], "y": Y}, r"has the shape \(12, 3\), but must be \(N, H, W\), .* 1 to 4 channels"),
        ({"x": np.zeros((12, 9, 9, 9), np.uint8), "y": Y}, r"has the shape \(12, 9, 9, 9\), but must be"),
        ({"x": np.zeros((12, 3, 9, 3), np.uint8), "y": Y}, r"has the shape \(12, 3, 9, 3\), but must be"),
        (
            {"x": GREY, "y": Y / 2},
            r"`y` of .* is float64 of shape \(12,\), but must be \(N,\), integers from 0; names of classes",
        ),
        ({"x": GREY, "y": np.array(["cat", "dog"] * 6)}, "is <U3 of shape"),
        ({"x": GREY, "y": np.eye(12, dtype=int)}, r"is int64 of shape \(12, 12\), but must be"),
        ({"x": GREY, "y": np.array([object()] * 12)}, "can't be read as an .npz file of plain arrays: Object arrays"),
    ],
)
def test_what_is_wrong_with_the_arrays_is_said(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, **arrays)


def test_a_missing_file_is_named_with_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=f"There is nothing at {tmp_path}/none.npz; `data.path` is 'none.npz'"):
        load(DataSpec(name="npz", path="none.npz"), seed=0)


@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\x03\x04 cut off"])
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other.npz"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"other.npz can't be read as an .npz file of plain arrays"):
        read_npz(DataSpec(name="npz", path=str(file)), file)


def test_a_single_array_is_not_an_npz_file(tmp_path: Path) -> None:
    file = tmp_path / "one.npy"
    np.save(file, GREY)
    with pytest.raises(DataError, match=r"one.npy can't be read as an .npz file of plain arrays: it is a single array"):
        read_npz(DataSpec(name="npz", path=str(file)), file)


def test_labels_beyond_the_classes_are_refused(tmp_path: Path) -> None:
    read(tmp_path, x=GREY, y=Y, classes=["cat", "dog"])
    with pytest.raises(DataError, match="Labels in train are from 0 to 2, but must be from 0 to 1: there are 2 classes"):
        load(DataSpec(name="npz", path=str(tmp_path / "arrays.npz")), seed=0)


def test_an_empty_file_of_arrays_is_refused(tmp_path: Path) -> None:
    read(tmp_path, x=GREY[:0], y=Y[:0])
    with pytest.raises(DataError, match="There are no images in train"):
        load(DataSpec(name="npz", path=str(tmp_path / "arrays.npz")), seed=0)
