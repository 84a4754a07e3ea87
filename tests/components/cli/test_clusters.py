"""The commands for a search on a cluster, against stand-ins for its API server and for kubectl, and a real MinIO."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from archsmith.cluster.status import AGAIN
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.kfp_server import kfp_server
from archsmith.testing.kube_server import KubeServer, PodLog, kube_server
from archsmith.testing.kubectl import write_kubectl
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import TINY, tiny

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeServer]:
    """A cluster that the kubeconfig names, with the namespace `team`."""
    with kube_server() as running:
        monkeypatch.setenv("KUBECONFIG", str(running.write_kubeconfig(tmp_path / "kubeconfig", "team")))
        yield running


@pytest.fixture
def folder(server: KubeServer, minio_server: MinioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SearchFolder:
    """The folder of the tiny search in the cluster's store, which only kubectl leads to."""
    bucket, port = minio_server.new_bucket(), minio_server.endpoint.rpartition(":")[2]
    places = {"ARCHSMITH_S3_ENDPOINT": "http://archsmith-minio.team.svc:9000", "ARCHSMITH_STORE": f"s3://{bucket}"}
    server.put("configmaps", "team", "archsmith-store", data=places)
    keys = {name: value for name, value in minio_server.environ.items() if name.startswith("AWS")}
    server.put_secret("team", "archsmith-store", keys)
    write_kubectl(tmp_path / "bin", f"Forwarding from 127.0.0.1:{port} -> 9000")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return SearchFolder(open_store(f"s3://{bucket}", minio_server.environ), "tiny")


def given(server: KubeServer, **spec: Any) -> None:
    server.put("searches", "team", "tiny", spec=spec)


def test_submit_gives_the_file_to_the_cluster_and_gives_it_again(run: Run, server: KubeServer, tmp_path: Path) -> None:
    tiny(tmp_path)
    status, out, _ = run("submit", "search.yaml")
    assert (status, out) == (0, "tiny: given to the cluster, in the namespace 'team'.\n")
    made = server.get("searches", "team", "tiny")
    assert made is not None
    assert made["spec"]["budget"] == {"trials": 6, "rounds": 3}
    tiny(tmp_path, ("trials: 6", "trials: 9"))
    status, out, _ = run("submit", "search.yaml", "--store", "s3://b/c", "--cron", "0 2 * * *")
    assert (status, out) == (
        0,
        "tiny: given to the cluster, in the namespace 'team'; a search of its own begins at '0 2 * * *' in UTC.\n",
    )
    made = server.get("searches", "team", "tiny")
    assert made is not None
    assert (made["spec"]["budget"]["trials"], made["spec"]["storage"]) == (9, {"uri": "s3://b/c"})
    assert (made["spec"]["schedule"], made["metadata"]["generation"]) == ("0 2 * * *", 2)


def test_submit_asks_for_another_attempt_where_the_last_one_failed(run: Run, server: KubeServer, tmp_path: Path) -> None:
    tiny(tmp_path)
    for phase, asked in (("Running", False), ("Succeeded", False), ("Failed", True)):
        run("submit", "search.yaml")
        server.set_status("team", "tiny", phase=phase)
        assert run("submit", "search.yaml")[0] == 0
        made = server.get("searches", "team", "tiny")
        assert made is not None
        assert (AGAIN in made["metadata"].get("annotations", {})) == asked
    assert "Pending" in run("show", "tiny")[1]  # the status is of the attempt before


def test_submit_takes_the_namespace_of_the_file_or_the_one_that_is_named(run: Run, server: KubeServer, tmp_path: Path) -> None:
    tiny(tmp_path, ("{name: tiny}", "{name: tiny, namespace: filed}"))
    assert "'filed'" in run("submit", "search.yaml")[1]
    assert "'named'" in run("submit", "search.yaml", "--namespace", "named")[1]
    made = server.get("searches", "named", "tiny")
    assert made is not None
    assert made["metadata"]["namespace"] == "named"


