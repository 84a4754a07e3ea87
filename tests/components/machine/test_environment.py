"""What the environment says of the way to servers; the rules are those of curl and of requests."""

import base64
import traceback

import pytest

from archsmith.errors import AccessDeniedError, PermanentError
from archsmith.machine.environment import certificates, http_proxy, key, proxy, proxy_headers, redact, tidy


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_white_space_is_taken_off_where_it_is_never_meant() -> None:
    environ = {
        "AWS_ACCESS_KEY_ID": "key\n",
        "MLFLOW_TRACKING_TOKEN": " t\r\n",
        "AWS_REGION": "\teu ",
        "no_proxy": "minio\n",
        "REQUESTS_CA_BUNDLE": "/ca.pem\n",
        "HOME": "/a ",
        "OTHER": "x\n",
    }
    tidy(environ)
    assert environ == {
        "AWS_ACCESS_KEY_ID": "key",
        "MLFLOW_TRACKING_TOKEN": "t",
        "AWS_REGION": "eu",
        "no_proxy": "minio",
        "REQUESTS_CA_BUNDLE": "/ca.pem",
        "HOME": "/a ",
        "OTHER": "x\n",
    }


@pytest.mark.parametrize("given", ["secret\n", "\r\nsecret\r\n", " secret\t", "secret"])
def test_a_key_has_no_white_space_around_it(given: str) -> None:
    assert key(given, "KEY") == "secret"


@pytest.mark.parametrize("given", ["sec\nret", "sec ret", "sécret", "sec\0ret", "sec\x7fret"])
def test_what_can_be_no_key_is_refused_and_not_shown(given: str) -> None:
    with pytest.raises(AccessDeniedError, match=r"^AWS_SESSION_TOKEN holds white space") as caught:
        key(given, "AWS_SESSION_TOKEN")
    assert given not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Invalid header value b'Bearer abc.def'", "Invalid header value b'Bearer ***'"),
        ("Credential=AKID/2026, SignedHeaders=host, Signature=0af", "Credential=***, SignedHeaders=host, Signature=***"),
        ("at https://me:pass@host/x and s3://bucket", "at https://***@host/x and s3://bucket"),
        ("at https://me:p/a#s@s@host/x", "at https://***@host/x"),
        ("the key is hush-hush.", "the key is ***."),
        ("no key in it", "no key in it"),
    ],
)  # fmt: skip
def test_no_key_is_shown_in_a_text_that_may_be_anything(text: str, shown: str) -> None:
    assert redact(text, {"AWS_SECRET_ACCESS_KEY": "hush-hush\n", "SHORT_TOKEN": "no", "HOME": "key"}) == shown


@pytest.mark.parametrize(
    ("environ", "url", "through"),
    [
        ({}, "https://s3.example.org", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://s3.example.org", "http://p:3128"),
        ({"https_proxy": "http://p:3128\n"}, "https://s3.example.org", "http://p:3128"),
        ({"HTTPS_PROXY": "p:3128"}, "https://s3.example.org", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://s3.example.org", None),
        ({"HTTP_PROXY": "http://p:3128"}, "http://s3.example.org:9000", "http://p:3128"),
        ({"ALL_PROXY": "http://p:3128"}, "https://s3.example.org", "http://p:3128"),
        ({"HTTPS_PROXY": " "}, "https://s3.example.org", None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "s3.example.org"}, "https://s3.example.org", None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": ".example.org"}, "https://s3.example.org", None),
        ({"HTTPS_PROXY": "http://p", "no_proxy": "a.b, example.org"}, "https://s3.example.org", None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "*"}, "https://s3.example.org", None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "other.org"}, "https://s3.example.org", "http://p"),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "s3.example.org:9000"}, "http://s3.example.org:9000", None),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "s3.example.org:9000"}, "http://s3.example.org:80", "http://p"),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}, "http://10.96.7.1:9000", None),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}, "http://11.96.7.1:9000", "http://p"),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": ".svc"}, "http://minio.team.svc:9000", None),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "a,*.SVC"}, "http://minio.team.svc:9000", None),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "*.svc"}, "http://minio.team.other", "http://p"),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "[fd00::1]"}, "http://[fd00::1]:9000", None),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8, fd00::/8"}, "http://[fd12::1]:9000", None),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "fd00::/8"}, "http://[2001:db8::1]:9000", "http://p"),
        # A forwarded port of this machine is on no other one.
        ({"HTTP_PROXY": "http://p"}, "http://127.0.0.1:40123", None),
        ({"HTTP_PROXY": "http://p"}, "http://localhost:9000", None),
        ({"HTTP_PROXY": "http://p"}, "http://[::1]:9000", None),
    ],
)  # fmt: skip
def test_the_proxy_is_the_one_that_other_tools_take(
    environ: dict[str, str], url: str, through: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert proxy(url) == through


@pytest.mark.parametrize(
    "given",
    [
        "socks5://me:hush@p:1080", "ftp://me:hush@p", "ftp://me:h#hush@p", "http://", "http://p:99999", "http://p:x", "http://[::1",
        "http://me:hush/x@p:3128", "http://me:x#hush@p:3128", "http://me?hush@p:3128", "http://me:hush@p:x", "me:hush/x@p:3128",
    ],
)  # fmt: skip
def test_a_proxy_that_does_not_speak_http_is_refused_without_its_password(given: str) -> None:
    with pytest.raises(PermanentError, match=r"The proxy of HTTPS_PROXY is '.*', but must be a URL such as http://") as caught:
        http_proxy(given, "HTTPS_PROXY")
    assert "hush" not in str(caught.value)


def test_user_and_password_of_a_proxy_go_into_its_header() -> None:
    sent = proxy_headers("http://me:p%40ss@proxy:3128")["proxy-authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")) == b"me:p@ss"
    assert proxy_headers("http://proxy:3128") == {}


def test_certificates_are_those_of_the_first_variable_that_names_some(tmp_path) -> None:
    files = {name: str(tmp_path / name) for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")}
    for path in files.values():
        (tmp_path / path).touch()
    assert certificates(environ=files) == files["REQUESTS_CA_BUNDLE"]
    assert certificates(environ={**files, "REQUESTS_CA_BUNDLE": ""}) == files["SSL_CERT_FILE"]
    assert certificates(environ={"SSL_CERT_FILE": f"{tmp_path}\n"}) == str(tmp_path)
    assert certificates(environ={}) is None
    with pytest.raises(PermanentError, match=r"SSL_CERT_FILE is '/no/file', but must name a file of certificates"):
        certificates(environ={"SSL_CERT_FILE": "/no/file"})
