import os
from pathlib import Path

import pytest

from archsmith.errors import DataError
from archsmith.evaluation.data.layout import Layout, find_layout, split_named
from archsmith.evaluation.data.tree import File, Parts, Tree
from archsmith.values.data_facts import LeftOut


def layout(*names: str, folders: tuple[str, ...] = ()) -> Layout:
    files = [File(tuple(name.split("/")), Path(name), name) for name in names]
    return find_layout(Tree.of("root", files, [tuple(folder.split("/")) for folder in folders]))


def found(made: Layout) -> dict[str, tuple[str, str]]:
    return {each.file.shown: (each.split, made.classes[each.label]) for each in made.files}


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "validation", "test"),
        ("train", "valid", "test"),
        ("train", "val", "test"),
        ("Train", "VAL", "Testing"),
        ("training_set", "dev", "test_set"),
        ("train-data", "validation_images", "test data"),
        ("train2017", "val_2017", "test1"),
    ],
)
def test_folders_of_splits_are_known_by_their_common_names_in_any_case(train: str, validation: str, test: str) -> None:
    names = [f"{split}/{name}/1.png" for split in (train, validation, test) for name in ("cat", "dog")]
    made = layout(*names)
    expected = [(split, name) for split in ("train", "validation", "test") for name in ("cat", "dog")]
    assert found(made) == dict(zip(names, expected, strict=True))
    assert list(made.splits.values()) == [train, validation, test]
    assert (made.left_out, made.warnings) == ((), ())


@pytest.mark.parametrize("name", ["trainer", "attest", "value", "tests", "trainer2", "test12345", "cat", ""])
def test_other_names_are_none_of_splits(name: str) -> None:
    assert split_named(name) is None


def test_a_foreign_folder_beside_the_splits_turns_them_not_off_and_is_told_of() -> None:
    made = layout("train/cat/1.png", "train/dog/1.png", "unlabelled/1.png", "unlabelled/x/2.png", folders=("__MACOSX/train",))
    assert found(made) == {"train/cat/1.png": ("train", "cat"), "train/dog/1.png": ("train", "dog")}
    assert made.left_out == (LeftOut("unlabelled", "no split", 2),)
    assert made.warnings == ("'__MACOSX' and 'unlabelled' are neither train nor validation nor test, and were left out.",)


def test_a_folder_that_an_archive_left_behind_is_no_class() -> None:
    made = layout("cat/1.png", "dog/1.png", "__MACOSX/cat/1.png", "cat/__pycache__/x")
    assert made.classes == ("cat", "dog")
    assert made.left_out == (
        LeftOut("__MACOSX", "left behind by a system or tool", 1), LeftOut("cat", "left behind by a system or tool", 1)
    )  # fmt: skip
    assert made.warnings == ("'__MACOSX' is no class, and was left out.",)


def test_files_in_no_class_are_counted() -> None:
    made = layout("train/cat/1.png", "train/dog/1.png", "train/1.png", "readme.md", "train/2.png")
    assert made.left_out == (LeftOut(".", "in no class's folder", 1), LeftOut("train", "in no class's folder", 2))
    assert layout("cat/1.png", "dog/1.png", "1.png").left_out == (LeftOut(".", "in no class's folder", 1),)


def test_sub_folders_of_a_class_are_part_of_it() -> None:
    assert found(layout("cat/a/b/1.png", "cat/2.png", "dog/train.png")) == {
        "cat/a/b/1.png": ("train", "cat"), "cat/2.png": ("train", "cat"), "dog/train.png": ("train", "dog")
    }  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [
        ("train/1.png", "bus/1.png"),
        ("train/1.png", "train/steam/1.png", "bus/1.png"),
        ("test/1.png", "control/1.png"),
        ("val/1.png", "Don/1.png", "test/1.png"),
    ],
)
def test_classes_may_be_called_as_splits_are_where_they_can_not_be_meant(names: tuple[str, ...]) -> None:
    assert layout(*names).classes == tuple(sorted({name.split("/")[0] for name in names}))


