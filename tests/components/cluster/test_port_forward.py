"""What keeps `kubectl port-forward` running, with a stand-in for kubectl."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from archsmith.cluster.port_forward import PortForward
from archsmith.errors import AccessDeniedError, PermanentError, UnavailableError
from archsmith.testing.kubectl import write_kubectl

READY = "Forwarding from 127.0.0.1:40001 -> 9000"


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path / "bin"


def test_the_port_is_the_one_that_kubectl_names_and_the_child_ends_with_the_block(bin_: Path) -> None:
    calls = write_kubectl(bin_, READY)
    with PortForward("minio", 9000, "team", "here") as forward:
        assert forward.port == 40001
        pid, _, arguments = calls.read_text().strip().partition(" ")
        assert arguments == "--context here -n team port-forward --address 127.0.0.1 svc/minio :9000"
        assert alive(int(pid))
    assert eventually(lambda: not alive(int(pid)))
    assert len(calls.read_text().splitlines()) == 1


def test_a_child_that_dies_is_started_again_at_the_same_port(bin_: Path) -> None:
    calls = write_kubectl(bin_, READY)
    with PortForward("minio", 9000, "team"):
        os.kill(int(calls.read_text().split()[0]), 9)
        assert eventually(lambda: len(calls.read_text().splitlines()) == 2)
        pid, _, arguments = calls.read_text().splitlines()[1].partition(" ")
        assert arguments.endswith("svc/minio 40001:9000")
    assert eventually(lambda: not alive(int(pid)))


def test_the_child_ends_even_where_we_are_killed(bin_: Path) -> None:
    calls = write_kubectl(bin_, READY)
    program = (
        "import os\nfrom archsmith.cluster.port_forward import PortForward\n"
        "with PortForward('minio', 9000, 'team'):\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    pid = int(calls.read_text().split()[0])
    assert eventually(lambda: not alive(pid))


@pytest.mark.parametrize(
    ("said", "kind", "hint"),
    [
        (
            'Error from server (Forbidden): pods "m-0" is forbidden: User "me" cannot create',
            AccessDeniedError,
            "pods/portforward",
        ),
        ('Error from server (NotFound): services "minio" not found', PermanentError, "chart installed"),
        ("error: unable to forward port because pod is not running. Current status=Pending", UnavailableError, "status=Pending"),
    ],
)
def test_a_child_that_fails_at_once_is_an_error_in_its_words(bin_: Path, said: str, kind: type[Exception], hint: str) -> None:
    write_kubectl(bin_, said, seconds=0)
    with pytest.raises(kind, match=hint) as caught, PortForward("minio", 9000, "team"):
        pass
    assert said in str(caught.value)


def test_a_machine_without_kubectl_is_told(bin_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(bin_))
    with pytest.raises(PermanentError, match="'kubectl' is not on PATH"), PortForward("minio", 9000, "team"):
        pass


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()
