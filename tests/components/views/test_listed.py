"""How a search that has ended stands in a list: what is kept at its end is what all of it comes to."""

from pathlib import Path

import pytest

from archsmith.search import parse
from archsmith.steps.finished import end, is_finished
from archsmith.stores.folder import SearchFolder
from archsmith.stores.local import LocalStore
from archsmith.testing.made_up import finish, made_up
from archsmith.testing.references import WORTH_IT
from archsmith.testing.searches import TINY
from archsmith.views.listed import ended_as, listed_of
from archsmith.views.snapshot import Snapshot

RICH = TINY.replace("baseline: none", "baseline: simple").replace("budget: {trials: 6, rounds: 3}", "budget: {trials: 60}")


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    folder, search = made_up(LocalStore(tmp_path), RICH, 60), parse(RICH)
    model = finish(folder, search)
    assert model is not None
    folder.write_worth(model.mark, WORTH_IT)
    end(folder, search)
    return folder


def test_what_is_kept_is_what_is_read_anew(folder: SearchFolder) -> None:
    kept = ended_as(folder)
    assert kept is not None
    assert kept.worth is not None
    assert kept.course
    assert kept == listed_of(Snapshot.read(folder, parse(RICH)))


def test_it_is_no_part_of_what_tells_whether_all_is_still_there(folder: SearchFolder) -> None:
    assert is_finished(folder, parse(RICH))
    folder.put("report/index.html", b"another one")
    assert not is_finished(folder, parse(RICH))


@pytest.mark.parametrize("mark", [b"", b"{", b"[]", b"{}", b'{"listed": {}}', b'{"listed": {"name": "tiny", "best": 3}}'])
def test_a_mark_without_it_or_a_damaged_one_tells_nothing(folder: SearchFolder, mark: bytes) -> None:
    folder.put("done", mark)
    assert ended_as(folder) is None
    assert not is_finished(folder, parse(RICH))


def test_a_search_that_goes_on_is_read_anew(folder: SearchFolder) -> None:
    folder.mark(done=False)
    assert ended_as(folder) is None
