from pathlib import Path

import pytest

from archsmith.errors import DataError
from archsmith.evaluation.data.remote import Cache
from archsmith.stores.local import LocalStore


class Bucket:
    """Objects in memory, opened at s3://BUCKET/PREFIX like a store; counts what is fetched."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.fetched: list[str] = []

    def open(self, uri: str) -> "At":
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        assert bucket == "bucket"
        return At(self, f"{prefix}/" if prefix else "")


class At:
    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self.bucket, self.prefix = bucket, prefix

    def get(self, key: str) -> bytes:
        self.bucket.fetched.append(self.prefix + key)
        return self.bucket.objects[self.prefix + key]

    def list(self, prefix: str) -> list[str]:
        keys = sorted(self.bucket.objects)
        return [key.removeprefix(self.prefix) for key in keys if key.startswith(self.prefix + prefix)]


def contents(place: Path) -> dict[str, bytes]:
    return {str(file.relative_to(place)): file.read_bytes() for file in place.rglob("*") if file.is_file()}


IMAGES = {"a/images/cat/0.png": b"cat", "a/images/dog/0.png": b"dog", "a/images2/x.png": b"other", "a/images/": b""}


@pytest.mark.parametrize("uri", ["s3://bucket/a/b/data.npz", "s3://bucket/data.npz"])
def test_an_object_becomes_a_file_of_its_name(tmp_path: Path, uri: str) -> None:
    key = uri.removeprefix("s3://bucket/")
    file = Cache(Bucket(**{key: b"data", f"{key}.md5": b"other"}).open, tmp_path)(uri)
    assert file.name == "data.npz"
    assert file.read_bytes() == b"data"


@pytest.mark.parametrize("uri", ["s3://bucket/a/images", "s3://bucket/a/images/"])
def test_a_prefix_becomes_a_folder_of_what_is_below_it(tmp_path: Path, uri: str) -> None:
    place = Cache(Bucket(**IMAGES).open, tmp_path)(uri)
    assert place.name == "images"
    assert contents(place) == {"cat/0.png": b"cat", "dog/0.png": b"dog"}


def test_a_whole_bucket_becomes_a_folder(tmp_path: Path) -> None:
    assert contents(Cache(Bucket(**{"cat/0.png": b"cat"}).open, tmp_path)("s3://bucket")) == {"cat/0.png": b"cat"}


def test_a_real_store_is_read(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    for key, data in IMAGES.items():
        if not key.endswith("/"):
            store.put(key, data)
    opened = {"s3://bucket/a": LocalStore(tmp_path / "store" / "a")}
    assert contents(Cache(opened.__getitem__, tmp_path / "cache")("s3://bucket/a/images")) == {
        "cat/0.png": b"cat",
        "dog/0.png": b"dog",
    }


def test_it_is_fetched_only_once(tmp_path: Path) -> None:
    bucket = Bucket(**IMAGES)
    first = Cache(bucket.open, tmp_path)("s3://bucket/a/images")
    assert Cache(bucket.open, tmp_path)("s3://bucket/a/images") == first
    assert sorted(bucket.fetched) == ["a/images/cat/0.png", "a/images/dog/0.png"]


def test_a_fetch_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    class Broken(At):
        def get(self, key: str) -> bytes:
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        Cache(lambda uri: Broken(Bucket(**IMAGES), "a/"), tmp_path)("s3://bucket/a/images")
    assert list(tmp_path.iterdir()) == []


def test_of_two_fetches_at_once_both_end_with_the_same_folder(tmp_path: Path) -> None:
    bucket = Bucket(**IMAGES)
    uri = "s3://bucket/a/images"

    class Slow(At):
        """While it is asked for its objects, another process has fetched them all."""

        def list(self, prefix: str) -> list[str]:
            Cache(bucket.open, tmp_path)(uri)
            return super().list(prefix)

    place = Cache(lambda uri: Slow(bucket, "a/"), tmp_path)(uri)
    assert contents(place) == {"cat/0.png": b"cat", "dog/0.png": b"dog"}
    assert len(list(tmp_path.iterdir())) == 1


def test_the_folder_of_the_cache_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHSMITH_CACHE", str(tmp_path / "cache"))
    assert Cache(Bucket(**IMAGES).open)("s3://bucket/a/images").is_relative_to(tmp_path / "cache")


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no object s3://bucket/a/none, and none below s3://bucket/a/none/"):
        Cache(Bucket(**IMAGES).open, tmp_path)("s3://bucket/a/none")


def test_a_key_that_leads_out_of_the_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"key 'images/../../../evil' below s3://bucket/a/images would be written outside the cache"
    ):
        Cache(Bucket(**{"a/images/../../../evil": b""}).open, tmp_path)("s3://bucket/a/images")
