"""What a command leaves for whoever looks after its pod."""

import json
from pathlib import Path

import pytest

from archsmith.cli.error_file import LIMIT_BYTES, leave_error
from archsmith.errors import KilledError, UnavailableError
from archsmith.steps.main import ERROR_FILE


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ERROR_FILE, str(tmp_path / "termination-log"))
    return tmp_path / "termination-log"


def test_an_error_is_left_as_json(place: Path) -> None:
    leave_error(UnavailableError("The store sleeps."))
    assert json.loads(place.read_bytes()) == {"kind": "UnavailableError", "message": "The store sleeps."}


@pytest.mark.parametrize("message", ["a" * 5000, "ü" * 5000, '"\n' * 5000, "a" * 4100], ids=["ascii", "wide", "escaped", "just"])
def test_a_long_message_is_cut_to_what_kubernetes_keeps_and_stays_json(place: Path, message: str) -> None:
    leave_error(KilledError(message))
    content = place.read_bytes()
    assert len(content) <= LIMIT_BYTES
    said = json.loads(content)["message"]
    assert said.endswith("…")
    assert len(content) > LIMIT_BYTES - 10
    assert message.startswith(said[:-1])


def test_a_file_that_can_not_be_written_hides_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ERROR_FILE, str(tmp_path))
    leave_error(KilledError("It was killed."))


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ERROR_FILE, raising=False)
    monkeypatch.chdir(tmp_path)
    leave_error(KilledError("It was killed."))
    assert not list(tmp_path.iterdir())
