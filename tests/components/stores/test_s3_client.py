import datetime
import http.server
import ipaddress
import ssl
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from archsmith.errors import AccessDeniedError, PermanentError, UnavailableError
from archsmith.stores import open_store
from archsmith.stores.retry import Backoff
from archsmith.stores.s3 import S3Store
from archsmith.stores.s3_client import Endpoint, UsualCredentials, given_credentials
from archsmith.testing.minio import MinioServer

OF_OTHERS = (
    "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE",
    "HTTP_PROXY",     "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_OTHERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    # Nothing listens there, as nothing listens at the metadata service's address on a laptop.
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/")


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
        ({"ARCHSMITH_S3_ENDPOINT": " http://a:9000\n", "AWS_REGION": "eu\n"}, Endpoint("a:9000", secure=False, region="eu")),
        (
            {"ARCHSMITH_S3_ENDPOINT": "\n", "AWS_REGION": " ", "AWS_DEFAULT_REGION": "us"},
            Endpoint("s3.amazonaws.com", True, "us"),
        ),
        ({"ARCHSMITH_S3_ENDPOINT": "HTTPS://[FE80::1]:9000/"}, Endpoint("[FE80::1]:9000", secure=True)),
        ({"ARCHSMITH_S3_ENDPOINT": "", "AWS_ENDPOINT_URL": "http://a"}, Endpoint("a", secure=False)),
    ],
)
def test_the_server_is_the_first_that_the_environment_names(environ: dict[str, str], endpoint: Endpoint):
    assert Endpoint.of(environ) == endpoint


@pytest.mark.parametrize("region", ["eu\nwest", "eu west", "eu/west", "eu,west"])
def test_what_is_no_region_is_refused_before_it_stands_beside_a_key(region: str):
    with pytest.raises(PermanentError, match=r"AWS_REGION is 'eu.*west', but must be the name of a region"):
        Endpoint.of({"AWS_REGION": region})


def test_no_credentials_anywhere_is_an_error_that_says_where_to_put_them():
    with pytest.raises(AccessDeniedError, match="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        UsualCredentials().retrieve()


@pytest.mark.parametrize("as_given", [True, False])
def test_a_newline_at_the_end_of_what_a_secret_holds_does_no_harm(
    as_given: bool, minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch
):
    environ = {name: f" {value}\n" for name, value in {**minio_server.environ, "AWS_REGION": "us-east-1"}.items()}
    if not as_given:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
    store = open_store(f"s3://{minio_server.new_bucket()}", environ if as_given else None)
    store.put("k", b"data")
    assert store.get("k") == b"data"


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("as_given", [True, False])
def test_a_key_that_is_none_is_named_and_not_shown(as_given: bool, name: str, monkeypatch: pytest.MonkeyPatch):
    environ = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "hush", name: "AKIDREAL\nhush"}
    if not as_given:
        for variable, value in environ.items():
            monkeypatch.setenv(variable, value)
    with pytest.raises(AccessDeniedError, match=rf"^{name} holds white space") as caught:
        open_store("s3://bucket", environ if as_given else None)
    assert not {"AKIDREAL", "hush"} & set("".join(traceback.format_exception(caught.value)).split())


@pytest.mark.parametrize("text", ["AKIDREAL = hush", "[default]\naws_access_key_id = AKIDREAL\naws_secret_access_key = a%hush\n"])
def test_a_credentials_file_that_is_none_is_not_shown(text: str, tmp_path: Path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(text)
    with pytest.raises(AccessDeniedError, match="The credentials file can't be read") as caught:
        UsualCredentials().retrieve()
    assert "hush" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("text", ["[]", "{", '{"aliases": {"s3": {"accessKey": 5, "secretKey": 5}}}', '{"aliases": {"s3": []}}'])
def test_a_file_of_mc_that_is_none_holds_no_credentials(text: str, tmp_path: Path):
    (tmp_path / ".mc").mkdir()
    (tmp_path / ".mc" / "config.json").write_text(text)
    with pytest.raises(AccessDeniedError, match="Found no credentials for the S3 server"):
        UsualCredentials().retrieve()


def test_a_role_that_gives_no_credentials_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "token").write_text("t")
    for name, value in (("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token")), ("AWS_ROLE_ARN", "arn:aws:iam::1:role/team")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # so it is asked through the proxy
    with pytest.raises(UnavailableError, match="credentials for the role 'arn:aws:iam::1:role/team'"):
        UsualCredentials().retrieve()


