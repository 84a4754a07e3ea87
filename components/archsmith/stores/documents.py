"""The files of one search in a store, by name."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, TypeVar

import orjson

from archsmith.errors import NotFoundError, PermanentError
from archsmith.stores.damage import AGAIN, named
from archsmith.stores.keys import check_key
from archsmith.stores.local import LocalStore
from archsmith.stores.store import Store

T = TypeVar("T")

SEARCH_FILE = "Put the file there that the search was begun with, or remove the search with `archsmith delete`."
"""What to do about a search file that is damaged: nothing else tells what the trials were measured for."""

_READERS = 8
"""Objects that are read at once; reading is waiting, for a server or a disk."""


class Documents:
    """Reads and writes objects below `searches/NAME/`.

    Args:
        store: Where the search lies.
        name: The name of the search.
    """

    def __init__(self, store: Store, name: str) -> None:
        if "/" in check_key(name):
            raise PermanentError(f"A search can't be called {name!r}; its name has no slash.")
        self.store = store
        self.name = name

    def key(self, name: str) -> str:
        """Return the store's key of a file of this search."""
        return f"searches/{self.name}/{name}"

    def uri(self, name: str) -> str:
        """Return where a person or another tool finds a file of this search."""
        return self.store.uri(self.key(name))

    def get(self, name: str) -> bytes:
        """Return a file of this search; raises `NotFoundError` where there is none."""
        return self.store.get(self.key(name))

    def put(self, name: str, data: bytes) -> None:
        """Write a file of this search."""
        self.store.put(self.key(name), data)

    def read(self, name: str) -> bytes | None:
        """Return a file of this search, or None where there is none."""
        try:
            return self.get(name)
        except NotFoundError:
            return None

    def fingerprint(self, name: str) -> str | None:
        """Return what tells a file's content from any other, or None where there is none."""
        data = self.read(name)
        return None if data is None else sha256(data).hexdigest()

    def read_value(self, name: str, make: Callable[[Any], T], *, hint: str = AGAIN) -> T | None:
        """Return what a JSON file of this search holds, or None where there is none.

        Args:
            name: The file.
            make: Makes the value of what JSON has.
            hint: What to do where the file is damaged.

        Raises:
            CorruptObjectError: It is not JSON, or `make` can't make a value of it.
        """
        data = self.read(name)
        if data is None:
            return None
        with named(self.uri(name), hint):
            return make(orjson.loads(data))

    def read_json(self, name: str) -> Any | None:
        """Return what a JSON file of this search holds, or None where there is none; raises as `read_value` does."""
        return self.read_value(name, lambda raw: raw)

    def write_json(self, name: str, value: Any) -> None:
        """Write a value as a JSON file, for programs and people."""
        self.put(name, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    def read_search(self) -> str | None:
        """Return the search file, or None where the store has no search of this name.

        Raises:
            CorruptObjectError: It is no text.
        """
        data = self.read("search.yaml")
        if data is None:
            return None
        with named(self.uri("search.yaml"), SEARCH_FILE):
            return data.decode()

    def asked(self) -> str | None:
        """Return the open search file that the search was chosen for; None where somebody has written all of it.

        Raises:
            CorruptObjectError: It is no text.
        """
        data = self.read("asked.yaml")
        if data is None:
            return None
        with named(self.uri("asked.yaml"), SEARCH_FILE):
            return data.decode()

    def exists(self) -> bool:
        """Tell whether the store has a search of this name, be it damaged or half deleted."""
        return self.is_listed() or bool(self.store.list(self.key("")))

    def is_listed(self) -> bool:
        """Tell whether the search is in the list of names."""
        entry = f"index/{self.name}"
        return entry in self.store.list(entry)

    def write_search(self, text: str) -> None:
        """Write the search file, and enter the search in the list of names."""
        self.enter()  # first: whoever finds the file takes all of this for done
        self.put("search.yaml", text.encode())

    def enter(self) -> None:
        """Enter the search in the list of names."""
        self.store.put(f"index/{self.name}", b"")

    def remove(self) -> None:
        """Delete the whole search: the list of names first, and then its file last, which says what is left of whom.

        The log of a run goes after all else: whoever deletes holds it as a lock.
        """
        self.store.delete([f"index/{self.name}"])
        file, log = self.key("search.yaml"), self.key("run.log")
        self.store.delete([key for key in self.store.list(self.key("")) if key not in (file, log)])
        if isinstance(self.store, LocalStore):
            self.store.sweep(self.key(""))
        self.store.delete([file])
        self.store.delete([log])

    @staticmethod
    def names(store: Store) -> list[str]:
        """Return the names of the searches in `store`."""
        # The keys below searches/ would name them too, but there is one for each round and trial.
        return [key.removeprefix("index/") for key in store.list("index/")]

    def _names(self, folder: str, *, start_after: str = "") -> list[str]:
        """Return the files whose name begins with `folder` and sorts after `start_after`."""
        listed = self.store.list(self.key(folder), start_after=self.key(start_after) if start_after else "")
        return [key.removeprefix(self.key("")) for key in listed]

    def get_all(self, names: Iterable[str]) -> list[bytes | None]:
        """Return several files, None for each that is not there."""
        names = list(names)
        if len(names) < 2:
            return [self.read(name) for name in names]
        with ThreadPoolExecutor(min(_READERS, len(names))) as pool:
            return list(pool.map(self.read, names))

    def _delete(self, names: Iterable[str]) -> None:
        self.store.delete([self.key(name) for name in names])
