"""The Job that makes MinIO's buckets and users, against a real server."""

import importlib.util
import io
import sys
from pathlib import Path
from types import ModuleType

import pytest
from minio import Minio
from minio.error import S3Error

from archsmith.testing.minio import MinioServer

SCRIPT = Path(__file__).parents[2] / "charts" / "archsmith" / "files" / "provision.py"


@pytest.fixture(scope="module", name="provision")
def _provision() -> ModuleType:
    spec = importlib.util.spec_from_file_location("provision", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["provision"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", name="environ")
def _environ(minio_server: MinioServer, provision: ModuleType) -> dict[str, str]:
    """Provision a server once, and return what the Job was told."""
    environ = {
        "ENDPOINT": minio_server.endpoint,
        "REGION": "",
        "ROOT_ACCESS_KEY": minio_server.access_key,
        "ROOT_SECRET_KEY": minio_server.secret_key,
        "STORE_BUCKET": "of-searches",
        "STORE_ACCESS_KEY": "searcher",
        "STORE_SECRET_KEY": "s" * 40,
        "ARTIFACTS_BUCKET": "of-artifacts",
        "ARTIFACTS_ACCESS_KEY": "tracker",
        "ARTIFACTS_SECRET_KEY": "t" * 40,
        "UI_BUCKET": "of-searches",
        "UI_ACCESS_KEY": "reader",
        "UI_SECRET_KEY": "r" * 40,
    }
    provision.main(environ)
    return environ


def client(environ: dict[str, str], user: str, secret: str) -> Minio:
    return Minio(environ["ENDPOINT"].removeprefix("http://"), user, secret, secure=False)


def test_a_user_does_with_its_bucket_what_a_search_does(environ: dict[str, str]) -> None:
    store = client(environ, "searcher", "s" * 40)
    store.put_object("of-searches", "a/b", io.BytesIO(b"x"), 1)
    assert [item.object_name for item in store.list_objects("of-searches", recursive=True)] == ["a/b"]
    with store.get_object("of-searches", "a/b") as answer:
        assert answer.read() == b"x"
    store.remove_object("of-searches", "a/b")
    assert list(store.list_objects("of-searches", recursive=True)) == []


def test_a_large_object_is_put_in_parts(environ: dict[str, str]) -> None:
    size = 11 * 2**20
    store = client(environ, "searcher", "s" * 40)
    store.put_object("of-searches", "large", io.BytesIO(bytes(size)), size, part_size=5 * 2**20)
    assert store.stat_object("of-searches", "large").size == size


@pytest.mark.parametrize(("user", "secret", "bucket"), [("searcher", "s", "of-artifacts"), ("tracker", "t", "of-searches")])
def test_a_user_may_do_nothing_with_another_bucket(environ: dict[str, str], user: str, secret: str, bucket: str) -> None:
    store = client(environ, user, secret * 40)
    with pytest.raises(S3Error, match="AccessDenied"):
        list(store.list_objects(bucket))
    with pytest.raises(S3Error, match="AccessDenied"):
        store.put_object(bucket, "a", io.BytesIO(b"x"), 1)


def test_a_user_may_neither_make_nor_remove_buckets(environ: dict[str, str]) -> None:
    store = client(environ, "searcher", "s" * 40)
    with pytest.raises(S3Error, match="AccessDenied"):
        store.make_bucket("another")
    with pytest.raises(S3Error, match="AccessDenied"):
        store.remove_bucket("of-searches")


def test_it_may_run_again_and_then_a_new_password_counts(environ: dict[str, str], provision: ModuleType) -> None:
    provision.main({**environ, "ARTIFACTS_SECRET_KEY": "n" * 40})
    client(environ, "tracker", "n" * 40).put_object("of-artifacts", "a", io.BytesIO(b"x"), 1)
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        client(environ, "tracker", "t" * 40).put_object("of-artifacts", "a", io.BytesIO(b"x"), 1)


def test_it_prints_no_key(environ: dict[str, str], provision: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    provision.main(environ)
    out = "".join(capsys.readouterr())
    assert "of-searches" in out
    assert not any(value in out for key, value in environ.items() if key.endswith("SECRET_KEY"))


def test_without_mlflow_there_is_one_account(provision: ModuleType, environ: dict[str, str]) -> None:
    alone = {key: value for key, value in environ.items() if not key.startswith(("ARTIFACTS", "UI"))}
    assert [account.bucket for account in provision.accounts(alone)] == ["of-searches"]


def test_a_wrong_password_of_the_root_is_said_at_once(environ: dict[str, str], provision: ModuleType) -> None:
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        provision.main({**environ, "ROOT_SECRET_KEY": "wrong"})


def test_the_user_of_the_pages_may_read_and_nothing_else(environ: dict[str, str]) -> None:
    client(environ, "searcher", "s" * 40).put_object("of-searches", "c/d", io.BytesIO(b"x"), 1)
    reader = client(environ, "reader", "r" * 40)
    assert [item.object_name for item in reader.list_objects("of-searches", prefix="c/", recursive=True)] == ["c/d"]
    with reader.get_object("of-searches", "c/d") as answer:
        assert answer.read() == b"x"
    with pytest.raises(S3Error, match="Access Denied"):
        reader.put_object("of-searches", "c/d", io.BytesIO(b"y"), 1)
    with pytest.raises(S3Error, match="Access Denied"):
        reader.remove_object("of-searches", "c/d")
    assert list(client(environ, "searcher", "s" * 40).list_objects("of-searches", prefix="c/"))
