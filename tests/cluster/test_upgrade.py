"""An upgrade and a rollback lose nothing."""

import json

import pytest
from mlflow import MlflowClient

from cluster import CHART, Cluster, Note, Start, digits


@pytest.mark.alone
def test_an_upgrade_and_a_rollback_keep_objects_runs_searches_and_keys(cluster: Cluster, start: Start, note: Note) -> None:
    name = start(digits("kept", suspend=True))
    store, client = cluster.store(), MlflowClient(cluster.mlflow_uri)
    store.put("kept/object", b"as it was")
    run = client.create_run("0")
    client.log_metric(run.info.run_id, "answer", 42.0)
    client.log_text(run.info.run_id, "as it was", "note.txt")
    before, keys = _revision(cluster), cluster.secret("archsmith-store")

    def is_kept() -> None:
        assert cluster.secret("archsmith-store") == keys
        assert cluster.store().get("kept/object") == b"as it was"
        client = MlflowClient(cluster.mlflow_uri)
        assert client.get_run(run.info.run_id).data.metrics == {"answer": 42.0}
        assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["note.txt"]
        assert cluster.search(name)["spec"]["suspend"] is True

    old = _pods(cluster)
    change = [part for what in ("minio", "mlflow", "controller") for part in ("--set", f"{what}.resources.requests.cpu=60m")]
    cluster.helm("upgrade", "archsmith", str(CHART), "--reuse-values", *change, "--wait", "--timeout", "12m")
    assert _revision(cluster) == before + 1
    assert not old & _pods(cluster), "the upgrade was to replace every pod"
    is_kept()
    cluster.helm("rollback", "archsmith", str(before), "--wait", "--timeout", "12m")
    assert _revision(cluster) == before + 2
    is_kept()
    cluster.patch(name, suspend=False)
    cluster.until(name, "Succeeded")
    store.delete(["kept/object"])
    note("an upgrade and a rollback replaced every pod; objects, runs, searches and keys stayed")


def _revision(cluster: Cluster) -> int:
    """Return the revision of the release."""
    (release,) = json.loads(cluster.helm("list", "--output", "json"))
    return int(release["revision"])


def _pods(cluster: Cluster) -> set[str]:
    """Return the uids of the pods that serve."""
    found = cluster.items("pods", "--selector", "app.kubernetes.io/component in (minio,mlflow,controller)")
    return {pod["metadata"]["uid"] for pod in found}
