"""Where the S3 server is and who we are there: all of it from the environment and the usual files."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import certifi
import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.credentials.providers import (
    AWSConfigProvider,
    ChainedProvider,
    EnvAWSProvider,
    IamAwsProvider,
    MinioClientConfigProvider,
    Provider,
    StaticProvider,
)

from archsmith.errors import AccessDeniedError, PermanentError

_ENDPOINTS = ("ARCHSMITH_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_AWS = "https://s3.amazonaws.com"


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
        name = next((name for name in _ENDPOINTS if environ.get(name)), None)
        parts = urlsplit(environ[name] if name else _AWS)
        if "@" in parts.netloc:
            raise PermanentError(
                f"{name} holds a user or password; put credentials into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        if parts.scheme not in {"http", "https"} or not re.fullmatch(r"[\w.-]+(:\d+)?|\[[\da-f:]+\](:\d+)?", parts.netloc):
            raise PermanentError(f"{name} is {environ[name or '']!r}, but must be a URL such as http://minio:9000.")
        return cls(parts.netloc, parts.scheme == "https", environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None)

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
            http_client=http or new_pool(),
        )


def new_pool() -> urllib3.PoolManager:
    """Make what sends requests: quick to notice a dead server, patient with large objects, no retries of its own."""
    return urllib3.PoolManager(
        maxsize=16,
        timeout=urllib3.Timeout(connect=5, read=60),
        retries=False,
        cert_reqs="CERT_REQUIRED",
        ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
    )


def given_credentials(environ: Mapping[str, str]) -> Provider | None:
    """Return the credentials that `environ` holds; None where it holds none."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    if not all(environ.get(name) for name in names):
        return None
    key, secret = (environ[name] for name in names)
    return StaticProvider(key, secret, environ.get("AWS_SESSION_TOKEN") or None)


class UsualCredentials(Provider):
    """Looks where AWS's and MinIO's own tools look: environment, credentials file, `mc`'s file, the machine's role."""

    def __init__(self) -> None:
        # A laptop has no metadata service; without a short timeout the search for one takes minutes.
        quick = urllib3.PoolManager(timeout=urllib3.Timeout(connect=1, read=5), retries=False)
        self._chain = ChainedProvider(
            [EnvAWSProvider(), AWSConfigProvider(), MinioClientConfigProvider(), IamAwsProvider(http_client=quick)]
        )

    def retrieve(self) -> Credentials:
        """Return the first credentials found.

        Raises:
            AccessDeniedError: There are none.
        """
        try:
            return self._chain.retrieve()
        except (ValueError, KeyError, OSError, urllib3.exceptions.HTTPError):
            raise AccessDeniedError(
                "Found no credentials for the S3 server. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "or put them into the credentials file (~/.aws/credentials) under the profile in AWS_PROFILE."
            ) from None
