import json
import logging
import traceback
from dataclasses import replace

import pytest
from minio import Minio

from archsmith.errors import AccessDeniedError, ArchsmithError, NotFoundError, PermanentError, UnavailableError
from archsmith.stores.retry import Backoff
from archsmith.stores.s3 import S3Store
from archsmith.stores.s3_client import new_pool
from archsmith.testing.minio import MinioServer
from archsmith.testing.stores import StoreConformance

NO_PAUSE = Backoff(attempts=4, sleep=lambda _: None)


@pytest.fixture
def bucket(minio_server: MinioServer) -> str:
    return minio_server.new_bucket()


class TestS3Store(StoreConformance):
    @pytest.fixture
    def store(self, minio_server: MinioServer, bucket: str) -> S3Store:
        return minio_server.store(bucket, "team/runs")

    @pytest.fixture
    def location(self, minio_server: MinioServer, bucket: str) -> tuple[str, dict[str, str]]:
        return f"s3://{bucket}/team/runs", minio_server.environ


@pytest.mark.cluster  # for its length; it needs none
class TestS3StoreWithoutPrefix(StoreConformance):
    @pytest.fixture
    def store(self, minio_server: MinioServer, bucket: str) -> S3Store:
        return minio_server.store(bucket)

    @pytest.fixture
    def location(self, minio_server: MinioServer, bucket: str) -> tuple[str, dict[str, str]]:
        return f"s3://{bucket}", minio_server.environ


def test_the_prefix_is_where_the_objects_lie(minio_server: MinioServer, bucket: str):
    minio_server.store(bucket, "/a/b/").put("c/d", b"data")
    assert minio_server.store(bucket).list("") == ["a/b/c/d"]
    assert minio_server.store(bucket, "a/b").uri("c/d") == f"s3://{bucket}/a/b/c/d"
    assert minio_server.store(bucket, "a/bc").list("") == []


def test_an_object_larger_than_a_part_comes_back(minio_server: MinioServer, bucket: str):
    data = bytes(range(256)) * (65 * 2**12)
    assert len(data) > 64 * 2**20
    store = minio_server.store(bucket)
    store.put("large", data)
    assert store.get("large") == data


@pytest.mark.parametrize("fault", ["503", "slow", "499", "404", "reset", "lost", "cut"])
def test_faults_that_pass_are_not_seen(minio_server: MinioServer, bucket: str, proxy, fault: str):
    pauses: list[float] = []
    store = minio_server.store(bucket, endpoint=proxy.endpoint, backoff=Backoff(attempts=8, sleep=pauses.append))
    store.put("warm/up", b"")

    proxy.faults[:] = [fault] * 3
    store.put("a", b"data" * 1000)
    proxy.faults[:] = [fault] * 3
    assert store.get("a") == b"data" * 1000
    proxy.faults[:] = [fault] * 3
    assert store.list("") == ["a", "warm/up"]
    proxy.faults[:] = [fault] * 3
    store.delete(["a", "warm/up"])
    assert store.list("") == []
    assert len(pauses) >= 9


@pytest.mark.parametrize("fault", ["503", "slow", "reset", "lost"])
def test_a_new_object_whose_first_answer_was_lost_counts_as_written(minio_server: MinioServer, bucket: str, proxy, fault: str):
    store = minio_server.store(bucket, endpoint=proxy.endpoint, backoff=NO_PAUSE)
    store.put("warm/up", b"")
    proxy.faults[:] = [fault, fault]
    assert store.put_new("k", b"ours")
    proxy.faults[:] = [fault, fault]
    assert not store.put_new("k", b"theirs")
    assert store.get("k") == b"ours"


