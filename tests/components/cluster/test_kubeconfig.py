from pathlib import Path

import pytest

from archsmith.cluster.kube import connect
from archsmith.cluster.kubeconfig import is_reachable
from archsmith.errors import PermanentError
from archsmith.testing.kube_server import kube_server


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_kubeconfig_of_the_home_is_found_and_its_contexts_namespace_taken(tmp_path: Path) -> None:
    assert not is_reachable()
    (tmp_path / ".kube").mkdir()
    with kube_server() as server:
        server.write_kubeconfig(tmp_path / ".kube" / "config", "team")
        assert is_reachable()
        assert (connect().namespace, connect().server) == ("team", server.url)
        assert connect().context == "here"  # by its name, so that kubectl goes there too when the current one changes
        assert connect("other").server == "http://127.0.0.1:9"
        assert connect(namespace="mine").namespace == "mine"


def test_a_context_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kube_server() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path / "config")))
    with pytest.raises(PermanentError, match="nowhere"):
        connect("nowhere")


def test_without_any_kubeconfig_the_error_says_where_one_is_looked_for() -> None:
    with pytest.raises(PermanentError, match=r"~/\.kube/config"):
        connect()
