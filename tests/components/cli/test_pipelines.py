"""The commands for Kubeflow Pipelines, against a stand-in for it and a real MinIO."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.kfp_server import KfpServer, kfp_server
from archsmith.testing.kube_server import KubeServer, kube_server
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import TINY, tiny

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server() -> Iterator[KfpServer]:
    with kfp_server(token="right") as running:
        yield running


@pytest.fixture
def store(minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in {**minio_server.environ, "KFP_TOKEN": "right", "WRONG_TOKEN": "s3cret"}.items():
        monkeypatch.setenv(name, value)
    return f"s3://{minio_server.new_bucket()}"


def test_submit_says_where_the_run_is_and_takes_it_up_again(run: Run, server: KfpServer, store: str, tmp_path: Path) -> None:
    tiny(tmp_path)
    command = ("submit", "search.yaml", "--kfp", server.url, "--store", store, "--token-env", "KFP_TOKEN")
    status, out, _ = run(*command, "--experiment", "nas")
    (record,) = server.runs
    assert (status, out) == (0, f"tiny: the run {record['run_id']}\n{server.url}/#/runs/details/{record['run_id']}\n")
    assert [e["display_name"] for e in server.kept["experiments"].values()] == ["nas"]
    status, again, err = run(*command)
    assert (status, again, len(server.runs)) == (0, out, 1)
    assert "runs already" in err
    status, out, _ = run("cancel", "tiny", "--kfp", server.url, "--token-env", "KFP_TOKEN")
    assert (status, out) == (0, f"tiny: ended the run {record['run_id']}.\n")
    assert record["state"] == "CANCELING"


def test_equal_names_of_those_who_share_a_kfp_are_searches_of_their_own(
    run: Run, server: KfpServer, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(tmp_path)
    who = ("--kfp", server.url, "--token-env", "KFP_TOKEN")
    bob, alice = f"{store}/bob", f"{store}/alice"
    for whose in (bob, alice):
        assert run("submit", "search.yaml", *who, "--store", whose)[0] == 0
    theirs, ours = server.runs
    status, _, err = run("submit", "search.yaml", *who, "--store", f"{alice}/")
    assert (status, "runs already" in err, len(server.runs)) == (0, True, 2)
    status, _, err = run("cancel", "tiny", *who)
    assert status == 2
    assert f"has runs named tiny of {alice}, {bob}; say with --owner which of these are to end." in " ".join(err.split())
    monkeypatch.setenv("ARCHSMITH_STORE", alice)
    assert run("cancel", "tiny", *who)[1] == f"tiny: ended the run {ours['run_id']}.\n"
    server.set_state(ours, "CANCELED")
    assert run("cancel", "tiny", *who)[0] == 2
    for whose in (bob, alice):
        assert run("submit", "search.yaml", *who, "--store", whose, "--cron", "0 2 * * *")[0] == 0
    assert (len(server.schedules), theirs["state"]) == (2, "PENDING")
    assert run("cancel", "tiny", *who)[0] == 0
    assert (len(server.schedules), theirs["state"]) == (1, "PENDING")
    assert run("cancel", "tiny", *who, "--owner", bob)[0] == 0
    assert (server.schedules, theirs["state"]) == ([], "CANCELING")


def test_submit_waits_for_the_end_of_the_search_and_shows_it(run: Run, server: KfpServer, store: str, tmp_path: Path) -> None:
    file = tiny(tmp_path)
    folder = SearchFolder(open_store(store), "tiny")

    def play() -> None:
        while not server.runs:
            time.sleep(0.001)
        folder.write_search(file.read_text())
        folder.write_json("space.json", {"id": "x"})
        folder.mark(done=True)

    pods = threading.Thread(target=play, daemon=True)
    pods.start()
    status, out, _ = run("submit", "search.yaml", "--kfp", server.url, "--store", store, "--token-env", "KFP_TOKEN", "--wait")
    pods.join(5)
    assert status == 0
    assert "done\n" in out
    assert "tiny: it has no trials" in out


def test_submit_with_a_schedule_makes_a_recurring_run(run: Run, server: KfpServer, store: str, tmp_path: Path) -> None:
    tiny(tmp_path)
    command = ("submit", "search.yaml", "--kfp", server.url, "--store", store, "--token-env", "KFP_TOKEN")
    status, out, _ = run(*command, "--cron", "0 2 * * *")
    assert (status, server.runs) == (0, [])
    id_ = server.schedules[0]["recurring_run_id"]
    assert out == f"tiny: the recurring run {id_} begins a search of its own at '0 2 * * *' in UTC.\n"
    status, _, err = run(*command, "--cron", "2 am")
    assert status == 2
    assert "five fields" in err


def test_a_wrong_token_a_missing_one_and_two_at_once_are_said_plainly(
    run: Run, server: KfpServer, store: str, tmp_path: Path
) -> None:
    tiny(tmp_path)
    command = ("submit", "search.yaml", "--kfp", server.url, "--store", store)
    for options, status, said in (
        (("--token-env", "WRONG_TOKEN"), 1, "answers 401"),
        (("--token-env", "NO_TOKEN"), 1, "NO_TOKEN is not set"),
        ((), 1, "--token-env"),
        (("--token-env", "KFP_TOKEN", "--kubeconfig-proxy"), 2, "only one of"),
    ):
        got, _, err = run(*command, *options)
        assert (got, said in err, "s3cret" in err) == (status, True, False)
    assert server.runs == []


def test_a_store_on_this_machine_is_refused_before_anything_is_sent(run: Run, server: KfpServer, tmp_path: Path) -> None:
    tiny(tmp_path)
    status, _, err = run("submit", "search.yaml", "--kfp", server.url)
    assert status == 2
    assert "s3://bucket/prefix" in err
    assert server.requests == []


def test_compile_writes_the_objects_of_a_kfp_that_keeps_them_in_kubernetes(run: Run, tmp_path: Path) -> None:
    tiny(tmp_path)
    status, out, _ = run("compile", "search.yaml", "--store", "s3://b", "--kubernetes", "--namespace", "team", "-o", "out.yaml")
    pipeline, version = yaml.safe_load_all((tmp_path / "out.yaml").read_text())
    assert (pipeline["kind"], version["kind"], version["metadata"]["namespace"]) == ("Pipeline", "PipelineVersion", "team")
    assert (status, out) == (
        0,
        f"out.yaml: the PipelineVersion {version['metadata']['name']}, 3 rounds of 1 estimate task.\n",
    )
    status, _, err = run("compile", "search.yaml", "-o", "out.json")
    assert status == 2
    assert ".yaml or .yml" in err


def test_what_is_too_large_for_kubeflow_is_valid_but_not_compiled(run: Run, tmp_path: Path) -> None:
    (tmp_path / "search.yaml").write_text(TINY.replace("trials: 6, rounds: 3", "trials: 150, rounds: 150"))
    status, out, err = run("check", "search.yaml", "--offline")
    assert (status, "valid" in out, "Kubeflow Pipelines takes at most 124500" in err) == (0, True, True)
    (tmp_path / "large.yaml").write_text(f"{TINY}# {'&' * 20_000}\n")  # each is seven bytes there
    for more in ((), ("--kubernetes",)):
        status, _, err = run("compile", "large.yaml", "--store", "s3://b", "-o", "out.yaml", *more)
        assert (status, "takes at most 131072; leave `budget.rounds` out" in err) == (2, True)
        assert not (tmp_path / "out.yaml").exists()


@pytest.fixture
def cluster(server: KfpServer, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeServer]:
    """The cluster that this KFP is in: a pod of another run of it shows that."""
    with kube_server() as running:
        server.kube, running.argo = running, True
        other = server.fire({"recurring_run_id": "s", "display_name": "other"}, "SUCCEEDED")
        running.put(
            "pods", "kubeflow", "o", metadata={"labels": {"pipeline/runid": other["run_id"]}}, status={"phase": "Running"}
        )
        monkeypatch.setenv("KUBECONFIG", str(running.write_kubeconfig(tmp_path / "kubeconfig", "team")))
        yield running


def test_what_kubernetes_has_lost_is_cancelled_and_submitted_anew(
    run: Run, server: KfpServer, cluster: KubeServer, store: str, tmp_path: Path
) -> None:
    tiny(tmp_path)
    who = ("--kfp", server.url, "--token-env", "KFP_TOKEN")
    for command in ("cancel", "submit"):
        assert run("submit", "search.yaml", *who, "--store", store)[0] == 0
        lost = server.runs[-1]
        server.set_state(lost, "RUNNING")
        server.lose_workflow(lost)
        if command == "cancel":
            status, out, _ = run("cancel", "tiny", *who)
            assert (status, out) == (0, f"tiny: ended the run {lost['run_id']}.\n")
        status, out, err = run("submit", "search.yaml", *who, "--store", store)
        assert (status, "runs already" in err) == (0, False)
        assert server.runs[-1] is not lost
        assert lost["state"] == "CANCELING"
        server.set_state(server.runs[-1], "SUCCEEDED")
    SearchFolder(open_store(store), "tiny").write_search((tmp_path / "search.yaml").read_text())
    status, out, _ = run("delete", "tiny", "--yes", *who, "--store", store)
    assert (status, "Deleted tiny." in out) == (0, True)


def test_submit_says_why_nothing_begins(
    run: Run, server: KfpServer, cluster: KubeServer, store: str, tmp_path: Path
) -> None:  # fmt: skip
    file = tiny(tmp_path)
    folder = SearchFolder(open_store(store), "tiny")

    def play() -> None:
        while len(server.runs) < 2:
            time.sleep(0.001)
        waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "archsmith:0.1.0 not found"}}}
        labels = {"pipeline/runid": server.runs[-1]["run_id"]}
        status = {"phase": "Pending", "containerStatuses": [waiting]}
        cluster.put("pods", "kubeflow", "p", metadata={"labels": labels}, status=status)
        folder.write_search(file.read_text())
        folder.write_json("space.json", {"id": "x"})
        folder.mark(done=True)

    pods = threading.Thread(target=play, daemon=True)
    pods.start()
    status, _, err = run("submit", "search.yaml", "--kfp", server.url, "--store", store, "--token-env", "KFP_TOKEN", "--wait")
    pods.join(5)
    assert status == 0
    assert "ImagePullBackOff: The pod can not start: archsmith:0.1.0 not found." in err


def test_where_no_page_can_be_opened_the_command_says_how_to_get_one(
    run: Run, server: KfpServer, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(tmp_path)
    server.pages = False  # as at a port that is forwarded to the API server
    options = ("--kfp", server.url, "--store", store, "--token-env", "KFP_TOKEN")
    _, out, _ = run("submit", "search.yaml", *options)
    page = f"http://localhost:8080/#/runs/details/{server.runs[0]['run_id']}"
    assert f"kubectl port-forward --namespace kubeflow svc/ml-pipeline-ui 8080:80, and then {page}\n" in out
    monkeypatch.setenv("KF_PIPELINES_UI_ENDPOINT", "https://kubeflow.example.com/pipeline")
    _, out, _ = run("submit", "search.yaml", *options)
    assert f"https://kubeflow.example.com/pipeline/#/runs/details/{server.runs[0]['run_id']}\n" in out


def test_through_a_kubeconfig_no_link_is_printed_that_no_browser_opens(
    run: Run, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(tmp_path)
    with kfp_server("right", "/api/v1/namespaces/kfp/services/ml-pipeline:8888/proxy") as kfp:
        KubeServer("right", kfp.url).write_kubeconfig(tmp_path / "config")
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        options = ("--kfp", "http://ml-pipeline.kfp:8888", "--kubeconfig-proxy", "--store", store)
        status, out, err = run("submit", "search.yaml", *options)
        assert (status, err) == (0, "")
        assert "/proxy/" not in out
        assert "kubectl port-forward --namespace kfp svc/ml-pipeline-ui 8080:80" in out
