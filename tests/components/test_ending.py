"""When a search ended, and what MLflow lacks of it."""

from collections.abc import Callable

import pytest

from archsmith.ending import ended, missing, note_complete, note_end, note_missing
from archsmith.steps.report import publish, read_data
from archsmith.steps.sync import sync
from archsmith.views.result import Result
from archsmith.views.terminal import show_result

pytestmark = [
    pytest.mark.usefixtures("as_a_user"),
    pytest.mark.filterwarnings("ignore:The ``noload``"),  # MLflow's use of SQLAlchemy
]

OFF = "tracking: {enabled: false}"


def test_the_end_of_a_search_is_noted_once_and_anew_when_it_went_on(staged_with: Callable, monkeypatch) -> None:
    staged = staged_with()
    staged.run(0.9, 0.5)
    staged.select()
    noted = []
    for now in (2e9, 2.1e9):
        monkeypatch.setattr("time.time", lambda now=now: now)
        note_end(staged.folder, read_data(staged.folder, staged.search, staged.store))
        noted.append(ended(staged.folder, read_data(staged.folder, staged.search, staged.store)))
    staged.run(0.95, 0.5)
    staged.select()
    note_end(staged.folder, read_data(staged.folder, staged.search, staged.store))
    later = ended(staged.folder, read_data(staged.folder, staged.search, staged.store))
    assert [e.at for e in noted] == [2e9, 2e9]
    assert later.at == 2.1e9
    assert later.of != noted[0].of


def test_a_search_whose_end_nobody_noted_ended_with_its_last_trial_and_the_training(staged_with: Callable) -> None:
    staged = staged_with()
    best, _ = staged.run(0.9, 0.5)  # the second ends at 1e9 + 20
    staged.select()
    staged.train(best)  # for 30 s
    data = read_data(staged.folder, staged.search, staged.store)
    assert ended(staged.folder, data).at == 1e9 + 20 + 30
    staged.folder.put("end.json", b'{"at": ')  # a torn write
    assert ended(staged.folder, data).at == 1e9 + 20 + 30


@pytest.mark.cluster  # for its length; it needs none
def test_what_mlflow_lacks_is_said_until_it_is_there(staged_with: Callable, capsys, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    staged = staged_with((OFF, "tracking: {enabled: true}"))
    staged.run(0.9, 0.5)
    staged.select()
    publish(staged.folder, staged.search, staged.store, read_data(staged.folder, staged.search, staged.store), {})
    staged.report()
    show_result(Result(staged.folder, staged.search, staged.store))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("MLflow lacks")]
    assert line == (
        "MLflow lacks trials, the winner and the report of 'tiny': MLflow at http://127.0.0.1:9 can't be reached: the connection "
        "is refused. Nothing is lost: `archsmith sync tiny` logs it from the store later."
    )
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert sync(staged.folder, staged.search, staged.store) == 2
    assert missing(staged.folder) is None
    show_result(Result(staged.folder, staged.search, staged.store))
    assert "MLflow lacks" not in capsys.readouterr().out


@pytest.mark.parametrize("damaged", [b"", b"[1]", b'{"what": 3, "why": "x"}', b"\xff"])
def test_a_note_that_is_damaged_is_passed_over(staged_with: Callable, damaged: bytes, monkeypatch) -> None:
    staged = staged_with()
    monkeypatch.setenv("ARCHSMITH_STORE", "elsewhere")  # where the command looks by itself
    note_missing(staged.folder, True, "it is down.")
    assert missing(staged.folder) == (
        f"MLflow lacks the winner and the report of 'tiny': it is down. `archsmith sync tiny --store {staged.store}` logs them "
        "from the store."
    )
    staged.folder.put("mlflow.json", damaged)
    assert missing(staged.folder) is None
    note_complete(staged.folder)
    assert staged.folder.read("mlflow.json") is None
