"""What answers in place of KFP or of Kubernetes, such as a page to log in at: an error of ours, whatever it says."""

from pathlib import Path

import pytest
import yaml

from archsmith.cluster.connection import direct
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.kube import connect
from archsmith.errors import ArchsmithError, PermanentError
from archsmith.testing.http_server import JsonHandler, serving

BODIES = [b"", b"null", b"{", b"<html>caf\xe9", b"\xff\xfe\xe9", b"[]", b'"x"', b"5"]


class Stranger(JsonHandler):
    """Answers every request with `body`."""

    body = b""

    def do_GET(self) -> None:  # noqa: N802  a name of http.server
        self.read_request()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)


def test_whatever_answers_in_place_of_an_api_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with serving(Stranger) as url:
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "k", "cluster": {"server": url}}], "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        }  # fmt: skip
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        api, kube = KfpApi(direct(url)), connect()
        for Stranger.body in BODIES:
            for ask in (kube.jobs, kube.searches):
                with pytest.raises(PermanentError, match="is not the API server of Kubernetes"):
                    ask()
            for list_ in (api.runs, lambda: api.schedules("x")):
                with pytest.raises(ArchsmithError, match=r"it is not Kubeflow Pipelines' API that|what comes is no JSON"):
                    list_()
