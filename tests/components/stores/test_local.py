import errno
import os
import threading
from pathlib import Path

import pytest

from archsmith.errors import PermanentError
from archsmith.stores.local import LocalStore
from archsmith.testing.stores import StoreConformance


class TestLocalStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return LocalStore(tmp_path / "runs")

    @pytest.fixture
    def location(self, tmp_path: Path) -> tuple[str, dict[str, str]]:
        return str(tmp_path / "runs"), {}

    def test_the_uri_of_an_object_is_the_absolute_path_of_its_file(self, store: LocalStore, tmp_path: Path):
        store.put("a/b", b"data")
        assert store.uri("a/b") == str(tmp_path / "runs" / "a" / "b")
        assert Path(store.uri("a/b")).read_bytes() == b"data"

    def test_nothing_is_left_beside_the_objects(self, store: LocalStore, tmp_path: Path):
        store.put("a/b", b"")
        store.put_new("a/b", b"")
        store.put_new("a/c", b"")
        assert sorted(path.name for path in (tmp_path / "runs" / "a").iterdir()) == ["b", "c"]

    def test_a_file_that_a_killed_writer_left_is_not_listed(self, store: LocalStore, tmp_path: Path):
        store.put("a/b", b"")
        (tmp_path / "runs" / "a" / ".0123").write_bytes(b"half")
        assert store.list("") == ["a/b"]

    def test_what_killed_writers_left_long_ago_goes_with_a_deletion_and_all_of_it_with_a_sweep(
        self, store: LocalStore, tmp_path: Path
    ):
        store.put("a/b/c", b"")
        store.put("a/d", b"")
        names = (f".{'0' * 32}", f".{'1' * 32}", ".gitignore")
        old, new, other = (tmp_path / "runs/a/b" / name for name in names)
        for path in (old, new, other):
            path.write_bytes(b"half")
        os.utime(old, (1e9, 1e9))
        store.delete(["a/b/c"])
        assert sorted(path.name for path in (tmp_path / "runs/a/b").iterdir()) == [new.name, other.name]
        other.unlink()
        store.sweep("a/")
        assert not (tmp_path / "runs/a/b").exists()
        assert store.list("") == ["a/d"]

    def test_folders_that_a_deletion_empties_go(self, store: LocalStore, tmp_path: Path):
        store.put("a/b/c/d", b"")
        store.put("a/x", b"")
        store.delete(["a/b/c/d"])
        assert [path.name for path in (tmp_path / "runs" / "a").iterdir()] == ["x"]

    def test_an_object_can_be_written_while_its_folder_is_removed_as_empty(self, store: LocalStore):
        stop = threading.Event()

        def sweep():
            while not stop.is_set():
                store.delete(["a/b/c/other"])

        sweeper = threading.Thread(target=sweep)
        sweeper.start()
        try:
            for i in range(150):
                store.put(f"a/b/c/{i}", b"x")
                store.delete([f"a/b/c/{i}"])
        finally:
            stop.set()
            sweeper.join()

    def test_a_folder_that_goes_while_it_is_being_made_is_made_again(
        self, store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        make, calls = os.mkdir, []

        def mkdir(path: str, mode: int = 0o777, **more: int) -> None:
            calls.append(path)
            if len(calls) == 1:  # as if another process had made it, and then removed it
                raise FileExistsError(errno.EEXIST, "File exists", str(path))
            make(path, mode, **more)

        (tmp_path / "runs").mkdir()
        monkeypatch.setattr("os.mkdir", mkdir)
        store.put("a/b", b"x")
        assert store.get("a/b") == b"x"
        assert len(calls) > 1

    def test_a_key_below_an_object_is_refused(self, store: LocalStore):
        store.put("a", b"")
        with pytest.raises(PermanentError, match="No key may be the folder of another one"):
            store.put("a/b", b"")
        store.put("x/y", b"")
        with pytest.raises(PermanentError, match="No key may be the folder of another one"):
            store.put("x", b"")
