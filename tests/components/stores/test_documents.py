import contextlib
import json
from pathlib import Path

import pytest

from archsmith.errors import CorruptObjectError, NotFoundError, PermanentError
from archsmith.stores import LocalStore, Store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.stores import CountingStore, Crash, CrashingStore


def test_the_files_of_a_search_lie_in_its_folder(tmp_path: Path):
    folder = SearchFolder(LocalStore(tmp_path), "cells")
    folder.put("best/model.onnx", b"onnx")
    assert (tmp_path / "searches" / "cells" / "best" / "model.onnx").read_bytes() == b"onnx"
    assert folder.uri("best/model.onnx") == str(tmp_path / "searches" / "cells" / "best" / "model.onnx")
    assert folder.key("best/model.onnx") == "searches/cells/best/model.onnx"
    assert folder.get("best/model.onnx") == b"onnx"
    with pytest.raises(NotFoundError, match=r"report/index.html"):
        folder.get("report/index.html")


@pytest.mark.parametrize("writes", range(5))
def test_whatever_a_deletion_leaves_when_it_is_cut_off_its_search_file_is_among_it(tmp_path: Path, writes: int):
    whole = SearchFolder(LocalStore(tmp_path), "cells")
    for name in ("selection.json", "supernet/state.pt", "warm_start.json"):
        whole.put(name, b"{}")
    whole.write_search("kind: Search")
    with contextlib.suppress(Crash):
        SearchFolder(CrashingStore(LocalStore(tmp_path), writes), "cells").remove()
    left = whole.store.list("searches/cells/")
    assert not left or whole.key("search.yaml") in left
    whole.remove()
    assert not whole.exists()
    assert list(tmp_path.iterdir()) == []


def test_json_comes_back_and_people_can_read_it(tmp_path: Path):
    folder = SearchFolder(LocalStore(tmp_path), "cells")
    assert folder.read_json("space.json") is None
    folder.write_json("space.json", {"name": "chain", "layers": [1, 2.5, None, "é"]})
    assert folder.read_json("space.json") == {"name": "chain", "layers": [1, 2.5, None, "é"]}
    assert json.loads(folder.get("space.json")) == folder.read_json("space.json")
    assert folder.get("space.json").count(b"\n") > 3


def test_json_that_is_torn_is_named(tmp_path: Path):
    folder = SearchFolder(LocalStore(tmp_path), "cells")
    for torn in (b'{"winner": ', b"", b"\0", b"\xff", b"[" * 5000):
        folder.put("selection.json", torn)
        with pytest.raises(CorruptObjectError, match=r"searches/cells/selection.json is damaged"):
            folder.read_json("selection.json")


def test_a_search_exists_from_its_first_object_to_its_last(any_store: Store):
    folder = SearchFolder(any_store, "cells")
    for name in ("cells-2", "cell"):
        SearchFolder(any_store, name).write_search("kind: Search\n")
    assert not folder.exists()
    for key in ("index/cells", "searches/cells/space.json"):
        any_store.put(key, b"")
        assert folder.exists()
        folder.remove()
        assert not folder.exists()


def test_a_search_file_that_is_no_text_is_named(tmp_path: Path):
    folder = SearchFolder(LocalStore(tmp_path), "cells")
    folder.put("search.yaml", b"\xff")
    with pytest.raises(
        CorruptObjectError,
        match=r"searches/cells/search.yaml is damaged, or of another version of Archsmith \(.*archsmith delete",
    ):
        folder.read_search()


def test_the_search_file_comes_back_as_it_was_written(any_store: Store):
    folder = SearchFolder(any_store, "cells")
    assert folder.read_search() is None
    folder.write_search("kind: Search  # größer\n")
    assert folder.read_search() == "kind: Search  # größer\n"


def test_the_searches_of_a_store_are_listed_without_listing_their_trials(any_store: Store, make_trial):
    assert SearchFolder.names(any_store) == []
    for name in ("b", "a", "a-2"):
        folder = SearchFolder(any_store, name)
        folder.write_search("kind: Search")
        folder.record(make_trial(0, 0))
    counting = CountingStore(any_store)
    assert SearchFolder.names(counting) == ["a", "a-2", "b"]
    assert counting.calls == {"list": 1}


@pytest.mark.parametrize("name", ["", "a/b", "..", ".a", "/a"])
def test_a_name_that_would_lead_elsewhere_is_refused(tmp_path: Path, name: str):
    with pytest.raises(PermanentError):
        SearchFolder(LocalStore(tmp_path), name)


def test_a_search_whose_file_was_written_is_in_the_list_of_names_whenever_a_crash_came(tmp_path: Path):
    for writes in range(3):
        store = LocalStore(tmp_path / str(writes))
        folder = SearchFolder(CrashingStore(store, writes), "cells")
        with contextlib.suppress(Crash):
            folder.write_search("kind: Search")
        assert folder.read_search() is None or SearchFolder.names(store) == ["cells"]