def test_submit_says_what_admission_refuses_in_a_line(run: Run, server: KubeServer, tmp_path: Path) -> None:
    tiny(tmp_path)
    server.refuse(422, 'Search "tiny" is invalid: spec.budget.rounds: there are 3, but the cluster allows 2')
    status, _, err = run("submit", "search.yaml")
    assert status == 2
    assert err == (
        "archsmith: Kubernetes refuses the search 'tiny' in the namespace 'team': "
        "spec.budget.rounds: there are 3, but the cluster allows 2.\n"
    )


def test_submit_without_a_cluster_names_the_other_ways(run: Run, tmp_path: Path) -> None:
    tiny(tmp_path)
    for command in (("submit", "search.yaml"), ("cancel", "tiny")):
        status, _, err = run(*command)
        assert status == 2
        assert "--kfp" in err
    status, _, err = run("submit", "search.yaml", "--token-env", "T")
    assert status == 2
    assert "--token-env is for Kubeflow Pipelines" in err


def test_a_context_outdoes_the_kfp_of_the_environment(
    run: Run, server: KubeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(tmp_path)
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "http://127.0.0.1:9")
    assert run("submit", "search.yaml", "--store", "s3://b")[0] == 75  # nothing answers there
    assert run("submit", "search.yaml", "--context", "here")[0] == 0
    status, _, err = run("submit", "search.yaml", "--store", "s3://b", "--context", "here", "--kfp", "http://127.0.0.1:9")
    assert status == 2
    assert "--kubeconfig-proxy" in err


def test_submit_waits_and_shows_the_search_from_the_clusters_store(
    run: Run, server: KubeServer, folder: SearchFolder, tmp_path: Path
) -> None:
    tiny(tmp_path)

    def play() -> None:
        while server.get("searches", "team", "tiny") is None:
            time.sleep(0.001)
        folder.write_search(TINY)
        folder.write_json("space.json", {"id": "x"})
        folder.mark(done=True)
        server.set_status("team", "tiny", phase="Succeeded", links={"mlflow": "http://mlflow.example.org"})

    controller = threading.Thread(target=play, daemon=True)
    controller.start()
    status, out, err = run("submit", "search.yaml", "--wait")
    controller.join(5)
    assert (status, "tiny: Succeeded" in err) == (0, True)
    assert "tiny: it has no trials" in out
    assert "mlflow        http://mlflow.example.org\n" in out
    assert "s3://" in out


def test_watch_tells_why_a_search_has_failed(run: Run, server: KubeServer, folder: SearchFolder) -> None:
    given(server)
    server.set_status("team", "tiny", phase="Failed", message="The data path does not exist.")
    status, out, err = run("watch", "tiny")
    assert (status, out) == (1, "")
    assert err == (
        "tiny: Failed\n"
        "archsmith: The search 'tiny' is Failed: The data path does not exist.\n"
    )  # fmt: skip


