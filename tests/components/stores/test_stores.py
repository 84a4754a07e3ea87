import subprocess
import sys
from pathlib import Path

import pytest

from archsmith.errors import PermanentError
from archsmith.stores import LocalStore, absolute_uri, default_uri, open_store
from archsmith.testing.minio import MinioServer


def test_a_path_and_a_file_uri_open_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for uri in ("runs", "./runs", str(tmp_path / "runs"), f"file://{tmp_path}/runs", f"file://localhost{tmp_path}/runs"):
        store = open_store(uri)
        assert isinstance(store, LocalStore)
        assert store.uri("k") == str(tmp_path / "runs" / "k")
    assert open_store(f"file://{tmp_path}/a%20b").uri("k") == f"{tmp_path}/a b/k"


@pytest.mark.parametrize("path", ["a:b", "st/q?x", "p%20q", "h#x", "100%", "é ü"])
def test_a_path_is_taken_as_it_is_and_means_the_same_to_every_process(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    absolute = absolute_uri(path)
    monkeypatch.chdir("/")
    open_store(absolute).put("k", b"data")
    assert (tmp_path / path / "k").read_bytes() == b"data"


@pytest.mark.parametrize("path", ["~nobody-of-this-name/runs", "a\0b"])
def test_a_path_that_leads_nowhere_is_refused(path: str):
    for use in (open_store, absolute_uri):
        with pytest.raises(PermanentError, match=r"The store .* can't be reached: .*\. Give an absolute path"):
            use(path)


def test_a_relative_path_is_refused_where_the_working_directory_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(PermanentError, match="the working directory is gone"):
        open_store("runs")
    assert open_store(str(tmp_path)).list("") == []


def test_opening_a_store_writes_nothing(tmp_path: Path):
    assert open_store(str(tmp_path / "runs")).list("") == []
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("endpoint", ["ARCHSMITH_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_an_s3_uri_opens_a_bucket_of_the_server_in_the_environment(
    minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch, endpoint: str
):
    bucket = minio_server.new_bucket()
    for name in ("ARCHSMITH_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", minio_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", minio_server.secret_key)
    monkeypatch.setenv(endpoint, minio_server.endpoint)
    store = open_store(f"s3://{bucket}/a/b")
    store.put("k", b"data")
    assert store.uri("k") == f"s3://{bucket}/a/b/k"
    assert minio_server.store(bucket).get("a/b/k") == b"data"


def test_credentials_come_from_the_file_of_aws_too(minio_server: MinioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "credentials"
    file.write_text(f"[lab]\naws_access_key_id = {minio_server.access_key}\naws_secret_access_key = {minio_server.secret_key}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    monkeypatch.setenv("ARCHSMITH_S3_ENDPOINT", minio_server.endpoint)
    store = open_store(f"s3://{minio_server.new_bucket()}")
    store.put("k", b"data")
    assert store.get("k") == b"data"


@pytest.mark.parametrize(
    "uri", ["gs://bucket", "s3:bucket", "s3://", "s3:///a", "http://host/bucket", "file://host/a", "s3://b/p?x=1", "", "file://"]
)
def test_what_is_no_store_is_refused_with_what_is(uri: str):
    with pytest.raises(PermanentError, match=r"valid: a path, file:///path, or s3://bucket/prefix|names no folder"):
        open_store(uri)


def test_credentials_in_a_uri_are_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch):
    for password in ("hunter2", "hunter2/x", "x#hunter2"):
        with pytest.raises(PermanentError, match="holds no user or password") as caught:
            open_store(f"s3://AKIAUSER:{password}@bucket/prefix")
        assert "hunter2" not in str(caught.value)
        monkeypatch.setenv("ARCHSMITH_S3_ENDPOINT", f"http://AKIAUSER:{password}@minio:9000")
        with pytest.raises(PermanentError, match="ARCHSMITH_S3_ENDPOINT holds a user or password") as caught:
            open_store("s3://bucket/prefix")
        assert "hunter2" not in str(caught.value)


def test_a_prefix_may_have_an_at_sign(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    assert open_store("s3://bucket/me@lab").uri("k") == "s3://bucket/me@lab/k"


def test_an_endpoint_that_is_no_url_is_refused(monkeypatch: pytest.MonkeyPatch):
    for endpoint in ("minio:9000", "ftp://minio", "http://", "http://minio:port", "http://minio:99999", "http://[::1"):
        monkeypatch.setenv("ARCHSMITH_S3_ENDPOINT", endpoint)
        with pytest.raises(PermanentError, match=r"must be a URL such as http://minio:9000"):
            open_store("s3://bucket")


def test_the_store_is_runs_unless_the_environment_names_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ARCHSMITH_STORE", raising=False)
    assert default_uri() == "runs"
    monkeypatch.setenv("ARCHSMITH_STORE", "s3://bucket")
    assert default_uri() == "s3://bucket"


def test_a_folder_is_opened_without_importing_minio():
    code = "import sys; from archsmith.stores import open_store; open_store('runs'); assert 'minio' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
