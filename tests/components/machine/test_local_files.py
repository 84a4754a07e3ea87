from pathlib import Path

import pytest

from archsmith.errors import DataError
from archsmith.machine.local_files import find, is_remote


@pytest.fixture(name="here")
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a folder `file` beside it in which a search file may lie."""
    for name in ("here", "file"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_a_relative_path_is_one_of_the_working_directory_first_and_else_beside_the_search_file(here: Path) -> None:
    beside = here.parent / "file"
    (beside / "images").mkdir()
    assert find("images", "data.path", beside) == beside / "images"
    (here / "images").mkdir()
    assert find("images", "data.path", beside) == here / "images"
    assert find("images", "data.path", None) == here / "images"


def test_a_path_that_leads_to_nothing_is_named_with_each_place_that_was_looked_at(here: Path) -> None:
    beside = here.parent / "file"
    with pytest.raises(DataError) as caught:
        find("images", "data.path", beside)
    assert str(caught.value) == (
        f"There is nothing at {here}/images and {beside}/images; `data.path` is 'images'. "
        "A relative path begins in the working directory, or beside the search file."
    )
    with pytest.raises(DataError, match=r"^There is nothing at /none/x; `estimation.path` is '/none/x'.$"):
        find("/none/x", "estimation.path", beside)


def test_in_a_pod_a_path_that_leads_to_nothing_is_told_to_be_in_a_bucket(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    for path in ("/none/x", "images"):
        with pytest.raises(DataError, match=r"A pod has no files of your machine: .* give s3://bucket/key\.$"):
            find(path, "data.path", None)


def test_what_need_not_be_there_lies_in_the_working_directory(here: Path) -> None:
    assert find("data", "data.path", here.parent / "file", required=False) == here / "data"


def test_homes_and_uris_of_files_are_local_paths(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    (here / "my images").mkdir()
    for path in ("~/my images", f"file://{here}/my%20images", f"{here}/my images"):
        assert not is_remote(path, "data.path")
        assert find(path, "data.path", None) == here / "my images"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("~nobody-here/x", "nobody of that name has a home here"),
        (" ", r"`data.path` is ' ', but must be a path; the working directory is '.'"),
        ("a\0b", "no path holds a NUL character"),
        ("x" * 300, "can't be looked at: File name too long"),
    ],
)
def test_a_path_that_can_be_none_is_named(here: Path, path: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find(path, "data.path", None)


def test_of_uris_only_s3_and_files_are_known() -> None:
    assert is_remote("s3://bucket/key", "data.path")
    with pytest.raises(DataError, match=r"`estimation.path` is 'https://a/b', but must be a local path or begin with s3://"):
        is_remote("https://a/b", "estimation.path")
