"""What every store must do, and stores that count and that crash."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from archsmith.errors import NotFoundError, PermanentError
from archsmith.stores import Store
from archsmith.stores.keys import check_key, check_prefix

_RACER = """
import sys
from archsmith.stores import open_store
uri, key, data = sys.argv[1:]
store = open_store(uri)
print("ready", flush=True)
sys.stdin.readline()
print(store.put_new(key, data.encode()))
"""
"""A process that writes a new object once it gets a line."""


class StoreConformance:
    """Subclass it with a fixture `store` (a new, empty one) and a fixture `location`.

    `location` is the URI of that store, and the environment variables with which another process opens it.
    """

    def test_an_object_comes_back_as_it_was_written(self, store: Store) -> None:
        for data in (b"", b"\x00\xff\r\n", os.urandom(3_000_000)):
            store.put("a/b.bin", data)
            assert store.get("a/b.bin") == data

    def test_an_object_that_is_not_there_is_named_in_the_error(self, store: Store) -> None:
        with pytest.raises(NotFoundError, match="searches/none"):
            store.get("searches/none")
        store.put("searches/x/y", b"")
        with pytest.raises(NotFoundError):
            store.get("searches/x")

    def test_put_replaces(self, store: Store) -> None:
        store.put("k", b"long and old")
        store.put("k", b"new")
        assert store.get("k") == b"new"

    def test_put_new_keeps_what_is_there(self, store: Store) -> None:
        assert store.put_new("a/k", b"first")
        assert not store.put_new("a/k", b"second")
        assert store.get("a/k") == b"first"
        store.delete(["a/k"])
        assert store.put_new("a/k", b"third")

    def test_a_list_has_the_keys_with_the_prefix_in_order(self, store: Store) -> None:
        keys = ["a", "b/c/1", "b/c/2", "b/c-1", "b/c.x", "b/d", "bc", "b/c/2~", "b/é/1", "z/0/0/0"]
        for key in keys:
            store.put(key, b"")
        for prefix in ("", "a", "b", "b/", "b/c", "b/c/", "b/c/2", "b/é", "c", "z/0/", "none/at/all"):
            for after in ("", "a", "b/c", "b/c/", "b/c/1", "b/c/~", "b/d", "b/zzz", "zz"):
                expected = sorted(k for k in keys if k.startswith(prefix) and k > after)
                assert store.list(prefix, start_after=after) == expected, (prefix, after)

    def test_an_empty_store_lists_nothing(self, store: Store) -> None:
        assert store.list("") == store.list("a/b/") == []

    def test_more_than_a_page_is_listed_and_deleted(self, store: Store) -> None:
        keys = [f"n/{i:04d}" for i in range(1003)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: store.put(key, b""), keys))
        assert store.list("n/") == keys
        store.delete(keys[1:])
        assert store.list("n/") == keys[:1]

    def test_what_is_not_there_is_deleted_in_silence(self, store: Store) -> None:
        store.put("a/b", b"")
        store.delete(["a/c", "a/b", "x/y/z"])
        store.delete([])
        assert store.list("") == []

    @pytest.mark.parametrize(
        "key", ["", "/a", "a/", "a//b", "..", "../a", "a/../b", "./a", "a/.b", "a\\b", "a\nb", "a\0", "x" * 201]
    )
    def test_a_key_that_is_none_is_refused_before_anything_is_touched(self, store: Store, key: str) -> None:
        for call in (
            store.get,
            store.uri,
            lambda k: store.put(k, b""),
            lambda k: store.put_new(k, b""),
            lambda k: store.delete([k]),
        ):
            with pytest.raises(PermanentError, match="can't be stored; a key is a relative path"):
                call(key)

    def test_a_prefix_that_leads_out_of_the_store_is_refused(self, store: Store) -> None:
        for prefix in ("/", "../", "a/../b", "/etc/", ".."):
            with pytest.raises(PermanentError, match="No key begins with"):
                store.list(prefix)

    def test_one_of_many_threads_writes_a_new_object(self, store: Store) -> None:
        for race in range(5):
            gate = threading.Barrier(16)

            def write(writer: int, key: str = f"race/{race}", gate: threading.Barrier = gate) -> bool:
                gate.wait()
                return store.put_new(key, str(writer).encode() * 100_000)

            with ThreadPoolExecutor(16) as pool:
                wins = list(pool.map(write, range(16)))
            assert wins.count(True) == 1
            assert store.get(f"race/{race}") == str(wins.index(True)).encode() * 100_000

    def test_one_of_many_processes_writes_a_new_object(self, store: Store, location: tuple[str, dict[str, str]]) -> None:
        uri, environ = location
        racers = [
            subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", _RACER, uri, "race", str(i)],
                env={**os.environ, **environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for i in range(6)
        ]
        assert [racer.stdout.readline() for racer in racers if racer.stdout] == ["ready\n"] * 6
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("\n")
            racer.stdin.flush()
        said = [racer.communicate(timeout=60)[0].strip() for racer in racers]
        assert sorted(said) == ["False"] * 5 + ["True"]
        assert store.get("race") == str(said.index("True")).encode()

    def test_a_reader_sees_an_object_whole(self, store: Store) -> None:
        versions = [bytes([letter]) * 4_000_000 for letter in b"abcdef"]
        store.put("big", versions[0])

        def rewrite() -> None:
            for version in versions * 3:
                store.put("big", version)

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(rewrite)
            while not writing.done():
                assert store.get("big") in versions
            writing.result()

    def test_a_list_while_objects_are_written_and_deleted_shows_only_objects(self, store: Store) -> None:
        def churn(writer: int) -> None:
            for i in range(25):
                store.put(f"churn/{writer}/{i}", b"x" * 1000)
                store.delete([f"churn/{writer}/{i}"])

        valid = {f"churn/{writer}/{i}" for writer in range(4) for i in range(25)}
        with ThreadPoolExecutor(4) as pool:
            writing = [pool.submit(churn, writer) for writer in range(4)]
            while not all(w.done() for w in writing):
                assert set(store.list("churn/")) <= valid
            for done in writing:
                done.result()
        assert store.list("churn/") == []


@dataclass
class MemoryStore:
    """Keeps objects in this process: for tests that write more than a disk is quick enough for."""

    objects: dict[str, bytes] = field(default_factory=dict)
    """They by key."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str) -> bytes:
        if check_key(key) not in self.objects:
            raise NotFoundError(f"There is no object {key!r} in memory.")
        return self.objects[key]

    def put(self, key: str, data: bytes) -> None:
        self.objects[check_key(key)] = data

    def put_new(self, key: str, data: bytes) -> bool:
        with self._lock:
            if check_key(key) in self.objects:
                return False
            self.objects[key] = data
            return True

    def list(self, prefix: str, *, start_after: str = "") -> list[str]:
        return sorted(key for key in [*self.objects] if key.startswith(check_prefix(prefix)) and key > start_after)

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.objects.pop(check_key(key), None)

    def uri(self, key: str) -> str:
        return f"memory:{check_key(key)}"


