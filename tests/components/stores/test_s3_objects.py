import io

import pytest

from archsmith.errors import ConflictError, PermanentError
from archsmith.stores.retry import Backoff
from archsmith.stores.s3_objects import S3Object, S3Objects
from archsmith.testing.minio import MinioServer

KEYS = (
    ".DS_Store", "cat/.hidden/0.png", "Ä/é\u0301 💡+%2F.png", "a\tb", "q?x=1&y#z", "-rf", "x" * 250, "back\\slash", "plain/0.png",
)  # fmt: skip
"""Keys that other tools write; MinIO, whose objects are files, takes no stranger ones."""


@pytest.fixture(name="bucket")
def _bucket(minio_server: MinioServer) -> str:
    """A bucket with an object of each key, which holds its key."""
    name = minio_server.new_bucket()
    for key in KEYS:
        put(minio_server, name, key, key.encode())
    return name


def put(server: MinioServer, bucket: str, key: str, data: bytes) -> None:
    server.client().put_object(bucket, key, io.BytesIO(data), len(data))


def test_objects_of_any_key_are_listed_and_read(minio_server: MinioServer, bucket: str) -> None:
    objects = S3Objects.open(bucket, minio_server.environ)
    assert objects.endpoint == minio_server.endpoint
    assert {each.key: objects.read(each).decode() for each in objects.list("")} == {key: key for key in KEYS}
    assert [each.key for each in objects.list("cat/")] == ["cat/.hidden/0.png"]
    assert [objects.find(key) for key in KEYS] == [each for key in KEYS for each in objects.list(key) if each.key == key]
    assert objects.find("plain") is None


def test_another_content_is_another_version_and_the_last_one_can_not_be_read_by_mistake(
    minio_server: MinioServer, bucket: str
) -> None:
    objects = S3Objects.open(bucket, minio_server.environ)
    quick = S3Objects(bucket, minio_server.client(), endpoint=minio_server.endpoint, backoff=Backoff(attempts=2, base_s=0))
    before = objects.find("plain/0.png")
    assert before is not None
    put(minio_server, bucket, "plain/0.png", b"other")
    after = objects.find("plain/0.png")
    assert after is not None
    assert before.etag != after.etag
    assert objects.read(after) == b"other"
    with pytest.raises(ConflictError, match=r"/plain/0.png was changed while it was read; read it again"):
        quick.read(before)


def test_what_no_server_can_be_asked_for_is_said(minio_server: MinioServer, bucket: str) -> None:
    with pytest.raises(PermanentError, match=r"'a/../b' can't be asked for: HTTP takes the segments"):
        S3Objects.open(bucket, minio_server.environ).read(S3Object("a/../b", "x", 1))


def test_a_bucket_that_is_not_there_and_one_that_can_not_be_are_named(minio_server: MinioServer) -> None:
    with pytest.raises(PermanentError, match="There is no bucket 'not-there'"):
        S3Objects.open("not-there", minio_server.environ).list("")
    with pytest.raises(PermanentError, match="'NO' can't be the name of a bucket"):
        S3Objects.open("NO", minio_server.environ)