@pytest.mark.parametrize("fault", ["503", "slow", "reset"])
def test_faults_that_do_not_pass_name_the_server_and_no_credentials(
    minio_server: MinioServer, bucket: str, proxy, fault: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    proxy.faults[:] = [fault] * 1000
    store = minio_server.store(bucket, endpoint=proxy.endpoint, backoff=NO_PAUSE)
    calls = (lambda: store.get("k"), lambda: store.put("k", b""), lambda: store.put_new("k", b""), lambda: store.list(""))
    for call in calls:
        with pytest.raises(UnavailableError, match=rf"{proxy.endpoint}.*tried 4 times") as caught:
            call()
        assert_no_credentials(minio_server, caught.value, caplog.text)
    assert len(proxy.requests) == 4 * len(calls)


def test_a_server_that_is_not_there_is_named(minio_server: MinioServer, bucket: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    store = minio_server.store(bucket, endpoint="http://127.0.0.1:9", backoff=NO_PAUSE)
    with pytest.raises(
        UnavailableError, match=r"http://127.0.0.1:9 does not answer: no connection.*ARCHSMITH_S3_ENDPOINT"
    ) as caught:
        store.get("k")
    assert_no_credentials(minio_server, caught.value, caplog.text)


def test_a_server_whose_name_is_unknown_is_named(minio_server: MinioServer, bucket: str):
    store = minio_server.store(bucket, endpoint="http://nowhere.invalid:9000", backoff=NO_PAUSE)
    with pytest.raises(UnavailableError, match=r"nowhere.invalid:9000 does not answer: its name is unknown"):
        store.get("k")


def test_a_missing_bucket_is_not_a_missing_object(minio_server: MinioServer):
    store = minio_server.store("no-such-bucket", backoff=NO_PAUSE)
    for call in (lambda: store.get("k"), lambda: store.put("k", b""), lambda: store.put_new("k", b""), lambda: store.list("")):
        with pytest.raises(PermanentError, match=r"no bucket 'no-such-bucket' at http://127.*make it") as caught:
            call()
        assert not isinstance(caught.value, NotFoundError)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"access_key": "nobody-at-all"}, "InvalidAccessKeyId.*Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({"secret_key": "not-the-secret-key"}, "SignatureDoesNotMatch.*The secret key does not fit the access key"),
    ],
)
def test_wrong_credentials_are_refused_at_once_and_not_shown(
    minio_server: MinioServer, bucket: str, wrong: dict[str, str], hint: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    intruder = replace(minio_server, **wrong)
    store = intruder.store(bucket, backoff=Backoff(sleep=lambda _: pytest.fail("tried again")))
    for call in (lambda: store.get("k"), lambda: store.put("k", b""), lambda: store.put_new("k", b""), lambda: store.list("")):
        with pytest.raises(AccessDeniedError, match=hint) as caught:
            call()
        assert_no_credentials(intruder, caught.value, caplog.text)


def test_an_object_that_may_not_be_read_is_refused_with_what_to_do(minio_server: MinioServer, bucket: str):
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": [action], "Resource": ["arn:aws:s3:::" + what]}
            for action, what in (("s3:GetBucketLocation", bucket), ("s3:PutObject", f"{bucket}/drop/*"))
        ],
    }
    minio_server.client().set_bucket_policy(bucket, json.dumps(policy))
    anonymous = Minio(minio_server.endpoint.removeprefix("http://"), secure=False, http_client=new_pool(minio_server.endpoint))
    store = S3Store(bucket, "", anonymous, endpoint=minio_server.endpoint)
    store.put("drop/k", b"")
    with pytest.raises(AccessDeniedError, match=f"refuses access to bucket '{bucket}'.*right to list, read, write and delete"):
        store.get("drop/k")
    with pytest.raises(AccessDeniedError):
        store.delete(["drop/k"])


def test_what_is_no_s3_server_is_told_apart_from_one_that_is_down(minio_server: MinioServer, bucket: str, web_page: str):
    store = minio_server.store(bucket, endpoint=web_page, backoff=NO_PAUSE)
    for call in (lambda: store.put("k", b""), lambda: store.list("")):
        with pytest.raises(PermanentError, match=f"What answers at {web_page} is no S3 server"):
            call()


def test_a_server_that_has_answered_may_be_behind_another_one_for_a_while(minio_server: MinioServer, bucket: str, proxy):
    """Of one that never has, the same answer says that it is no S3 server: the test before this one."""
    store = minio_server.store(bucket, endpoint=proxy.endpoint, backoff=NO_PAUSE)
    proxy.faults[:] = ["404"]
    with pytest.raises(PermanentError, match="is no S3 server"):
        store.get("k")
    store.put("k", b"")
    proxy.faults[:] = ["404"] * 1000
    with pytest.raises(UnavailableError, match=r"can't serve bucket .* now .HTTP status 404.*tried 4 times"):
        store.get("k")


def test_a_name_that_no_bucket_can_have_is_refused(minio_server: MinioServer):
    with pytest.raises(PermanentError, match="'No Bucket' can't be the name of a bucket"):
        minio_server.store("No Bucket")


def assert_no_credentials(server: MinioServer, error: ArchsmithError, log: str) -> None:
    text = "".join(traceback.format_exception(error)) + log
    assert server.access_key not in text
    assert server.secret_key not in text
    assert "Signature=" not in text
