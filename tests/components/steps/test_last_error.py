from typing import Any

import pytest

from archsmith.errors import DataError, NotFoundError, SearchConflictError, SpecError, UnavailableError
from archsmith.steps.last_error import clear_error, leave_error, read_error
from archsmith.steps.main import ERROR_FILE, run_step


@pytest.fixture(autouse=True)
def _in_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ERROR_FILE, raising=False)


def test_a_step_that_fails_in_a_pod_leaves_its_error_in_the_store(staged_with: Any) -> None:
    staged = staged_with(("{name: digits}", "{name: npz, path: nowhere.npz}"))
    with pytest.raises(DataError):
        run_step("sample_space", staged.search.text, staged.store)
    left = read_error(staged.folder)
    assert isinstance(left, DataError)
    assert "nowhere.npz" in str(left)
    clear_error(staged.folder)
    assert read_error(staged.folder) is None


@pytest.mark.parametrize("error", [UnavailableError("the store is away"), SearchConflictError("another search")])
def test_what_may_pass_or_is_another_searchs_is_not_left(staged: Any, error: Exception) -> None:
    leave_error("propose", (staged.search.name, staged.store, 0), error)  # type: ignore[arg-type]
    assert read_error(staged.folder) is None


def test_leaving_an_error_never_raises_one(staged: Any) -> None:
    leave_error("sample_space", ("no search at all", staged.store), SpecError("it is wrong"))
    leave_error("propose", ("tiny", "ftp://nowhere", 0), NotFoundError("gone"))
    leave_error("propose", ("tiny", staged.store, 0), NotFoundError("gone"))
    assert isinstance(read_error(staged.folder), NotFoundError)
