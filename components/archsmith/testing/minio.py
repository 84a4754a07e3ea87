"""A real MinIO server of one's own, for tests and benchmarks."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import urllib3
from minio import Minio
from minio.credentials.providers import StaticProvider

from archsmith.stores.retry import Backoff
from archsmith.stores.s3 import S3Store
from archsmith.stores.s3_client import Endpoint

_START_S = 60.0
"""A server starts in a second; a busy machine takes longer."""


@dataclass(frozen=True, slots=True)
class MinioServer:
    """A server that runs, and the credentials of its owner."""

    endpoint: str
    """Its URL."""
    access_key: str
    """Random."""
    secret_key: str
    """Random."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which `open_store` finds it."""
        return {
            "ARCHSMITH_S3_ENDPOINT": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }

    def client(self, endpoint: str = "", http: urllib3.PoolManager | None = None) -> Minio:
        """Make a client, of another endpoint that passes requests on to this one if given."""
        where = Endpoint.of({"ARCHSMITH_S3_ENDPOINT": endpoint or self.endpoint})
        return where.connect(StaticProvider(self.access_key, self.secret_key), http)

    def new_bucket(self) -> str:
        """Make a bucket with a random name and return the name."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        self.client().make_bucket(name)
        return name

    def store(self, bucket: str, prefix: str = "", *, endpoint: str = "", backoff: Backoff | None = None) -> S3Store:
        """Open a store in a bucket of this server."""
        return S3Store(bucket, prefix, self.client(endpoint), endpoint=endpoint or self.endpoint, backoff=backoff)


@contextlib.contextmanager
def minio_server(folder: Path) -> Iterator[MinioServer]:
    """Run a MinIO server on a free port of this machine until the block ends.

    Args:
        folder: Where its objects and its log go.

    Raises:
        RuntimeError: There is no server to run, or it does not start.
    """
    binary = find_minio()
    server = MinioServer(f"http://127.0.0.1:{_free_port()}", secrets.token_hex(10), secrets.token_hex(20))
    with (folder / "minio.log").open("wb") as log:
        process = _start(binary, server, folder, log.fileno())
        try:
            _wait(server, process, folder / "minio.log")
            yield server
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def find_minio() -> str:
    """Return the path of the MinIO server's program: what ARCHSMITH_MINIO says, else `minio` on PATH.

    Raises:
        RuntimeError: There is none.
    """
    found = os.environ.get("ARCHSMITH_MINIO") or shutil.which("minio")
    if not found:
        raise RuntimeError(
            "Found no MinIO server on PATH, and ARCHSMITH_MINIO is not set to the path of one. `make test` builds one in "
            ".tools/bin where there is Go; else take the package of your system, or github.com/minio/minio."
        )
    return found


def _start(binary: str, server: MinioServer, folder: Path, log: int) -> subprocess.Popen[bytes]:
    address = server.endpoint.removeprefix("http://")
    return subprocess.Popen(  # noqa: S603
        [binary, "server", "--quiet", "--certs-dir", str(folder / "certs"), "--address", address, str(folder / "data")],
        env={
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "MINIO_ROOT_USER": server.access_key,
            "MINIO_ROOT_PASSWORD": server.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_PROMETHEUS_AUTH_TYPE": "public",  # its metrics say how many requests it got
            "MINIO_UPDATE": "off",
        },
        stdout=log,
        stderr=log,
    )


def _wait(server: MinioServer, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers a request that needs all of it."""
    until = time.monotonic() + _START_S
    with urllib3.PoolManager(retries=False, timeout=5) as http:
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if http.request("GET", f"{server.endpoint}/minio/health/cluster").status == 200:
                    return
            time.sleep(0.05)
    raise RuntimeError(f"The MinIO server did not start within {_START_S:.0f} s:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
