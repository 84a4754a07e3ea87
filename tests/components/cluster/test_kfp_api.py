"""The shell around KFP's API, against a server that takes only what KFP's own messages allow."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from kfp_server_api import models

from archsmith.cluster.connection import direct, service_path, through_kubeconfig, token_of_file, token_of_pod, token_of_variable
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.submission import running
from archsmith.errors import AccessDeniedError, NotFoundError, PermanentError, UnavailableError
from archsmith.testing.kfp_server import KfpServer, kfp_server


@pytest.fixture
def server() -> Iterator[KfpServer]:
    with kfp_server() as running:
        yield running


def test_an_experiment_is_made_once(server: KfpServer) -> None:
    api = KfpApi(direct(server.url))
    assert api.experiment("archsmith") == api.experiment("archsmith") != api.experiment("other")
    assert [e["display_name"] for e in server.kept["experiments"].values()] == ["archsmith", "other"]


def test_the_namespace_of_a_user_is_sent_where_there_is_one(server: KfpServer) -> None:
    KfpApi(direct(server.url), "team").experiment("archsmith")
    KfpApi(direct(server.url)).experiment("mine")
    assert [e.get("namespace") for e in server.kept["experiments"].values()] == ["team", None]


def test_lists_are_read_to_their_last_page(server: KfpServer) -> None:
    server.kept["runs"] = {f"r{k}": {"run_id": f"r{k}", "display_name": "tiny", "state": "RUNNING"} for k in range(250)}
    server.kept["runs"]["x"] = {"run_id": "x", "display_name": "other"}
    api = KfpApi(direct(server.url))
    assert len(api.runs("tiny")) == 250
    assert len(api.runs()) == 251


def test_the_stand_in_refuses_what_kfp_does_not_know(server: KfpServer) -> None:
    api = KfpApi(direct(server.url))
    with pytest.raises(PermanentError, match=r"runtime_config\.pipeline_root is 3, but must be str"):
        api.create_run(models.V2beta1Run(runtime_config=models.V2beta1RuntimeConfig(pipeline_root=3)))


@pytest.mark.parametrize("state", ["FAILED", "SKIPPED"])
def test_a_run_that_was_told_to_end_is_cancelled_whatever_kfp_calls_it(server: KfpServer, state: str) -> None:
    api = KfpApi(direct(server.url))
    run = api.create_run(models.V2beta1Run(display_name="tiny"))
    assert (run.state, run.active) == ("waiting", True)
    server.set_state(server.runs[0], state, "a pod was evicted")
    assert (api.run(run.id).state, api.run(run.id).reason) == ("failed", "a pod was evicted")
    server.set_state(server.runs[0], "CANCELING")
    ending = api.run(run.id)
    assert (ending.state, ending.active, ending.has_pods) == ("ending", False, True)
    server.set_state(server.runs[0], "FAILED")
    assert api.run(run.id).state == "cancelled"


def test_a_wrong_token_is_said_without_the_token() -> None:
    with kfp_server(token="right") as server:
        api = KfpApi(direct(server.url, lambda: "s3cret"))
        with pytest.raises(AccessDeniedError, match=r"answers 401.*--token-env") as caught:
            api.runs()
        assert "s3cret" not in str(caught.value)
        assert KfpApi(direct(server.url, lambda: "right")).runs() == []


def test_a_token_that_is_replaced_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    with kfp_server(token="first") as server:
        api = KfpApi(direct(server.url, token_of_file(str(file))))
        assert api.runs() == []
        server.token = "second"
        with pytest.raises(AccessDeniedError):
            api.runs()
        file.write_text("second\n")
        assert api.runs() == []


def test_a_token_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AccessDeniedError, match="KFP_TOKEN is not set"):
        token_of_variable("KFP_TOKEN", {})()
    with pytest.raises(AccessDeniedError, match="can't be read"):
        token_of_file(str(tmp_path / "none"))()
    (tmp_path / "empty").touch()
    with pytest.raises(AccessDeniedError, match="is empty"):
        token_of_file(str(tmp_path / "empty"))()


def test_a_pod_has_the_token_that_is_mounted_for_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("mine")
    assert token_of_pod({}, mounted=str(tmp_path / "none")) is None
    for environ, mounted in (
        ({}, tmp_path / "token"),
        ({"KF_PIPELINES_SA_TOKEN_PATH": str(tmp_path / "token")}, tmp_path / "none"),
    ):
        token = token_of_pod(environ, mounted=str(mounted))
        assert token is not None
        assert token() == "mine"


def test_a_kubeconfig_leads_through_the_api_server_of_kubernetes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kfp_server(token="mine", prefix="/api/v1/namespaces/kubeflow/services/ml-pipeline:8888/proxy") as server:
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "k", "cluster": {"server": server.url}}],
            "users": [{"name": "u", "user": {"token": "mine"}}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        }  # fmt: skip
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        api = KfpApi(through_kubeconfig("http://ml-pipeline.kubeflow:8888"))
        assert [api.runs(), api.runs()] == [[], []]  # the kubeconfig is read anew in between
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
        with pytest.raises(PermanentError, match="kubeconfig can't be used"):
            through_kubeconfig("http://ml-pipeline.kubeflow:8888")


def test_the_path_of_a_service_is_that_of_kubernetes_proxy() -> None:
    base = "/api/v1/namespaces/ns/services"
    assert service_path("http://ml-pipeline.ns") == f"{base}/ml-pipeline:http/proxy"
    assert service_path("https://ui.ns.svc.cluster.local:443/pipeline/") == f"{base}/https:ui:443/proxy/pipeline"
    for url in ("http://localhost:8888", "http://10.0.0.1:8888"):
        with pytest.raises(PermanentError, match=r"SERVICE\.NAMESPACE"):
            service_path(url)


@pytest.mark.parametrize(
    "url",
    ["localhost:8888", "ftp://kfp", "http://", "http://me:pass@kfp", "http://me:x/pass@kfp", "http://kfp:x", "http://[::1"],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(PermanentError, match=r"http://ml-pipeline\.kubeflow:8888") as caught:
        direct(url)
    assert "pass@" not in str(caught.value)


def test_the_certificates_to_trust_may_lie_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    said = r"no secure connection .* REQUESTS_CA_BUNDLE names a file"
    with kfp_server() as server, pytest.raises(UnavailableError, match=said) as caught:  # it does not speak TLS
        KfpApi(direct(server.url.replace("http:", "https:"))).runs()
    assert "directory" not in str(caught.value)


def test_no_server_is_said_at_once_and_with_a_hint() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    begin = time.monotonic()
    with pytest.raises(UnavailableError, match=r"does not answer: .*refused.*port-forward"):
        KfpApi(direct(url)).runs()
    assert time.monotonic() - begin < 30  # it is not tried again and again


def test_a_broken_connection_and_a_busy_server_may_be_tried_again(server: KfpServer) -> None:
    api = KfpApi(direct(server.url))
    server.drop()
    with pytest.raises(UnavailableError):
        api.runs()
    for status in (429, 500, 503):
        server.refuse(status)
        with pytest.raises(UnavailableError, match=str(status)):
            api.runs()
    assert api.runs() == []


def test_what_is_not_there_is_not_found(server: KfpServer) -> None:
    with pytest.raises(NotFoundError, match="not found"):
        KfpApi(direct(server.url)).run("none")


@pytest.mark.parametrize(("status", "kind", "said"), [(200, PermanentError, "text/html"), (302, AccessDeniedError, "log in")])
def test_a_page_to_log_in_at_is_not_taken_for_kfp(status: int, kind: type[Exception], said: str) -> None:
    class Page(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Location", "/login")
            self.end_headers()
            self.wfile.write(b"<html>Log in</html>")

    with HTTPServer(("127.0.0.1", 0), Page) as pages:
        thread = threading.Thread(target=pages.handle_request, daemon=True)
        thread.start()
        with pytest.raises(kind, match=said):
            KfpApi(direct(f"http://127.0.0.1:{pages.server_address[1]}")).runs()
        thread.join(5)


def test_ending_a_run_that_is_not_there_any_more_is_no_error(server: KfpServer) -> None:
    api = KfpApi(direct(server.url))
    alive, lost = (api.create_run(models.V2beta1Run(display_name="tiny")) for _ in range(2))
    server.lose_workflow(server.runs[1])
    assert [api.terminate(id_) for id_ in (alive.id, lost.id, "none")] == [True, False, False]
    assert [api.run(id_).state for id_ in (alive.id, lost.id)] == ["ending", "ending"]
    assert not api.terminate(lost.id)  # KFP answers 400 to a second time
    server.set_state(server.runs[0], "SUCCEEDED")
    assert not api.terminate(alive.id)
    server.refuse(500)
    with pytest.raises(UnavailableError):  # a fault of another kind is one
        api.terminate(alive.id)


def test_what_is_asked_for_a_scheduled_search_does_not_grow_with_its_past(server: KfpServer) -> None:
    past = {"display_name": "Run of tiny", "recurring_run_id": "s", "state": "SUCCEEDED", "pipeline_spec": {"x": "y" * 60_000}}
    server.kept["runs"] = {f"r{k}": {"run_id": f"r{k}", "created_at": "2026-01-01T00:00:00Z", **past} for k in range(62)}
    server.kept["recurringruns"]["s"] = {"recurring_run_id": "s", "display_name": "tiny"}
    now = {**past, "run_id": "now", "state": "RUNNING"}
    server.kept["runs"]["now"] = now
    assert [run.id for run in running(KfpApi(direct(server.url)), "tiny")] == ["now"]
    assert server.sent_bytes < 70_000  # of 3.7 MB: that one run
    assert len(server.requests) == 3


def test_only_what_a_browser_can_open_is_a_place_with_pages(server: KfpServer) -> None:
    api = KfpApi(direct(server.url))
    assert api.serves_pages()
    server.pages = False
    assert not api.serves_pages()
