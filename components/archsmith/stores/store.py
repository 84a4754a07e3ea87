"""The interface of a store: bytes by key."""

from collections.abc import Iterable
from typing import Protocol


class Store(Protocol):
    """Bytes by key, in a local folder or in MinIO/S3; everything a search knows lies in one.

    The steps of the pipeline call it, from several processes or pods at once. A key is a relative
    path of segments joined by `/`. An object is written whole or not at all. Faults that pass are
    retried inside; what is left is raised as `UnavailableError`.
    """

    def get(self, key: str) -> bytes:
        """Return the object; raises `NotFoundError` where there is none."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Write the object, in place of the one that may be there."""
        ...

    def put_new(self, key: str, data: bytes) -> bool:
        """Write the object unless there is one already; tell whether it was written."""
        ...

    def list(self, prefix: str, *, start_after: str = "") -> list[str]:
        """Return the keys that begin with `prefix` and sort after `start_after`, sorted."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Remove the objects; those that are not there are passed over."""
        ...

    def uri(self, key: str) -> str:
        """Return where a person or another tool finds the object."""
        ...
