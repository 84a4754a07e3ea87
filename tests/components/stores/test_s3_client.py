from pathlib import Path

import pytest

from archsmith.errors import AccessDeniedError
from archsmith.stores.s3_client import Endpoint, UsualCredentials


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, Endpoint("s3.amazonaws.com", secure=True)),
        ({"AWS_REGION": "eu-west-1"}, Endpoint("s3.amazonaws.com", secure=True, region="eu-west-1")),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, Endpoint("s3.amazonaws.com", secure=True, region="eu-west-1")),
        ({"ARCHSMITH_S3_ENDPOINT": "http://minio:9000"}, Endpoint("minio:9000", secure=False)),
        ({"AWS_ENDPOINT_URL": "https://minio.lab/"}, Endpoint("minio.lab", secure=True)),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_S3": "http://b"}, Endpoint("b", secure=False)),
        ({"AWS_ENDPOINT_URL_S3": "http://b", "ARCHSMITH_S3_ENDPOINT": "http://[::1]:9000"}, Endpoint("[::1]:9000", secure=False)),
        ({"ARCHSMITH_S3_ENDPOINT": "", "AWS_ENDPOINT_URL": "http://a"}, Endpoint("a", secure=False)),
    ],
)
def test_the_server_is_the_first_that_the_environment_names(environ: dict[str, str], endpoint: Endpoint):
    assert Endpoint.of(environ) == endpoint


def test_no_credentials_anywhere_is_an_error_that_says_where_to_put_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    # Nothing listens there, as nothing listens at the metadata service's address on a laptop.
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/")
    with pytest.raises(AccessDeniedError, match="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        UsualCredentials().retrieve()
