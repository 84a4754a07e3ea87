"""Where the S3 server is and who we are there: all of it from the environment and the usual files."""

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import certifi
import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.credentials.providers import (
    AWSConfigProvider,
    ChainedProvider,
    IamAwsProvider,
    MinioClientConfigProvider,
    Provider,
    StaticProvider,
)
from minio.helpers import check_bucket_name
from urllib3 import BaseHTTPResponse

from archsmith.errors import AccessDeniedError, PermanentError, UnavailableError
from archsmith.machine import environment

CERTIFICATES = ("AWS_CA_BUNDLE", *environment.CERTIFICATES)
"""Variables that name the certificates to trust; AWS's own tools ask the first one first, too."""

_NAMES = (("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"), ("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"))
"""Variables of a key and its secret; the second name of each is an old one."""

_ENDPOINTS = ("ARCHSMITH_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_AWS = "https://s3.amazonaws.com"
_STS = "https://sts.amazonaws.com"


def checked_bucket(name: str) -> str:
    """Return the name of a bucket; raises `PermanentError` where it can't be one."""
    try:
        check_bucket_name(name)
    except ValueError as error:
        raise PermanentError(f"{name!r} can't be the name of a bucket: {error}.") from None
    return name


def content(response: BaseHTTPResponse) -> bytes:
    """Read an answer to its end, and give its connection back."""
    try:
        return response.read()
    finally:
        response.close()
        response.release_conn()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An S3 server."""

    host: str
    """Host and, where it is not the scheme's own, port."""
    secure: bool
    """Whether to speak https with it."""
    region: str | None = None
    """The region to sign for; where it is None, the server is asked."""

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self.secure else 'http'}://{self.host}"

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Read it from environment variables; without any it is AWS.

        Raises:
            PermanentError: The URL is none.
        """
        name = next((name for name in _ENDPOINTS if environ.get(name, "").strip()), None)
        given = environ[name].strip() if name else _AWS
        if "@" in given:
            raise PermanentError(
                f"{name} holds a user or password; put credentials into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        if not environment.is_http(given) or not re.fullmatch(r"(?i)https?://([\w.-]+|\[[\da-f:.]+\])(:\d+)?(/.*)?", given):
            raise PermanentError(f"{name} is {given!r}, but must be a URL such as http://minio:9000.")
        parts = urlsplit(given)
        return cls(parts.netloc, parts.scheme == "https", _region(environ))

    def connect(self, credentials: Provider | None = None, http: urllib3.PoolManager | None = None) -> Minio:
        """Make a client; nothing is sent before its first request.

        Args:
            credentials: Who we are; from the environment and the usual files where left out.
            http: Sends the requests. It must not try again by itself, the store does that.
        """
        return Minio(
            self.host,
            secure=self.secure,
            region=self.region,
            credentials=credentials or UsualCredentials(),
            http_client=http or new_pool(self.url),
        )


def _region(environ: Mapping[str, str]) -> str | None:
    """Return the region to sign for; it stands beside the key in a header, so what can't be one goes no further."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if region := environ.get(name, "").strip():
            if not re.fullmatch(r"[\w-]+", region):
                raise PermanentError(f"{name} is {region!r}, but must be the name of a region, such as eu-central-1.")
            return region
    return None


def new_pool(url: str) -> urllib3.PoolManager:
    """Make what sends requests to `url`, through a proxy where the environment has one for it.

    It is quick to notice a dead server, patient with large objects, and tries nothing again by itself.
    """
    return _pool(url, urllib3.Timeout(connect=5, read=60), maxsize=16, cert_reqs="CERT_REQUIRED", **_trusted())


def _pool(url: str, timeout: urllib3.Timeout, **options: Any) -> urllib3.PoolManager:
    through = environment.proxy(url)
    if through is None:
        return urllib3.PoolManager(timeout=timeout, retries=False, **options)
    headers = environment.proxy_headers(through)
    return urllib3.ProxyManager(through, proxy_headers=headers, timeout=timeout, retries=False, **options)


def _trusted() -> dict[str, str]:
    """Return the certificates to trust, as urllib3 takes them."""
    path = environment.certificates(CERTIFICATES) or certifi.where()
    return {"ca_cert_dir": path} if Path(path).is_dir() else {"ca_certs": path}


def given_credentials(environ: Mapping[str, str]) -> Provider | None:
    """Return the credentials that `environ` holds; None where it holds none.

    Raises:
        AccessDeniedError: They can't be any.
    """
    found = [next((environ[name] for name in names if environ.get(name, "").strip()), "") for names in _NAMES]
    if not all(found):
        return None
    token = environ.get("AWS_SESSION_TOKEN", "")
    return StaticProvider(
        environment.key(found[0], _NAMES[0][0]), found[1].strip(), environment.key(token, "AWS_SESSION_TOKEN") or None
    )


class UsualCredentials(Provider):
    """Looks where AWS's and MinIO's own tools look: environment, credentials file, `mc`'s file, the machine's role."""

    def __init__(self) -> None:
        given = given_credentials(os.environ)
        # A laptop has no metadata service; without a short timeout the search for one takes minutes.
        quick = urllib3.Timeout(connect=1, read=5)
        role = os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
        # The metadata service is on this very machine, so to say, and the service that gives tokens for roles is not.
        http = _pool(_STS, quick, **_trusted()) if role else urllib3.PoolManager(timeout=quick, retries=False)
        files = [AWSConfigProvider(), MinioClientConfigProvider()]
        self._chain = ChainedProvider([*([given] if given else []), *files, IamAwsProvider(http_client=http)])

    def retrieve(self) -> Credentials:
        """Return the first credentials found.

        Raises:
            AccessDeniedError: There are none, or they can't be any.
            UnavailableError: The service that gives some for a role does not answer.
        """
        try:
            found = self._chain.retrieve()
        except (ValueError, KeyError, TypeError, AttributeError, OSError, urllib3.exceptions.HTTPError) as error:
            raise _none_found(error) from None
        except configparser.Error:  # its text shows lines of the file
            raise AccessDeniedError(
                "The credentials file can't be read: it must be an INI file with a section [default], or that of AWS_PROFILE. "
                "AWS_SHARED_CREDENTIALS_FILE names it, else it is ~/.aws/credentials."
            ) from None
        if not (isinstance(found.access_key, str) and isinstance(found.secret_key, str)):  # a number in `mc`'s file
            raise _none_found(TypeError())
        where = "An access key of the S3 server"
        token = environment.key(found.session_token or "", "A session token of the S3 server")
        return Credentials(environment.key(found.access_key, where), found.secret_key.strip(), token or None, found.expiration)


def _none_found(error: Exception) -> AccessDeniedError | UnavailableError:
    """Say that there are no credentials; where a role was to give some, what came of that."""
    if role := os.environ.get("AWS_ROLE_ARN"):
        if isinstance(error, urllib3.exceptions.HTTPError):
            return UnavailableError(f"The service that gives credentials for the role {role!r} (AWS_ROLE_ARN) does not answer.")
        return AccessDeniedError(
            f"Got no credentials for the role {role!r} (AWS_ROLE_ARN). Does the role exist, and may this pod's ServiceAccount "
            "have it?"
        )
    return AccessDeniedError(
        "Found no credentials for the S3 server. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "or put them into the credentials file (~/.aws/credentials) under the profile in AWS_PROFILE."
    )
