import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from archsmith.errors import DataError, UnavailableError
from archsmith.evaluation.data.remote import Cache
from archsmith.stores.s3_objects import S3Objects
from archsmith.testing.buckets import InMemoryBucket, InMemoryObject
from archsmith.testing.minio import MinioServer

Bucket = InMemoryBucket


@pytest.fixture(name="cache")
def _cache(tmp_path: Path) -> Callable[..., Cache]:
    return lambda objects, **options: Cache(
        (objects if isinstance(objects, Bucket) else Bucket(objects)).open, tmp_path, **options
    )


def contents(place: Path) -> dict[str, bytes]:
    return {str(file.relative_to(place)): file.read_bytes() for file in place.rglob("*") if file.is_file()}


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


IMAGES = {"a/images/cat/0.png": b"cat", "a/images/dog/0.png": b"dog", "a/images2/x.png": b"other", "a/images/": b""}


@pytest.mark.parametrize("uri", ["s3://bucket/a/b/data.csv.gz", "s3://bucket/data.npz", "s3://bucket/data.npz/"])
def test_an_object_becomes_a_file_with_its_ending(cache: Callable[..., Cache], uri: str) -> None:
    key = uri.removeprefix("s3://bucket/").rstrip("/")
    file = cache({key: b"data", f"{key}.md5": b"other", f"{key}/below": b"other"}).file(uri)
    assert file.read_bytes() == b"data"
    assert "".join(file.suffixes) == "".join(Path(key).suffixes)


@pytest.mark.parametrize("uri", ["s3://bucket/a/images", "s3://bucket/a/images/"])
def test_a_prefix_becomes_a_tree_and_a_folder_of_what_is_below_it(cache: Callable[..., Cache], uri: str) -> None:
    tree = cache(IMAGES).tree(uri)
    assert [(file.parts, file.shown, file.path.read_bytes()) for file in tree.files] == [
        (("cat", "0.png"), "s3://bucket/a/images/cat/0.png", b"cat"),
        (("dog", "0.png"), "s3://bucket/a/images/dog/0.png", b"dog"),
    ]
    assert tree.root == "s3://bucket/a/images"
    assert contents(cache(IMAGES).folder(uri)) == {"cat/0.png": b"cat", "dog/0.png": b"dog"}


def test_a_whole_bucket_becomes_a_folder(cache: Callable[..., Cache]) -> None:
    assert contents(cache({"cat/0.png": b"cat"}).folder("s3://bucket")) == {"cat/0.png": b"cat"}


def test_a_version_is_fetched_once_and_a_new_one_is_seen(cache: Callable[..., Cache]) -> None:
    bucket = Bucket(dict(IMAGES))
    first = cache(bucket).folder("s3://bucket/a/images")
    assert cache(bucket).folder("s3://bucket/a/images") == first
    assert sorted(bucket.fetched) == ["a/images/cat/0.png", "a/images/dog/0.png"]
    bucket.objects["a/images/cat/0.png"] = b"new"
    assert contents(cache(bucket).folder("s3://bucket/a/images")) == {"cat/0.png": b"new", "dog/0.png": b"dog"}
    assert contents(first) == {"cat/0.png": b"cat", "dog/0.png": b"dog"}
    assert len(bucket.fetched) == 3


def test_a_new_object_in_a_real_bucket_is_seen_and_what_a_system_left_there_is_passed_over(
    minio_server: MinioServer, tmp_path: Path
) -> None:
    name = minio_server.new_bucket()

    def put(key: str, data: bytes) -> None:
        minio_server.client().put_object(name, key, io.BytesIO(data), len(data))

    def look() -> dict[str, bytes]:
        tree = Cache(lambda bucket: S3Objects.open(bucket, minio_server.environ), tmp_path).tree(f"s3://{name}/d")
        return {file.shown.removeprefix(f"s3://{name}/"): file.path.read_bytes() for file in tree.files}

    for key in ("d/cat/1.png", "d/.DS_Store", "d/cat/.x/1.png", "d/Ä b/#1?.png"):
        put(key, key.encode())
    assert look() == {"d/cat/1.png": b"d/cat/1.png", "d/Ä b/#1?.png": "d/Ä b/#1?.png".encode()}
    put("d/cat/1.png", b"new")
    assert look()["d/cat/1.png"] == b"new"


def test_the_same_key_on_another_server_is_another_object(cache: Callable[..., Cache]) -> None:
    here, there = Bucket({"t.csv": b"12"}), Bucket({"t.csv": b"12"}, "http://there")
    assert cache(here).file("s3://bucket/t.csv") != cache(there).file("s3://bucket/t.csv")
    assert there.fetched == ["t.csv"]


def test_hidden_objects_are_passed_over_and_not_even_fetched(cache: Callable[..., Cache]) -> None:
    bucket = Bucket({**IMAGES, "a/images/.DS_Store": b"x", "a/images/cat/.hidden/1.png": b"x", "a/images/x/../../evil": b"x"})
    assert [file.parts for file in cache(bucket).tree("s3://bucket/a/images").files] == [("cat", "0.png"), ("dog", "0.png")]
    assert len(bucket.fetched) == 2
    assert cache({".data/x/0.png": b"cat"}).tree("s3://bucket/.data").files[0].parts == ("x", "0.png")  # asked for by its name


