import contextlib
import zipfile
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
        ({"x": GREY}, "holds x, and so 'x', but not 'y'; images and labels go together"),
        ({"x": GREY, "y": Y, "y_test": Y}, "holds x, y, y_test, and so 'y_test', but not 'x_test'"),
        ({"x": GREY, "y": Y, "x_tests": GREY}, "Unknown array 'x_tests'; valid: .* Did you mean 'x_test'"),
        ({"x": GREY, "y": Y[:5]}, "`x` has 12 images, but `y` 5 labels"),
        (
            {"x": GREY.astype(int) * 16, "y": Y},
            r"`x` of .* is int64 with values from \d+ to 4\d\d\d, but .* from 0 to 255, or else uint16. Make",
        ),
        ({"x": GREY.astype(np.int16) - 128, "y": Y}, r"is int16 with values from -12\d to 12\d, but whole numbers must be"),
        ({"x": GREY.astype(complex), "y": Y}, "is complex128, but images are numbers; uint8, uint16, or floats"),
        ({"x": GREY.astype(str), "y": Y}, "is <U3, but images are numbers"),
        ({"x": GREY.astype(float), "y": Y}, r"has floats from 0 to 255, but must be in \[0, 1\]; scale it: x / 255\."),
        ({"x": GREY / -255, "y": Y}, "has floats from -1 to -?0, but must be"),
        ({"x": np.where(np.arange(12)[:, None, None] == 7, np.nan, GREY / 255), "y": Y}, "NaN or infinite values, .* in image 7"),
        ({"x": COLOUR[:, :, 0, 0], "y": Y}, r"has the shape \(12, 3\), but must be \(N, H, W\), .* 1 to 4 channels"),
        ({"x": GREY[:, :0], "y": Y}, r"has the shape \(12, 0, \d\), but must be"),
        ({"x": COLOUR[:, :, :0], "y": Y}, r"has the shape \(12, 3, 0, \d\), but must be"),
        ({"x": np.zeros((12, 9, 9, 9), np.uint8), "y": Y}, r"has the shape \(12, 9, 9, 9\), but must be"),
        ({"x": np.zeros((12, 3, 9, 3), np.uint8), "y": Y}, r"has the shape \(12, 3, 9, 3\), but must be"),
        (
            {"x": GREY, "y": np.array([object()] * 12)},
            r"The array 'y' in .* holds Python objects, .* np.array\(list\(labels\)\)",
        ),
        ({"x": np.array([GREY[0], GREY[1, :3]] * 6, dtype=object), "y": Y}, r"array 'x' in .* holds Python objects, .* np.stack"),
        ({"x": GREY, "images": GREY, "y": Y}, "holds x, images, y, of which two mean `x`; keep one"),
    ],
)
def test_what_is_wrong_with_the_arrays_is_said(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, **arrays)


