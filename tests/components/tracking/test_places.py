from pathlib import Path

import pytest

from archsmith.tracking import redact, resolve_uri
from archsmith.tracking.places import artifact_root


def test_the_search_file_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://environment")
    assert resolve_uri("http://file", "runs") == "http://file"


def test_the_environment_comes_before_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://environment")
    assert resolve_uri(None, "runs") == "http://environment"


@pytest.mark.parametrize("store", ["{}/runs", "file://{}/runs"])
def test_without_either_it_is_a_sqlite_file_in_the_store(tmp_path: Path, store: str) -> None:
    assert resolve_uri(None, store.format(tmp_path)) == f"sqlite:///{tmp_path}/runs/mlflow.db"


def test_with_a_store_in_s3_it_is_a_sqlite_file_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_uri(None, "s3://bucket/prefix") == f"sqlite:///{tmp_path}/mlflow.db"


def test_artifacts_lie_beside_a_sqlite_file(tmp_path: Path) -> None:
    assert artifact_root(f"sqlite:///{tmp_path}/mlflow.db") == f"file://{tmp_path}/mlartifacts"


def test_a_server_decides_where_its_artifacts_lie() -> None:
    assert artifact_root("http://mlflow:5000") is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at http://me:secret@host:5000/api failed", "at http://***@host:5000/api failed"),
        ("postgresql+psycopg2://me:se/cret@host/db", "postgresql+psycopg2://***@host/db"),
        ("http://me:p@ss@host, https://host/a@b", "http://***@host, https://host/a@b"),
        ("http://host/path", "http://host/path"),
    ],
)
def test_a_password_is_not_shown(text: str, shown: str) -> None:
    assert redact(text) == shown
