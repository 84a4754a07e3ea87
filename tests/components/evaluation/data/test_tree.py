from pathlib import Path

import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from archsmith.errors import DataError
from archsmith.evaluation.data.layout import find_layout
from archsmith.evaluation.data.tree import walk


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_files_are_walked_and_labelled_as_torchvision_does_it(tmp_path: Path) -> None:
    names = (
        "cat/b.png",
        "cat/B.png",
        "cat/a/z.png",
        "cat/a-b/1.png",
        "cat/a/b/c/d.png",
        "Dog/é.png",
        "Dog/10.png",
        "Dog/9.png",
        "emu/x y.png",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(tmp_path / name)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "to").symlink_to(tmp_path / "cat" / "a")
    theirs, ours = ImageFolder(tmp_path), find_layout(walk(tmp_path))
    assert list(ours.classes) == theirs.classes
    assert [(str(each.file.path), each.label) for each in ours.files] == theirs.samples


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.png", "cat/._1.png", ".cache/x.png", "cat/.x/1.png")
    tree = walk(tmp_path)
    assert [file.parts for file in tree.files] == [("cat", "1.png")]
    assert tree.folders == {("cat",)}


def test_empty_folders_are_part_of_a_tree(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert walk(tmp_path).folders == {("a",), ("a", "b")}


def test_a_link_to_a_folder_above_leads_round_only_once(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.png")
    (tmp_path / "cat" / "up").symlink_to(tmp_path)
    assert [file.parts for file in walk(tmp_path).files] == [("cat", "1.png")]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    touch(tmp_path, "file")
    with pytest.raises(DataError, match=r"/file is no folder; set `data.path` to a folder that holds a folder of images a class"):
        walk(tmp_path / "file")
