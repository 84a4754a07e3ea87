"""What others have put into a bucket: read only, and by any key that S3 can hold."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from minio import Minio
from minio.error import S3Error

from archsmith.errors import ConflictError, NotFoundError, PermanentError
from archsmith.stores.retry import Backoff
from archsmith.stores.s3_client import Endpoint, checked_bucket, content, given_credentials
from archsmith.stores.s3_errors import FAULTS, Place

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class S3Object:
    """An object as it is now."""

    key: str
    """Its whole key in the bucket."""
    etag: str
    """What tells it from any other content under this key."""
    size: int
    """Bytes."""


class S3Objects:
    """Reads the objects of a bucket of MinIO, S3, or a server that speaks the same protocol.

    Data are written by other tools, so the rule for the keys of a store (`stores.keys`) does not hold for them. Faults that
    pass are tried again; it may be used by several threads.

    Args:
        bucket: Name of a bucket.
        client: Sends the requests; it must not try again by itself.
        endpoint: URL of the server.
        backoff: How faults that pass are tried again.
    """

    def __init__(self, bucket: str, client: Minio, *, endpoint: str, backoff: Backoff | None = None) -> None:
        self.endpoint = endpoint
        self._bucket = checked_bucket(bucket)
        self._client = client
        self._place = Place(endpoint, bucket)
        self._backoff = backoff or Backoff()

    @classmethod
    def open(cls, bucket: str, environ: Mapping[str, str] | None = None, backoff: Backoff | None = None) -> Self:
        """Open the bucket at the server and with the credentials of the environment, or of `environ`."""
        endpoint = Endpoint.of(os.environ if environ is None else environ)
        return cls(bucket, endpoint.connect(given_credentials(environ or {})), endpoint=endpoint.url, backoff=backoff)

    def find(self, key: str) -> S3Object | None:
        """Return the object of this very key; None where there is none."""
        try:
            found = self._try(lambda: self._client.stat_object(self._bucket, _addressable(key)), key)
        except NotFoundError:
            return None
        return S3Object(key, found.etag or "", found.size or 0)

    def list(self, prefix: str) -> list[S3Object]:
        """Return all objects whose keys begin with `prefix`, by key."""

        def listed() -> list[S3Object]:
            found = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
            # A server that gives no ETag tells at least when an object was written.
            return [S3Object(str(o.object_name), o.etag or str(o.last_modified), o.size or 0) for o in found]

        return sorted(self._try(listed, prefix), key=lambda each: each.key)

    def read(self, listed: S3Object) -> bytes:
        """Return the content of an object; raises `ConflictError` where it has another one by now."""
        headers: dict[str, str | list[str] | tuple[str]] = {"If-Match": f'"{listed.etag}"'}

        def found() -> bytes:
            try:
                response = self._client.get_object(self._bucket, _addressable(listed.key), request_headers=headers)
            except S3Error as error:
                if error.code != "PreconditionFailed":
                    raise
                raise ConflictError(f"s3://{self._bucket}/{listed.key} was changed while it was read; read it again.") from None
            return content(response)

        return self._try(found, listed.key)

    def _try(self, call: Callable[[], T], key: str) -> T:
        def attempt() -> T:
            try:
                return call()
            except FAULTS as error:
                raise self._place.explain(error, key) from None

        return self._backoff.run(attempt)


def _addressable(key: str) -> str:
    if not key or {".", ".."} & set(key.split("/")):
        raise PermanentError(f"The object {key!r} can't be asked for: HTTP takes the segments `.` and `..` out of an address.")
    return key