def test_notes_in_the_folder_of_a_split_make_it_no_class() -> None:
    assert layout("train/cat/1.png", "train/dog/1.png", "train/labels.csv", "unlabelled/1.png").classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("names", "folders", "message"),
    [
        (("train/1.png", "test/1.png", "valid/1.png"), (), r"^root/train holds files, but no folders. Expected is a"),
        (("train/cat.1.png", "test1/1.png"), (), r"^root/train holds files, but no folders. Expected is a"),
        (("train/images/cat/1.png", "train/images/dog/1.png", "val/images/cat/1.png", "val/images/dog/1.png"), (),
         r"root/train holds the one folder 'images', and that one 'cat' and 'dog'; if these are meant, move them up"),
        (("train/cat/1.png", "test/1.png"), (), r"root/test holds files, but no folders. .* A split without labels can't"),
        (("train/cat/1.png", "train/dog/1.png"), ("val",), r"root/val holds nothing. Expected is"),
        (("test/cat/1.png", "valid/cat/1.png"), (), r"root holds 'test' and 'valid', but no folder called train. Expected is"),
        (("train/cat/1.png", "val/cat/1.png", "valid/cat/1.png"), (), r"'train', 'val' and 'valid', of which two mean the same"),
        (("a/train/cat/1.png", "a/test/cat/1.png"), (), r"one folder 'a', and that one 'test' and 'train'; .* to root/a"),
        (("train/train/a/1.png", "train/train/b/1.png", "test/test/a/1.png", "test/test/b/1.png"), (),
         r"root/train holds the one folder 'train', and that one 'a' and 'b'; if these are meant, move them up"),
        (("all/cat/1.png", "all/dog/1.png"), (), r"one folder 'all', and that one 'cat' and 'dog'; .* to root/all"),
    ],
)  # fmt: skip
def test_what_can_not_be_told_is_an_error_that_says_what_is_expected(
    names: tuple[str, ...], folders: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        layout(*names, folders=folders)


def test_splits_within_classes_are_warned_of() -> None:
    (warning,) = layout("cat/train/1.png", "cat/test/1.png", "dog/train/1.png").warnings
    assert warning.startswith("Folders of classes hold folders called 'test' and 'train': they were read as one and split anew")
    assert layout("cat/train/1.png", "dog/1.png").warnings == ()


def test_an_empty_folder_is_a_class_that_lacks_images() -> None:
    assert layout("cat/1.png", folders=("dog",)).classes == ("cat", "dog")
    assert layout("train/cat/1.png", folders=("train/dog",)).classes == ("cat", "dog")


def test_an_accent_beside_its_letter_is_the_same_class() -> None:
    made = layout("train/e\u0301/1.png", "test/\u00e9/1.png")
    assert (made.classes, made.warnings) == (("\u00e9",), ())
    beside = layout("e\u0301/1.png", "\u00e9/1.png", "a/1.png")
    assert beside.classes == ("a", "\u00e9")
    assert beside.warnings == (
        "There are two folders called '\u00e9', that write an accent differently; each such pair is one class.",
    )


def test_the_name_of_a_class_that_is_no_text_is_refused() -> None:
    name = os.fsdecode(b"caf\xe9")
    with pytest.raises(DataError, match=r"The name of the folder root/caf\\xe9 is not UTF-8; rename it"):
        layout(f"{name}/1.png", "dog/1.png")


def test_names_that_are_no_text_beside_the_classes_are_only_shown_so() -> None:
    made = layout("train/cat/1.png", "train/dog/1.png", os.fsdecode(b"x\xe9/1.png"))
    assert made.left_out == (LeftOut(r"x\xe9", "no split", 1),)


def test_many_files_are_told_apart_quickly() -> None:
    parts: list[Parts] = [("train", f"c{k % 100}", f"{k}.png") for k in range(20_000)]
    made = find_layout(Tree.of("root", [File(p, Path("x"), "x") for p in parts]))
    assert len(made.files) == 20_000
    assert [each.label for each in made.files] == sorted(each.label for each in made.files)
