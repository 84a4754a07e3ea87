"""Fixtures of all tests."""

import gc
import inspect
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: small networks, and processes that fork, want no pool of threads

from collections.abc import Iterator
from pathlib import Path

import pytest

from archsmith.testing.minio import MinioServer, minio_server


def pytest_collection_finish() -> None:
    """Take ten thousand collected tests out of what each garbage collection goes through."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let Python end with all of its objects in sight; libraries in C++ would call the others leaked."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def _frames_without_a_module_are_known() -> None:
    """Let `inspect` find at once that the code in which a worker of pytest-xdist begins belongs to no module.

    Otherwise each `inspect.stack()` goes through all modules for each frame of that code: 30 ms, and kfp calls it for most
    settings of a task.
    """
    for info in inspect.stack(0):
        if inspect.getmodule(info.frame) is None:
            inspect.modulesbyfile[info.filename] = ""


@pytest.fixture(scope="session", autouse=True)
def _a_gradient_comes_before_any_export() -> None:
    """Compute a gradient. Where the first one comes after an export, autograd has threads, and no fork can train."""
    import torch

    torch.ones(1, requires_grad=True).sum().backward()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show at the end what tests have noted, in whichever process they ran: what they measured, or what happened."""
    reports = [report for of_outcome in terminalreporter.stats.values() for report in of_outcome]
    for report in reports:
        if getattr(report, "when", None) == "call":
            for name, line in report.user_properties:
                if name == "note":
                    terminalreporter.write_line(line)


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
