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
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import tiny

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
    assert "tiny: the best of 0 trials" in out


def test_submit_with_a_schedule_makes_a_recurring_run(run: Run, server: KfpServer, store: str, tmp_path: Path) -> None:
    tiny(tmp_path)
    command = ("submit", "search.yaml", "--kfp", server.url, "--store", store, "--token-env", "KFP_TOKEN")
    status, out, _ = run(*command, "--cron", "0 2 * * *")
    assert (status, server.runs) == (0, [])
    assert out == f"tiny: the recurring run {server.schedules[0]['recurring_run_id']}, at '0 2 * * *' in UTC.\n"
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
        f"out.yaml: the PipelineVersion {version['metadata']['name']}, 3 rounds of 1 estimate tasks.\n",
    )
    status, _, err = run("compile", "search.yaml", "-o", "out.json")
    assert status == 2
    assert ".yaml or .yml" in err
