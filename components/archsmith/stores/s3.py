"""A store in MinIO or S3."""

import io
import itertools
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Self, TypeVar

from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from archsmith.stores.keys import check_key, check_prefix
from archsmith.stores.retry import Backoff
from archsmith.stores.s3_client import Endpoint, checked_bucket, content, given_credentials
from archsmith.stores.s3_errors import FAULTS, Place

T = TypeVar("T")
_BYTES = "application/octet-stream"
_PART_SIZE = 64 * 2**20
"""Larger objects are sent in parts; a model of a search seldom is one."""

_DENIALS = 3
"""Denials of a write that are not believed."""


class S3Store:
    """Keeps objects in a bucket of MinIO, S3, or a server that speaks the same protocol.

    The server writes an object whole or not at all; `put_new` is a conditional write (`If-None-Match: *`),
    which S3 has since 2024 and MinIO since 2023. Faults that pass are tried again. It may be used by
    several threads, but not be handed to a forked process: open one there.

    Args:
        bucket: Name of a bucket that exists.
        prefix: What the name of every object begins with, a folder within the bucket; may be empty.
        client: Sends the requests; it must not try again by itself.
        endpoint: URL of the server, for messages.
        backoff: How faults that pass are tried again.
    """

    def __init__(
        self, bucket: str, prefix: str, client: Minio, *, endpoint: str = "the S3 server", backoff: Backoff | None = None
    ) -> None:
        self._bucket = checked_bucket(bucket)
        self._prefix = f"{check_key(prefix.strip('/'))}/" if prefix.strip("/") else ""
        self._client = client
        self._place = Place(endpoint, bucket)
        self._backoff = backoff or Backoff()
        # What is no S3 server is told from one that something else stands in for, while it starts anew.
        self._has_answered = False

    @classmethod
    def open(cls, bucket: str, prefix: str, environ: Mapping[str, str] | None = None, backoff: Backoff | None = None) -> Self:
        """Open the store at the server and with the credentials of the environment, or of `environ`."""
        endpoint = Endpoint.of(os.environ if environ is None else environ)
        client = endpoint.connect(given_credentials(environ or {}))
        return cls(bucket, prefix, client, endpoint=endpoint.url, backoff=backoff)

    def get(self, key: str) -> bytes:
        """Return the object; raises `NotFoundError` where there is none."""
        name = self._name(key)
        return self._try(lambda: self._read(name), key)

    def put(self, key: str, data: bytes) -> None:
        """Write the object, in place of the one that may be there."""
        name = self._name(key)
        self._try(lambda: self._settle(lambda: self._write(name, data)), key)

    def put_new(self, key: str, data: bytes) -> bool:
        """Write the object unless there is one already; tell whether it was written.

        Where the answer to a first attempt was lost, the object that is there is taken for ours if
        it has the same bytes; put something unique into an object that is meant as a lock.
        """
        name, attempts = self._name(key), itertools.count()
        return self._try(lambda: self._settle(lambda: self._write_new(name, data, again=next(attempts) > 0)), key)

    def list(self, prefix: str, *, start_after: str = "") -> list[str]:
        """Return the keys that begin with `prefix` and sort after `start_after`, sorted."""
        begin = self._prefix + check_prefix(prefix)
        after = self._prefix + start_after if start_after else None

        def names() -> list[str]:
            listed = self._client.list_objects(self._bucket, prefix=begin, recursive=True, start_after=after)
            return sorted(str(item.object_name) for item in listed)

        return [name.removeprefix(self._prefix) for name in self._try(names, prefix)]

    def delete(self, keys: Iterable[str]) -> None:
        """Remove the objects, a thousand a request; those that are not there are passed over."""
        names = [self._name(key) for key in keys]
        if names:
            self._try(lambda: self._remove(names), f"{len(names)} objects")

    def uri(self, key: str) -> str:
        """Return the object's s3:// URI."""
        return f"s3://{self._bucket}/{self._name(key)}"

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _try(self, call: Callable[[], T], key: str) -> T:
        def attempt() -> T:
            try:
                result = call()
            except FAULTS as error:
                raise self._place.explain(error, key, has_answered=self._has_answered) from None
            self._has_answered = True
            return result

        return self._backoff.run(attempt)

    def _settle(self, write: Callable[[], T]) -> T:
        """Write again where MinIO denies it by mistake.

        On a single disk it answers AccessDenied where a deletion empties the object's folder at that
        moment. Nothing tells that from a true denial, which is therefore noticed a second later.
        """
        for attempt in range(_DENIALS):
            try:
                return write()
            except S3Error as error:
                if error.code != "AccessDenied":
                    raise
                self._backoff.pause(attempt)
        return write()

    def _read(self, name: str) -> bytes:
        return content(self._client.get_object(self._bucket, name))

    def _write(self, name: str, data: bytes) -> None:
        self._client.put_object(self._bucket, name, io.BytesIO(data), len(data), _BYTES, part_size=_PART_SIZE)

    def _write_new(self, name: str, data: bytes, *, again: bool) -> bool:
        headers: dict[str, str | list[str] | tuple[str]] = {"If-None-Match": "*", "Content-Type": _BYTES}
        try:
            # The public put_object turns unknown headers into metadata, and so has no conditional write.
            self._client._put_object(self._bucket, name, data, headers)
        except S3Error as error:
            if error.code != "PreconditionFailed":
                raise
            return again and self._read(name) == data
        return True

    def _remove(self, names: Iterable[str]) -> None:
        for error in self._client.remove_objects(self._bucket, [DeleteObject(name) for name in names]):
            raise self._place.refused(error.code, error.message)
