"""Data as users have them, with a fault planted, read as a search reads them: each fault is named, with its files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archsmith.advice import advice_on_data
from archsmith.errors import DataError
from archsmith.evaluation.data import Dataset, load
from archsmith.search import parse
from archsmith.spec import DataSpec
from archsmith.testing.searches import TINY

CLASSES = ("ant", "bee", "cow")
Plant = Callable[[Path], None]


def picture(k: int) -> np.ndarray:
    """Return smooth noise, which is like no other."""
    noise = np.random.default_rng(k).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.array(Image.fromarray(noise).resize((12, 12), Image.Resampling.BICUBIC))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of 90 pictures to train, and 60 each to validate and to test with, of which nothing is wrong."""
    for s, (split, n) in enumerate((("train", 30), ("validation", 20), ("test", 20))):
        for c, name in enumerate(CLASSES):
            (tmp_path / split / name).mkdir(parents=True)
            for k in range(n):
                Image.fromarray(picture(1000 * c + 100 * s + k)).save(tmp_path / split / name / f"{k}.png")
    return tmp_path


def read(root: Path, *, clean: bool = False) -> Dataset:
    return load(DataSpec(name="folder", path=str(root), clean=clean), seed=0)


def copy(root: Path, source: str, target: str) -> None:
    (root / target).write_bytes((root / source).read_bytes())


def leaks(root: Path) -> None:
    for k in range(3):
        copy(root, f"test/ant/{k}.png", f"train/ant/copy-{k}.png")


def contradicts(root: Path) -> None:
    copy(root, "train/ant/0.png", "train/bee/wrong.png")


def repeats(root: Path) -> None:
    for k in range(4):
        copy(root, "train/cow/7.png", f"train/cow/again-{k}.png")


def shows_one_picture(root: Path) -> None:
    for k in range(1, 30):
        copy(root, "train/bee/0.png", f"train/bee/{k}.png")


def shows_nothing(root: Path) -> None:
    for k in range(30):
        Image.new("RGB", (12, 12), (k, 90, 200)).save(root / "train/bee" / f"{k}.png")


def is_damaged(root: Path) -> None:
    file = root / "train/cow/5.png"
    file.write_bytes(file.read_bytes()[:60])
    (root / "train/cow/6.png").write_bytes(b"")


def is_unknown(root: Path) -> None:
    (root / "train/cow/raw.heic").write_bytes(b"\0\0\0\x18ftypheic")


def has_one_image(root: Path) -> None:
    for k in range(1, 30):
        (root / "train/ant" / f"{k}.png").unlink()


def looks_the_same(root: Path) -> None:
    for k in range(3):
        image = (picture(200 + k) * 0.9 + 10).astype(np.uint8)
        Image.fromarray(image).save(root / "train/ant" / f"{20 + k}.png")


FAULTS: dict[str, tuple[Plant, str, tuple[str, ...]]] = {
    "test images in training": (
        leaks,
        "leakage",
        ("3 are also among those of training", "test/ant/0.png is train/ant/copy-0.png"),
    ),
    "contradicting labels": (contradicts, "contradiction", ("train/ant/0.png in 'ant' and train/bee/wrong.png in 'bee'",)),
    "copies": (repeats, "duplicates", ("4 are copies of others", "train/cow/again-0.png")),
    "a class that shows one picture": (shows_one_picture, "constant", ("the class 'bee' are the same, pixel for pixel",)),
    "a class that shows nothing": (shows_nothing, "constant", ("the class 'bee' are of a single colour each",)),
    "pictures that can't be read": (is_unknown, "unreadable", ("left out: 1 in train/cow",)),
    "a class with one image": (has_one_image, "single", ("'ant' has a single training image",)),
    "images that look the same": (looks_the_same, "near", ("3 validation and test images look almost like", "test/ant/0.png")),
}


def test_where_nothing_is_wrong_nothing_is_told(root: Path) -> None:
    assert read(root).facts.findings == ()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named_with_its_files_and_told_before_a_search_runs(root: Path, fault: str) -> None:
    plant, kind, said = FAULTS[fault]
    plant(root)
    facts = read(root).facts
    (finding,) = (finding for finding in facts.findings if finding.kind == kind)
    assert all(words in finding.text for words in said)
    assert finding.text in advice_on_data(parse(TINY), facts)


def test_damaged_files_are_an_error_that_names_the_first_and_are_left_out_and_named_where_that_is_asked_for(root: Path) -> None:
    is_damaged(root)
    with pytest.raises(DataError, match=r"cow/5.png can't be read"):
        read(root)
    (finding,) = (finding for finding in read(root, clean=True).findings if finding.kind == "unreadable")
    assert finding.text == "2 files can't be read as images and were left out: train/cow/5.png, train/cow/6.png."


def test_all_faults_at_once_are_told_and_cleaned_and_the_test_stays_as_it_was(root: Path) -> None:
    for plant in (leaks, contradicts, repeats, is_unknown):
        plant(root)
    before = read(root)
    assert {"leakage", "contradiction", "duplicates", "unreadable"} <= {finding.kind for finding in before.facts.findings}
    clean = read(root, clean=True)
    told = {finding.kind: finding for finding in clean.facts.findings}
    assert {kind: told[kind].n for kind in ("leakage", "contradiction", "duplicates")} == {
        "leakage": 3, "contradiction": 2, "duplicates": 4,
    }  # fmt: skip
    assert all(told[kind].text.endswith("left out of training.") for kind in ("leakage", "contradiction", "duplicates"))
    assert len(clean.test) == len(before.test) == 60
    assert len(before.train) - len(clean.train) == 9


@pytest.mark.parametrize("split", ["own", "drawn"])
def test_the_same_faults_are_named_in_arrays(tmp_path: Path, split: str) -> None:
    x, y = np.stack([picture(k) for k in range(150)]), np.arange(150) % 3
    x[y == 2] = x[2]
    x[30], x[60] = x[0], x[31]  # a copy; and the same under another label
    arrays = {"x_train": x[:120], "y_train": y[:120], "x_test": x[120:].copy(), "y_test": y[120:]}
    arrays["x_test"][0] = x[1]
    np.savez(tmp_path / "a.npz", **(arrays if split == "own" else {"x": x, "y": y}))
    facts = load(DataSpec(name="npz", path=str(tmp_path / "a.npz")), seed=0).facts
    told = {finding.kind for finding in facts.findings}
    assert {"leakage", "contradiction", "duplicates", "constant"} <= told
    array = "x_train[" if split == "own" else "x["
    assert any(array in example for finding in facts.findings for example in finding.examples)