@dataclass
class CountingStore:
    """Counts the calls that another store gets."""

    store: Store
    """The one that does the work."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often each method was called."""

    def get(self, key: str) -> bytes:
        self.calls["get"] += 1
        return self.store.get(key)

    def put(self, key: str, data: bytes) -> None:
        self.calls["put"] += 1
        self.store.put(key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        self.calls["put_new"] += 1
        return self.store.put_new(key, data)

    def list(self, prefix: str, *, start_after: str = "") -> list[str]:
        self.calls["list"] += 1
        return self.store.list(prefix, start_after=start_after)

    def delete(self, keys: Iterable[str]) -> None:
        self.calls["delete"] += 1
        self.store.delete(keys)

    def uri(self, key: str) -> str:
        return self.store.uri(key)


class Crash(BaseException):
    """The process ends here; no `except Exception` stops it, as nothing stops a kill."""


@dataclass
class CrashingStore:
    """Lets a number of writes through to another store and crashes at the next one.

    Each object of a deletion counts as one, because a server may do a part of them.
    """

    store: Store
    """The one that does the work."""
    writes: int
    """Writes that are left."""

    def get(self, key: str) -> bytes:
        return self.store.get(key)

    def put(self, key: str, data: bytes) -> None:
        self._spend()
        self.store.put(key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        self._spend()
        return self.store.put_new(key, data)

    def list(self, prefix: str, *, start_after: str = "") -> list[str]:
        return self.store.list(prefix, start_after=start_after)

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._spend()
            self.store.delete([key])

    def uri(self, key: str) -> str:
        return self.store.uri(key)

    def _spend(self) -> None:
        if self.writes == 0:
            raise Crash
        self.writes -= 1
