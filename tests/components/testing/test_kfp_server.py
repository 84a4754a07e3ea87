"""The stand-in for KFP says what a real KFP 2.17 was seen to say: what it does not notice, and how it fails."""

from collections.abc import Iterator

import pytest

from archsmith.cluster.connection import direct
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.submission import Submission
from archsmith.errors import PermanentError
from archsmith.search import parse
from archsmith.testing.kfp_server import KfpServer, RefusalError, kfp_server
from archsmith.testing.kfp_workflows import root_template_bytes, variables
from archsmith.testing.kube_server import KubeServer, kube_server
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import TINY

PLUGIN = {
    "MLFLOW_TRACKING_URI": "http://mlflow",
    "MLFLOW_RUN_ID": "r",
    "MLFLOW_EXPERIMENT_ID": "0",
    "HTTPS_PROXY": "http://proxy",
}


@pytest.fixture
def kube() -> Iterator[KubeServer]:
    with kube_server() as running:
        yield running


@pytest.fixture
def kfp(kube: KubeServer) -> Iterator[KfpServer]:
    with kfp_server(kube=kube) as running:
        yield running


def begin(kfp: KfpServer, **fields: object) -> dict:
    return kfp._begin({"display_name": "tiny", **fields}, "RUNNING")


def terminate(kfp: KfpServer, run: dict) -> None:
    kfp.handle("POST", f"/apis/v2beta1/runs/{run['run_id']}:terminate", {}, b"")


def test_a_run_whose_workflow_is_deleted_stays_running_and_canceling_once_it_was_told_to_end(kfp: KfpServer) -> None:
    run = begin(kfp)
    kfp.lose_workflow(run)
    assert run["state"] == "RUNNING"
    with pytest.raises(RefusalError, match=r'500: .*workflows\.argoproj\.io "wf-.*" not found'):
        terminate(kfp, run)
    assert run["state"] == "CANCELING"
    with pytest.raises(RefusalError, match=r"400: .*Row not found"):
        terminate(kfp, run)


def test_deleting_a_schedule_collects_workflows_and_pods_and_leaves_the_runs_running(kfp: KfpServer, kube: KubeServer) -> None:
    run = begin(kfp, recurring_run_id="s")
    kube.put("pods", "kubeflow", "p", metadata={"labels": {"pipeline/runid": run["run_id"]}})
    kfp.kept["recurringruns"]["s"] = {"recurring_run_id": "s"}
    kfp.handle("DELETE", "/apis/v2beta1/recurringruns/s", {}, b"")
    assert (run["state"], kube.kept) == ("RUNNING", {})


def test_a_list_takes_the_filters_of_kfp_and_refuses_others(kfp: KfpServer) -> None:
    first, second = begin(kfp), begin(kfp, recurring_run_id="s")
    kfp.set_state(first, "SUCCEEDED")
    api = KfpApi(direct(kfp.url))
    assert [run.id for run in api.runs(unfinished=True)] == [second["run_id"]]
    assert [run.id for run in api.runs("tiny", schedule="s")] == [second["run_id"]]
    with pytest.raises(PermanentError, match="unrecognized field"):
        list(api._all(api._runs.run_service_list_runs, "runs", [{"operation": "EQUALS", "key": "color", "stringValue": "red"}]))


@pytest.fixture
def store(minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in minio_server.environ.items():
        monkeypatch.setenv(name, value)
    return f"s3://{minio_server.new_bucket()}"


def test_a_variable_that_a_plugin_sets_too_makes_an_invalid_pod(kfp: KfpServer, kube: KubeServer) -> None:
    kfp.plugin = PLUGIN
    env = [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "MLFLOW_TRACKING_URI"}]}]
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-a": {"secretAsEnv": env}}}}}}
    run = begin(kfp, pipeline_spec={"pipeline_spec": {"root": {}}, "platform_spec": platform})
    assert (run["state"], run.get("error")) == ("FAILED", None)  # KFP says nothing of why
    (workflow,) = kube.kept.values()
    assert "may not be specified when `value` is not empty" in workflow["status"]["message"]


def test_no_variable_of_ours_is_one_that_a_plugin_sets(kfp: KfpServer, store: str) -> None:
    kfp.plugin = PLUGIN
    env = "cluster: {env: [{name: MLFLOW_RUN_ID, secret: s, key: a}, {name: HTTPS_PROXY, secret: s, key: b}]}"
    Submission(parse(TINY.replace("retrain:", f"{env}\n  retrain:")), store).submit(KfpApi(direct(kfp.url)))
    (run,) = kfp.runs
    assert run["state"] == "PENDING"
    assert {"ARCHSMITH_MLFLOW_TRACKING_URI", "ARCHSMITH_MLFLOW_RUN_ID", "ARCHSMITH_HTTPS_PROXY"} <= set(variables(run))


def test_a_graph_of_more_than_128_kib_needs_a_config_map_that_argo_may_not_make(kfp: KfpServer, kube: KubeServer) -> None:
    for size, state in ((120_000, "RUNNING"), (140_000, "FAILED")):
        run = begin(kfp, pipeline_spec={"pipeline_spec": {"root": {"a": "x" * size}}})
        assert (run["state"], root_template_bytes(run) > 131_072) == (state, state == "FAILED")
    assert "configmaps is forbidden" in list(kube.kept.values())[-1]["status"]["message"]
