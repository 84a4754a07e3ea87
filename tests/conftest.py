"""Fixtures of all tests."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: small networks, and processes that fork, want no pool of threads

from collections.abc import Iterator
from pathlib import Path

import pytest

from archsmith.testing.minio import MinioServer, minio_server


@pytest.fixture(scope="session", name="minio_server")
def _minio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioServer]:
    """A real MinIO server; a machine without one fails the test, and the message says how to get it."""
    with minio_server(tmp_path_factory.mktemp("minio")) as server:
        yield server


@pytest.fixture
def as_a_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run as users do: in a folder of one's own, with no tracking server of the machine, on as many threads as torch takes."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # forks must be safe without it
    monkeypatch.chdir(tmp_path)