def test_a_missing_file_is_named_with_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=f"There is nothing at {tmp_path}/none.npz; `data.path` is 'none.npz'"):
        load(DataSpec(name="npz", path="none.npz"), seed=0)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"no arrays", "begins with b'no arrays'"),
        (b"PK\x03\x04 cut off", "is cut off, or damaged"),
        (b"\x93NUMPY\x01\x00", "holds a single array, as an .npy file does"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "other.npz"
    file.write_bytes(content)
    with pytest.raises(
        DataError, match=rf"other.npz is no .npz file: it {what}. np.savez\(path, x=images, y=labels\) writes what"
    ):
        read_npz(DataSpec(name="npz", path=str(file)), file)


def test_a_damaged_array_is_named(tmp_path: Path) -> None:
    read(tmp_path, x=GREY, y=Y)
    file = tmp_path / "arrays.npz"
    whole = file.read_bytes()
    for k in range(0, len(whole), 11):
        file.write_bytes(whole[:k] + bytes((whole[k] ^ 0xFF,)) + whole[k + 1 :])
        with contextlib.suppress(DataError):
            read_npz(DataSpec(name="npz", path=str(file)), file)
    at = whole.index(GREY[0].tobytes())
    file.write_bytes(whole[:at] + b"x" + whole[at + 1 :])
    with pytest.raises(
        DataError, match=r"The array 'x' in .*arrays.npz can't be read: it is damaged \(Bad CRC-32 .*\)\. Write the"
    ):
        read_npz(DataSpec(name="npz", path=str(file)), file)


def test_arrays_that_would_fill_the_memory_are_not_even_begun(tmp_path: Path) -> None:
    file = tmp_path / "bomb.npz"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("x.npy", "y.npy"):
            info = zipfile.ZipInfo(name)
            with archive.open(info, "w", force_zip64=True) as member:
                member.write(b"\x93NUMPY")
            info.file_size = 2**50
    with pytest.raises(DataError, match=r"The arrays in .*bomb.npz take 2,251,799.8 GB, but .* GB of memory are free here"):
        read_npz(DataSpec(name="npz", path=str(file)), file)


def test_what_is_no_array_is_named(tmp_path: Path) -> None:
    file = tmp_path / "word.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<xml/>")
    with pytest.raises(DataError, match=r"holds '\[Content_Types\].xml', which is no array; an .npz file is written by np.savez"):
        read_npz(DataSpec(name="npz", path=str(file)), file)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (GREY > 99, np.where(GREY > 99, 255, 0)),
        (GREY.astype(np.uint16), GREY),
        (GREY.astype(np.int64), GREY),
        (GREY.astype(np.uint16) * 257, GREY),
        ((GREY / 255).astype(np.float16), GREY),
        (np.full((12, 6, 7), 1 + 1e-7), np.full((12, 6, 7), 255)),
    ],
    ids=["booleans", "uint16 of bytes", "int64 of bytes", "16 bits", "float16", "floats that were computed"],
)
def test_numbers_of_every_kind_are_read_without_loss(tmp_path: Path, x: np.ndarray, expected: np.ndarray) -> None:
    splits = read(tmp_path, x=x, y=Y)
    np.testing.assert_array_equal(splits.train.images.numpy()[:, 0], expected)
    assert splits.warnings == ()


def test_all_splits_are_scaled_alike_and_dark_ones_of_sixteen_bits_are_warned_of(tmp_path: Path) -> None:
    deep = GREY.astype(np.uint16) * 257
    splits = read(tmp_path, x_train=deep, y_train=Y, x_test=deep // 300, y_test=Y)
    assert splits.test is not None
    np.testing.assert_array_equal(splits.test.images.numpy()[:, 0], np.round(deep // 300 / 257))
    (warning,) = read(tmp_path, x=GREY.astype(np.uint16) * 16, y=Y).warnings
    assert "values up to 4,080 only" in warning
    assert "of 12 bits, multiply them by 16 before" in warning


@pytest.mark.parametrize(
    "names",
    [
        ("train_images", "train_labels", "val_images", "val_labels"),  # as MedMNIST has them
        ("X_train", "Y_train", "X_valid", "Y_valid"),
        ("images", "labels", "images_val", "labels_val"),
        ("data", "target", "validation_data", "validation_target"),
    ],
)
def test_arrays_may_have_other_common_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    splits = read(tmp_path, **dict(zip(names, (GREY, Y[:, None], GREY[3:], Y[3:, None]), strict=True)))
    assert {name: len(images) for name, images in splits.named.items()} == {"train": 12, "validation": 9}


def test_an_array_of_something_else_is_left_out_with_a_warning(tmp_path: Path) -> None:
    assert read(tmp_path, x=GREY, y=Y, ids=Y).warnings == (
        f"The array 'ids' in {tmp_path}/arrays.npz is neither images nor labels, and was left out.",
    )


def test_an_empty_file_of_arrays_is_refused(tmp_path: Path) -> None:
    read(tmp_path, x=GREY[:0], y=Y[:0])
    with pytest.raises(DataError, match="There are no images in train"):
        load(DataSpec(name="npz", path=str(tmp_path / "arrays.npz")), seed=0)
