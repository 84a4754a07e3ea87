from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from archsmith.errors import DataError
from archsmith.evaluation.data import Dataset, load
from archsmith.spec import DataSpec
from archsmith.values.findings import Finding

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (120, 6, 6), dtype=np.uint8)
Y = np.arange(120) % 3
OTHERS = RNG.integers(0, 256, (30, 6, 6), dtype=np.uint8)


def read(folder: Path, *, clean: bool = True, **arrays: Any) -> Dataset:
    np.savez(folder / "a.npz", **arrays)
    return load(DataSpec(name="npz", path=str(folder / "a.npz"), clean=clean), seed=0)


def pixels(dataset: Dataset, split: str) -> set[bytes]:
    return {image.numpy().tobytes() for image in getattr(dataset, split).images}


def kinds(dataset: Dataset) -> list[tuple[str, int]]:
    return [(finding.kind, finding.n) for finding in dataset.findings]


def test_of_data_without_faults_nothing_is_left_out(tmp_path: Path) -> None:
    plain, clean = (read(tmp_path, x=X, y=Y, clean=clean) for clean in (False, True))
    assert torch.equal(plain.train.images, clean.train.images)
    assert torch.equal(plain.validation.images, clean.validation.images)
    assert plain.digest == clean.digest
    assert clean.findings == ()


