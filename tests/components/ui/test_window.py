from pathlib import Path

import pytest

from archsmith.errors import NotFoundError, PermanentError
from archsmith.stores import open_store
from archsmith.ui.window import Window


def test_a_window_asks_for_what_is_there_once_a_look_and_for_what_is_not_there_never(tmp_path: Path, counted: type) -> None:
    store = open_store(str(tmp_path))
    store.put("searches/a/one", b"1")
    store.put("searches/a/supernet/epochs/000001.json", b"e")
    asking = counted(store)
    window = Window(asking, "searches/a/")

    assert window.look() == {"searches/a/one", "searches/a/supernet/epochs/000001.json"}
    assert [window.get("searches/a/one") for _ in range(3)] == [b"1"] * 3
    assert window.get("searches/a/supernet/epochs/000001.json") == b"e"
    with pytest.raises(NotFoundError):
        window.get("searches/a/two")
    assert window.list("searches/a/s") == ["searches/a/supernet/epochs/000001.json"]
    assert window.list("searches/a/", start_after="searches/a/one") == ["searches/a/supernet/epochs/000001.json"]
    assert asking.asked == ["list searches/a/", "get searches/a/one", "get searches/a/supernet/epochs/000001.json"]

    store.put("searches/a/one", b"2")
    store.put("searches/a/two", b"2")
    assert window.get("searches/a/one") == b"1"
    window.look()
    assert (window.get("searches/a/one"), window.get("searches/a/two")) == (b"2", b"2")
    assert window.get("searches/a/supernet/epochs/000001.json") == b"e"
    assert asking.asked[3:] == ["list searches/a/", "get searches/a/one", "get searches/a/two"]


@pytest.mark.parametrize("write", ["put", "put_new", "delete"])
def test_nothing_can_be_written_through_a_window(tmp_path: Path, write: str) -> None:
    window = Window(open_store(str(tmp_path)), "searches/a/")
    arguments = (["searches/a/x"],) if write == "delete" else ("searches/a/x", b"")

    with pytest.raises(PermanentError, match="Pages change nothing"):
        getattr(window, write)(*arguments)

    assert list(tmp_path.iterdir()) == []
