"""A store that can only be looked at, as of a moment."""

from collections.abc import Iterable
from typing import NoReturn

from archsmith.errors import NotFoundError, PermanentError
from archsmith.stores.store import Store

_KEPT = ("/supernet/epochs/",)
"""Parts of keys of objects that do not change once they are there, and of which there are many."""


class Window:
    """Shows the objects of a store below a prefix as they were at the last look.

    A look is one list. What is not in it is not asked for, and what was read is not read again before the next look, so whoever
    puts a view together of many small reads costs the server each object once. Writing raises: this is for pages.

    Args:
        store: Where the objects are.
        prefix: What the keys begin with.
    """

    def __init__(self, store: Store, prefix: str) -> None:
        self._store, self._prefix = store, prefix
        self._keys: list[str] = []
        self._there: frozenset[str] = frozenset()
        self._read: dict[str, bytes] = {}

    def look(self) -> frozenset[str]:
        """Look anew; return the keys that are there."""
        self._keys = self._store.list(self._prefix)
        self._there = frozenset(self._keys)
        self._read = {k: data for k, data in self._read.items() if k in self._there and any(part in k for part in _KEPT)}
        return self._there

    def forget(self) -> None:
        """Forget what was read, as another search may have taken the name."""
        self._read = {}

    def get(self, key: str) -> bytes:
        """Return the object; raises `NotFoundError` where there was none at the last look, or is none any more."""
        if key.startswith(self._prefix) and key not in self._there:
            raise NotFoundError(f"There is no object {self._store.uri(key)}.")
        if key not in self._read:
            self._read[key] = self._store.get(key)
        return self._read[key]

    def list(self, prefix: str, *, start_after: str = "") -> list[str]:
        """Return the keys that begin with `prefix` and sort after `start_after`, sorted."""
        if not prefix.startswith(self._prefix):
            return self._store.list(prefix, start_after=start_after)
        return [key for key in self._keys if key.startswith(prefix) and key > start_after]

    def uri(self, key: str) -> str:
        """Return where a person or another tool finds the object."""
        return self._store.uri(key)

    def put(self, key: str, data: bytes) -> NoReturn:
        """Refuse."""
        raise PermanentError(f"Pages change nothing: {key} is not written ({len(data)} bytes).")

    def put_new(self, key: str, data: bytes) -> NoReturn:
        """Refuse."""
        self.put(key, data)

    def delete(self, keys: Iterable[str]) -> NoReturn:
        """Refuse."""
        raise PermanentError(f"Pages change nothing: {', '.join(keys)} is not deleted.")
