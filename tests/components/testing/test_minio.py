from pathlib import Path

import pytest

from archsmith.testing.minio import find_minio


def test_the_server_is_the_one_of_the_environment_else_that_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "minio"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ARCHSMITH_MINIO", raising=False)
    assert find_minio() == str(program)
    monkeypatch.setenv("ARCHSMITH_MINIO", "/opt/minio")
    assert find_minio() == "/opt/minio"


def test_where_there_is_no_server_it_is_said_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ARCHSMITH_MINIO", raising=False)
    with pytest.raises(RuntimeError, match=r"no MinIO server on PATH, and ARCHSMITH_MINIO is not set.*`make test` builds one"):
        find_minio()