def test_a_store_is_reached_through_a_proxy_unless_no_proxy_names_it(
    minio_server: MinioServer, proxy: Any, monkeypatch: pytest.MonkeyPatch
):
    endpoint = "http://minio.lab.invalid:9000"
    monkeypatch.setenv("HTTP_PROXY", f"{proxy.endpoint}\n")
    for name, value in {**minio_server.environ, "ARCHSMITH_S3_ENDPOINT": endpoint}.items():
        monkeypatch.setenv(name, value)
    bucket = minio_server.new_bucket()
    store = open_store(f"s3://{bucket}")
    store.put("k", b"data")
    assert store.get("k") == b"data"
    assert f"PUT {endpoint}/{bucket}/k" in proxy.requests
    seen = len(proxy.requests)
    monkeypatch.setenv("NO_PROXY", ".lab.invalid")
    client = Endpoint.of({"ARCHSMITH_S3_ENDPOINT": endpoint}).connect()
    with pytest.raises(UnavailableError, match="its name is unknown"):
        S3Store(bucket, "", client, endpoint=endpoint, backoff=Backoff(1)).get("k")
    assert len(proxy.requests) == seen


def test_a_proxy_that_leads_nowhere_is_told_without_its_password(proxy: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy.endpoint.replace("//", "//me:hush@"))
    who = given_credentials({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
    client = Endpoint.of({"ARCHSMITH_S3_ENDPOINT": "https://s3.invalid"}).connect(who)
    proxy.faults[:] = ["503"]
    with pytest.raises(UnavailableError, match=r"https://s3.invalid does not answer: the proxy of HTTPS_PROXY .*503") as caught:
        S3Store("bucket", "", client, endpoint="https://s3.invalid", backoff=Backoff(1)).get("k")
    assert "hush" not in "".join(traceback.format_exception(caught.value))


class Empty(http.server.BaseHTTPRequestHandler):
    """Says that there is nothing, in no words of S3."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def private(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Run a server whose certificate is of no public authority; give its URL and the file of the certificate."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ours")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    (tmp_path / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "key.pem").write_bytes(key.private_bytes(*plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}", str(tmp_path / "ca.pem")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("trusted", "said"),
    [
        ({}, "No secure connection"),
        ({"AWS_CA_BUNDLE": "ours"}, "no S3 server"),
        ({"REQUESTS_CA_BUNDLE": "ours"}, "no S3 server"),
        ({"SSL_CERT_FILE": "ours"}, "no S3 server"),
        ({"AWS_CA_BUNDLE": "ours", "REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": "/none"}, "no S3 server"),
        ({"AWS_CA_BUNDLE": __file__}, "No secure connection .* AWS_CA_BUNDLE names a file of the certificates"),
        ({"AWS_CA_BUNDLE": "/none", "SSL_CERT_FILE": "ours"}, "AWS_CA_BUNDLE is '/none', but must name a file"),
    ],
)
def test_certificates_of_ones_own_are_trusted_where_a_variable_names_them(
    trusted: dict[str, str], said: str, private: tuple[str, str], monkeypatch: pytest.MonkeyPatch
):
    url, file = private
    for name, value in {**trusted, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "ARCHSMITH_S3_ENDPOINT": url}.items():
        monkeypatch.setenv(name, file if value == "ours" else value)
    with pytest.raises(PermanentError, match=said):
        open_store("s3://bucket").get("k")
