import re
import traceback
from pathlib import Path
from typing import Any

import pytest

from archsmith.cluster.kube import connect
from archsmith.cluster.kubeconfig import is_reachable
from archsmith.errors import AccessDeniedError, ArchsmithError, PermanentError
from archsmith.testing.kube_server import kube_server


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    for name in ("KUBERNETES_SERVICE_HOST", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
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


@pytest.mark.parametrize("user", [{"token": "right\n"}, {"tokenFile": "token"}])
def test_a_token_with_a_newline_at_its_end_is_taken(
    user: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(" right\n")
    with kube_server() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path / "config", user=user)))
        with connect() as kube:
            assert [kube.jobs(), kube.jobs()] == [[], []]


def test_a_token_that_is_none_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kube_server() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path / "config", user={"token": "hush\nhush"})))
        with connect() as kube, pytest.raises(AccessDeniedError, match="The token of the kubeconfig") as caught:
            kube.jobs()
    assert "hush" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("named", ["proxy-url", "environment"])
def test_a_cluster_is_reached_through_its_proxy(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kube_server() as proxy:
        cluster: dict[str, Any] = {"server": "http://kube.invalid:6443"}
        if named == "proxy-url":
            cluster["proxy-url"] = proxy.url
        else:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("KUBECONFIG", str(proxy.write_kubeconfig(tmp_path / "config", cluster=cluster)))
        with connect() as kube:
            assert (kube.server, kube.jobs()) == ("http://kube.invalid:6443", [])
        assert len(proxy.requests) == 1


def test_a_namespace_that_looks_like_a_number_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kube_server() as server:
        config = server.write_kubeconfig(tmp_path / "config", "123")
        config.write_text(config.read_text().replace("'123'", "123"))
        monkeypatch.setenv("KUBECONFIG", str(config))
        with connect() as kube:
            assert (kube.namespace, kube.jobs()) == ("123", [])


@pytest.mark.parametrize(
    ("cluster", "user"),
    [
        ({"server": "http://me:hu#sh@127.0.0.1:9"}, {"token": "t"}),
        ({"server": "http://me:hush@127.0.0.1:9"}, {"token": "t"}),
        ({}, {"token": None, "password": "hush"}),
        ({"proxy-url": "http://me:hu/sh@127.0.0.1:9"}, {"token": "t"}),
        ({"proxy-url": [3128]}, {"token": "t"}),
    ],
)
def test_no_password_of_a_kubeconfig_is_shown(
    cluster: dict[str, Any], user: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kube_server() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path / "config", cluster=cluster, user=user)))
        with pytest.raises(ArchsmithError) as caught, connect() as kube:
            kube.jobs()
    said = "".join(traceback.format_exception(caught.value))
    assert not {"hush", "hu#sh", "hu/sh"} & set(re.split(r"[@:'\s]", said))


@pytest.mark.parametrize("text", ["users: [hush", "hush", "- hush", "clusters: {a: hush}", "\t: hush", "contexts: [hush]"])
def test_a_kubeconfig_that_is_none_is_not_shown(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(PermanentError, match="The kubeconfig can't be used") as caught:
        connect()
    assert "hush" not in str(caught.value)
