import os
import time
from pathlib import Path

import pytest

from archsmith.search import Search, parse
from archsmith.steps.deadline import BEGAN, began, start_clock, training_s
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder

FILE = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: s}
spec:
  data: {name: digits}
  space: {name: chain}
  retrain: {epochs: 9, minutes: 2}
"""


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    return SearchFolder(open_store(str(tmp_path)), "s")


def chosen(folder: SearchFolder, minutes: float, ago_s: float) -> Search:
    folder.write_json("plan.json", {"minutes": minutes, "choices": []})
    start_clock(folder, time.time() - ago_s)
    return parse(FILE)


def test_a_search_that_nobody_has_chosen_has_the_minutes_of_its_file(folder: SearchFolder) -> None:
    assert training_s(folder, parse(FILE)) == 120
    assert training_s(folder, parse(FILE.replace(", minutes: 2", ""))) == float("inf")


def test_what_is_left_is_divided_among_the_winner_and_its_references(folder: SearchFolder) -> None:
    search = chosen(folder, 20, 300)
    winner, linear, residual = (training_s(folder, search, name) for name in (None, "linear", "residual"))
    assert 120 < winner < 900 / 2.15
    assert linear < winner / 3
    assert winner < residual < 900


def test_the_less_is_left_the_less_there_is_and_never_nothing(folder: SearchFolder) -> None:
    left = [training_s(folder, chosen(folder, 20, ago)) for ago in (0, 600, 1_000, 1_200, 10_000)]
    assert left == sorted(left, reverse=True)
    assert left[-1] == pytest.approx(0.25 * 120)


def test_a_pause_between_two_runs_does_not_count(folder: SearchFolder) -> None:
    search = chosen(folder, 20, 5_000)
    start_clock(folder, time.time())
    assert training_s(folder, search) > 200


def test_when_a_run_began_is_believed_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, lies in ((str(time.time() - 100), 100), ("soon", 0), (str(time.time() + 500), 0), ("nan", 0)):
        monkeypatch.setitem(os.environ, BEGAN, said)
        assert time.time() - began() == pytest.approx(lies, abs=5)
