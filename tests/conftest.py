"""Fixtures of all tests."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: small networks, and processes that fork, want no pool of threads

from collections.abc import Iterator

import pytest

from archsmith.testing.minio import MinioServer, minio_server


@pytest.fixture(scope="session", name="minio_server")
def _minio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioServer]:
    """A real MinIO server; a machine without one fails the test, and the message says how to get it."""
    with minio_server(tmp_path_factory.mktemp("minio")) as server:
        yield server