@pytest.mark.parametrize("split", ["test", "validation"])
def test_training_images_that_are_elsewhere_too_are_left_out_whatever_their_label(tmp_path: Path, split: str) -> None:
    other = {"test": "validation", "validation": "test"}[split]
    given = {f"x_{split}": np.concatenate([OTHERS, X[[5, 7]]]), f"y_{split}": np.arange(32) % 3}
    given |= {f"x_{other}": OTHERS[::-1] // 2, f"y_{other}": np.arange(30) % 3}
    plain, clean = (read(tmp_path, x_train=X, y_train=Y, **given, clean=clean) for clean in (False, True))
    assert len(plain.train) - len(clean.train) == 2
    assert not pixels(clean, "train") & pixels(clean, split)
    assert len(getattr(clean, split)) == 32
    assert clean.digest != plain.digest
    (finding,) = clean.findings
    assert finding == Finding(
        "leakage",
        f"2 training images are also {split} images, pixel for pixel (x_train[5] is x_{split}[30]; x_train[7] is x_{split}[31]), "
        "and were left out of training.",
        2,
        (f"x_train[5] is x_{split}[30]", f"x_train[7] is x_{split}[31]"),
    )


def test_copies_of_images_that_were_set_aside_to_test_are_not_trained_on(tmp_path: Path) -> None:
    """Each image three times: whichever is drawn for testing, its copies are in training."""
    x, y = np.concatenate([X, X, X]), np.concatenate([Y, Y, Y])
    plain, clean = (read(tmp_path, x=x, y=y, clean=clean) for clean in (False, True))
    assert torch.equal(plain.test.images, clean.test.images)
    assert torch.equal(plain.test.labels, clean.test.labels)
    test = pixels(clean, "test")
    assert not (pixels(clean, "train") | pixels(clean, "validation")) & test
    assert not pixels(clean, "train") & pixels(clean, "validation")
    assert pixels(clean, "train") | pixels(clean, "validation") | test == {image.tobytes() for image in X}
    assert len(clean.train) + len(clean.validation) == len(X) - len(test)
    n_leaks = sum(image.tobytes() in test for image in x) - len(plain.test)
    assert kinds(clean) == [("leakage", n_leaks), ("duplicates", len(x) - len(plain.test) - n_leaks - (len(X) - len(test)))]


def test_images_with_contradicting_labels_are_left_out_all_of_them(tmp_path: Path) -> None:
    x = X.copy()
    x[10], x[11] = x[9], x[9]
    clean = read(tmp_path, x_train=x, y_train=Y, x_test=OTHERS, y_test=np.arange(30) % 3)
    assert x[9].tobytes() not in pixels(clean, "train") | pixels(clean, "validation")
    (finding,) = clean.findings
    assert (finding.kind, finding.n) == ("contradiction", 3)
    assert finding.examples[0] == "x_train[9] in '0' and '1' and '2'"
    assert finding.text.endswith(
        "nobody can tell which label is right (" + "; ".join(finding.examples) + "), and were left out of training."
    )


def test_a_class_that_shows_one_picture_keeps_what_it_needs(tmp_path: Path) -> None:
    x = X.copy()
    x[Y == 1] = x[1]
    clean = read(tmp_path, x=x, y=Y)
    assert [counts[1] for counts in (clean.counts("train"), clean.counts("validation"))] == [1, 1]
    assert clean.findings[-1] == Finding(
        "constant", "So little would be left of '1' that 2 such training images were kept.", 2, ("1",)
    )
    assert all("data.clean" not in finding.text for finding in clean.facts.findings)


@pytest.mark.parametrize(("given", "needed"), [({}, 3), ({"x_test": OTHERS, "y_test": np.arange(30) % 3}, 2)])
def test_a_class_with_too_few_images_is_left_out_where_it_is_an_error_else(
    tmp_path: Path, given: dict[str, Any], needed: int
) -> None:
    few = Y == 2
    kept = ~few | (np.cumsum(few) <= needed - 1)
    with pytest.raises(DataError, match="The class '2' has"):
        read(tmp_path, x_train=X[kept], y_train=Y[kept], **given, clean=False)
    clean = read(tmp_path, x_train=X[kept], y_train=Y[kept], **given)
    assert clean.classes == ("0", "1")
    assert {int(label) for label in clean.test.labels} == {0, 1}
    also = ", and one in test" if given else ""
    aside = "validation" if given else "test and validation"
    assert clean.findings == (
        Finding(
            "single",
            "The class '2' has too few images and was left out altogether: a class needs "
            f"{needed} training images, as some are set aside for {aside}{also}.",
            1,
            ("2",),
        ),
    )
    whole = sum(len(getattr(clean, split)) for split in ("train", "validation", "test"))
    assert whole == (~few).sum() + (20 if given else 0)


def test_a_class_that_is_not_in_every_split_is_left_out_and_the_others_keep_their_labels(tmp_path: Path) -> None:
    labels = np.arange(30) % 2 * 2
    clean = read(tmp_path, x_train=X, y_train=Y, x_test=OTHERS, y_test=labels)
    assert clean.classes == ("0", "2")
    assert clean.test.labels.tolist() == (labels // 2).tolist()
    by_pixels = {image.tobytes(): label for image, label in zip(X, Y, strict=True)}
    for image, label in zip(clean.train.images, clean.train.labels, strict=True):
        assert by_pixels[image.numpy().tobytes()] == 2 * int(label)
    assert (
        clean.names["train"][0]
        == f"x_train[{next(k for k in range(120) if X[k].tobytes() == clean.train.images[0].numpy().tobytes())}]"
    )


def test_where_no_two_classes_are_left_the_error_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="The class '1' has 1 image"):
        read(tmp_path, x=X[:21], y=np.arange(21) // 20)


def test_damaged_files_and_empty_folders_are_left_out_and_named(tmp_path: Path) -> None:
    for k in range(60):
        place = tmp_path / ("ant", "bee")[k % 2]
        place.mkdir(exist_ok=True)
        Image.fromarray(X[k]).save(place / f"{k}.png")
    (tmp_path / "ant" / "0.png").write_bytes((tmp_path / "ant" / "0.png").read_bytes()[:50])
    (tmp_path / "cow").mkdir()
    spec = DataSpec(name="folder", path=str(tmp_path))
    with pytest.raises(DataError, match=r"ant/0.png can't be read"):
        load(spec, seed=0)
    clean = load(spec.model_copy(update={"clean": True}), seed=0)
    assert clean.classes == ("ant", "bee")
    assert [(each.kind, each.n, each.examples) for each in clean.findings] == [
        ("unreadable", 1, ("ant/0.png",)),
        ("single", 1, ("cow",)),
    ]
    assert clean.findings[0].text == "1 file can't be read as an image and was left out: ant/0.png."
    assert sum(map(clean.facts.n, ("train", "validation", "test"))) == 59