STRANGE = {
    "a//b": ("a", "b"), "/first": ("first",), "a/b": ("a", "b"), "a": ("a",), "a\x01b\\c\td": ("a\x01b\\c\td",),
    "Ä/é\u0301 💡+%2F": ("Ä", "é\u0301 💡+%2F"), "C:/con": ("C:", "con"), "x" * 600: ("x" * 600,), "a\0b": ("a\0b",),
    "-rf": ("-rf",), "q?x=1&y#z": ("q?x=1&y#z",),
}  # fmt: skip


def test_any_key_is_read_and_nothing_is_written_outside_of_the_cache(cache: Callable[..., Cache], tmp_path: Path) -> None:
    tree = cache({f"d/{key}": key.encode() for key in STRANGE}).tree("s3://bucket/d")
    assert {file.shown.removeprefix("s3://bucket/d/"): (file.parts, file.path.read_text()) for file in tree.files} == {
        key: (parts, key) for key, parts in STRANGE.items()
    }
    assert all(file.path.is_relative_to(tmp_path / "objects") for file in tree.files)


def test_in_a_folder_objects_whose_keys_can_be_no_names_are_left_out(cache: Callable[..., Cache]) -> None:
    assert contents(cache(dict.fromkeys(("a", "a/b", "x" * 256, "a\x00b", "c//d", "c/d"), b"")).folder("s3://bucket")) == {
        "a": b"", "c/d": b""
    }  # fmt: skip


def test_marks_of_folders_and_objects_without_a_name_are_no_files(cache: Callable[..., Cache]) -> None:
    tree = cache({"d/": b"", "d/empty/": b"", "d/odd/": b"content", "d/cat/0.png": b"x"}).tree("s3://bucket/d")
    assert [file.parts for file in tree.files] == [("cat", "0.png")]
    assert tree.folders == {("empty",), ("odd",), ("cat",)}


def test_a_fetch_that_breaks_off_leaves_nothing_behind(cache: Callable[..., Cache], tmp_path: Path) -> None:
    class Broken(Bucket):
        def read(self, listed: InMemoryObject) -> bytes:
            raise UnavailableError("gone")

    with pytest.raises(UnavailableError, match="gone"):
        cache(Broken(IMAGES)).folder("s3://bucket/a/images")
    assert files(tmp_path) == []


def test_of_two_fetches_at_once_both_end_with_the_same_folder(cache: Callable[..., Cache], tmp_path: Path) -> None:
    uri = "s3://bucket/a/images"

    class Slow(Bucket):
        """While it is asked for its objects, another process has fetched them all."""

        def read(self, listed: InMemoryObject) -> bytes:
            cache(IMAGES).folder(uri)
            return super().read(listed)

    assert contents(cache(Slow(dict(IMAGES))).folder(uri)) == {"cat/0.png": b"cat", "dog/0.png": b"dog"}
    assert len(list((tmp_path / "folders").iterdir())) == 1


def test_what_was_replaced_or_not_used_for_a_month_is_removed_when_something_is_fetched(
    cache: Callable[..., Cache], tmp_path: Path
) -> None:
    bucket, day = Bucket({"used": b"1", "unused": b"1"}), [1e9]

    def get(key: str, on: float) -> Path:
        day[0] = 1e9 + on * 86400
        path = cache(bucket, now=lambda: day[0]).file(f"s3://bucket/{key}")
        if on == 0:
            os.utime(path, (day[0], day[0]))  # the file system's clock is that of today
        return path

    old, unused = get("used", 0), get("unused", 0)
    bucket.objects["used"] = b"22"
    new = get("used", 0.5)
    os.utime(new, (day[0], day[0]))
    assert old.exists()  # another process may still read it
    bucket.objects["other"] = b"3"
    os.utime(get("other", 2), (day[0], day[0]))
    assert (old.exists(), new.exists(), unused.exists()) == (False, True, True)
    assert get("used", 20) == new
    bucket.objects["more"] = b"4"
    get("more", 40)
    assert (new.exists(), unused.exists()) == (True, False)


def test_the_folder_of_the_cache_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHSMITH_CACHE", str(tmp_path / "cache"))
    assert Cache(Bucket(IMAGES).open).folder("s3://bucket/a/images").is_relative_to(tmp_path / "cache")


def test_a_cache_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"The cache .*/file can't hold the data: Not a directory. ARCHSMITH_CACHE names another"):
        Cache(Bucket(IMAGES).open, tmp_path / "file").tree("s3://bucket/a")


def test_nothing_there_is_said(cache: Callable[..., Cache]) -> None:
    key = f"s3://bucket/{next(iter(IMAGES))}"
    with pytest.raises(DataError, match="There is no object below s3://bucket/a/none/; look at the `path` in the search file"):
        cache(IMAGES).tree("s3://bucket/a/none")
    with pytest.raises(DataError, match=f"There is no object below {key}/; that itself is an object, and no folder"):
        cache(IMAGES).tree(key)
    with pytest.raises(DataError, match="There is no object s3://bucket/none; look at the `path` in the search file"):
        cache(IMAGES).file("s3://bucket/none")
    with pytest.raises(DataError, match="There is no object s3://bucket/a; it is a folder of 4 objects"):
        cache(IMAGES).file("s3://bucket/a")