def test_watch_without_kubectl_or_rights_says_so(
    run: Run, server: KubeServer, folder: SearchFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given(server)
    monkeypatch.setenv("PATH", str(tmp_path))
    status, _, err = run("watch", "tiny")
    assert (status, "'kubectl' is not on PATH" in err) == (1, True)
    server.forbidden.add("secrets")
    status, _, err = run("watch", "tiny")
    assert (status, "right to get the ConfigMap and the Secret" in err) == (1, True)


def test_show_has_what_the_cluster_and_the_store_know(run: Run, server: KubeServer, folder: SearchFolder) -> None:
    given(server)
    server.set_status("team", "tiny", phase="Running", message="Round 1 of 3.", trials="2/6", engine="job")
    status, out, _ = run("show", "tiny")
    assert (status, out) == (0, "tiny: Running, Round 1 of 3.\nengine        job\ntrials        2/6\n")
    shown = json.loads(run("show", "tiny", "--json")[1])
    assert (shown["name"], shown["cluster"]["phase"], shown["cluster"]["namespace"]) == ("tiny", "Running", "team")
    folder.write_search(TINY)
    folder.write_json("space.json", {"id": "x"})
    status, out, _ = run("show", "tiny")
    assert status == 0
    assert "\ntrials        2/6\ntiny: no trial has ended yet\n" in out
    shown = json.loads(run("show", "tiny", "--json")[1])
    assert (shown["phase"], shown["cluster"]["status"]["engine"]) == ("searching", "job")


def test_a_search_of_this_machine_comes_before_one_of_the_cluster(run: Run, server: KubeServer, staged: Any) -> None:
    given(server)
    assert run("show", "tiny", "--json")[0] == 0
    assert server.requests == []
    status, _, err = run("show", "tiny", "--store", staged.store, "--namespace", "team")
    assert (status, "one place" in err) == (2, True)


def test_what_is_nowhere_gets_one_error_that_names_the_places(run: Run, server: KubeServer, tmp_path: Path) -> None:
    given(server)
    for command in ("watch", "show", "logs", "delete"):
        status, _, err = run(command, "other")
        assert (status, len(err.splitlines())) == (2, 1)
        assert f"There is no search 'other' in the store '{tmp_path / 'runs'}'; it has: none. On the cluster: " in err
        assert f"in the namespace 'team' of the cluster {server.url}; it has: tiny." in err
    status, _, err = run("cancel", "other")
    assert (status, "it has: tiny" in err) == (2, True)


def test_without_a_kubeconfig_the_error_says_that_no_cluster_was_asked(run: Run) -> None:
    status, _, err = run("show", "other")
    assert (status, "No cluster was asked" in err) == (2, True)


def test_logs_prints_the_pods_logs_latest_last_and_their_names_apart(run: Run, server: KubeServer) -> None:
    given(server)
    server.set_status("team", "tiny", phase="Succeeded")
    for k in (2, 1):
        meta = {"labels": {"archsmith.dev/search": "tiny"}, "creationTimestamp": f"2026-01-01T00:00:0{k}Z"}
        server.put("pods", "team", f"p{k}", metadata=meta, spec={"containers": [{"name": "c"}]}, status={"phase": "Failed"})
        server.logs[f"p{k}"] = PodLog([("2026-01-01T00:00:09Z", f"line {k}")], ended=True)
    for options in ((), ("--follow",)):
        assert run("logs", "tiny", *options) == (0, "line 1\nline 2\n", "==> p1 <==\n==> p2 <==\n")


def test_logs_of_a_schedule_are_those_of_its_last_search(run: Run, server: KubeServer) -> None:
    given(server, schedule="0 2 * * *")
    server.set_status("team", "tiny", phase="Scheduled", nextScheduleTime="2026-11-30T02:00:00Z")
    status, _, err = run("logs", "tiny")
    assert status == 2
    assert "tiny is a schedule that has begun no search yet, and begins one at 2026-11-30T02:00:00Z." in err
    last = "tiny-202611290200"
    server.put("searches", "team", last, spec={})
    server.set_status("team", last, phase="Succeeded")
    server.set_status("team", "tiny", phase="Scheduled", lastSearch=last)
    meta = {"labels": {"archsmith.dev/search": last}}
    server.put("pods", "team", "p", metadata=meta, spec={"containers": [{"name": "c"}]}, status={"phase": "Succeeded"})
    server.logs["p"] = PodLog([("2026-01-01T00:00:09Z", "line")], ended=True)
    for options in ((), ("--follow",)):
        status, out, err = run("logs", "tiny", *options)
        assert (status, out) == (0, "line\n")
        assert f"tiny is a schedule; its last search is {last}." in err


def test_logs_of_a_search_on_kubeflow_are_those_of_its_pods_there(run: Run, server: KubeServer) -> None:
    given(server)
    server.set_status("team", "tiny", phase="Succeeded", podsNamespace="kubeflow")
    status, _, err = run("logs", "tiny")
    assert (status, "no pod in the namespace 'kubeflow' has said anything" in err) == (0, True)
    labels = {"archsmith.dev/search": "tiny", "archsmith.dev/namespace": "team"}
    server.put("pods", "kubeflow", "p", metadata={"labels": labels}, spec={"containers": [{"name": "main"}]}, status={})
    server.logs["p"] = PodLog([("2026-01-01T00:00:09Z", "line")], ended=True)
    assert run("logs", "tiny")[:2] == (0, "line\n")
    del server.kept["searches", "team", "tiny"]  # one that was submitted to Kubeflow is no object
    assert run("logs", "tiny", "--namespace", "kubeflow")[:2] == (0, "line\n")
    assert run("logs", "none", "--namespace", "kubeflow")[0] == 2


def test_cancel_holds_a_search_and_says_how_it_goes_on(run: Run, server: KubeServer) -> None:
    given(server, seed=1)
    status, out, _ = run("cancel", "tiny")
    assert status == 0
    assert "archsmith submit" in out
    found = server.get("searches", "team", "tiny")
    assert found is not None
    assert found["spec"] == {"seed": 1, "suspend": True}
    server.set_status("team", "tiny", phase="Succeeded")
    assert run("cancel", "tiny")[1] == "tiny: nothing runs; the search is Succeeded.\n"


@pytest.mark.parametrize(("spec", "said"), [({}, "stay in the store"), ({"on_delete": "remove"}, "go with it")])
def test_delete_says_what_becomes_of_the_data_and_asks(
    run: Run, server: KubeServer, monkeypatch: pytest.MonkeyPatch, spec: dict[str, str], said: str
) -> None:
    given(server, **spec)
    monkeypatch.setattr(sys, "stdin", StringIO("n\n"))
    status, out, _ = run("delete", "tiny")
    assert (status, said in out, out.endswith("tiny is kept.\n")) == (0, True, True)
    assert server.get("searches", "team", "tiny")
    assert run("delete", "tiny", "--yes")[:2] == (0, "Deleted tiny.\n")
    assert server.get("searches", "team", "tiny") is None


def test_delete_with_kfp_ends_the_runs_and_then_removes_the_folder(run: Run, staged: Any) -> None:
    with kfp_server() as kfp:
        for id_, whose in (("r", staged.store), ("other", "s3://somebody/else")):
            about = f"Neural architecture search tiny of {whose} (submission 1)"
            run_ = {"run_id": id_, "display_name": "tiny", "state": "RUNNING", "state_history": [], "description": about}
            kfp.kept["runs"][id_] = run_
        kfp.ends = True
        status, out, err = run("delete", "tiny", "--store", staged.store, "--kfp", kfp.url, "--yes")
        assert (status, out) == (0, "tiny: ended the run r.\nDeleted tiny.\n")
        assert "Waiting for the end of r." in err  # or its pods would write into the folder that is gone
        assert [found["state"] for found in kfp.runs] == ["CANCELED", "RUNNING"]
    assert staged.folder.read_search() is None


def test_of_a_series_the_last_search_is_watched_and_the_series_is_held(run: Run, server: KubeServer) -> None:
    given(server, schedule="0 2 * * *")
    status, _, err = run("watch", "tiny")
    assert (status, "The series 'tiny' has begun no search yet." in err) == (2, True)
    last = {"lastSearch": "tiny-202601010200", "nextScheduleTime": "2026-01-02T02:00:00Z"}
    server.set_status("team", "tiny", phase="Scheduled", message="It searches.", champion={"search": "x", "version": "3"}, **last)
    server.put("searches", "team", "tiny-202601010200", spec={})
    server.set_status("team", "tiny-202601010200", phase="Failed", message="As it had to.")
    _, _, err = run("watch", "tiny")
    assert "tiny is a series; this is the search that it began last.\ntiny-202601010200: Failed" in err
    status, out, _ = run("show", "tiny")
    assert "nextScheduleTime 2026-01-02T02:00:00Z" in out
    assert "champion      search x, version 3" in out
    status, out, _ = run("cancel", "tiny")
    assert "No search begins any more" in out
