"""What `make cluster` brings up, and that an upgrade and a rollback lose nothing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from cluster import ROOT, Cluster, Installation, Note, Start, digits

CHART = ROOT / "charts" / "archsmith"
pytestmark = pytest.mark.xdist_group("install")

VALUES = sorted(path for path in CHART.glob("ci/*.yaml") if path.stem != "kind-values")  # that is what `make cluster` installs
ENFORCE = "pod-security.kubernetes.io/enforce"


def test_make_cluster_brings_up_every_pod(installation: Installation, note: Note) -> None:
    pods = installation.cluster.items("pods", "--selector", "app.kubernetes.io/instance=archsmith")
    components = {pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods}
    assert {"controller", "minio", "mlflow"} <= components
    for pod in pods:
        ready = {c["type"]: c["status"] for c in pod["status"]["conditions"]}["Ready"] == "True"
        assert ready or pod["status"]["phase"] == "Succeeded", pod["metadata"]["name"]
    what = "a new cluster" if installation.fresh else "a cluster that was there"
    note(f"`make cluster`: {what}, ready after {installation.seconds:.0f} s")


def test_helm_test_passes(cluster: Cluster) -> None:
    said = cluster.helm("test", "archsmith")
    assert re.findall(r"Phase: +(\w+)", said) == ["Succeeded", "Succeeded"]  # its ConfigMap and its pod


def test_the_namespace_takes_only_restricted_pods_and_has_all_of_ours(cluster: Cluster) -> None:
    namespace = cluster.json("get", "namespace", cluster.namespace)
    assert namespace["metadata"]["labels"][ENFORCE] == "restricted"
    # Kubernetes looks at all pods of a namespace whose label changes, and warns of those that the new one would not admit.
    label = ("label", "namespace", cluster.namespace, "--overwrite", "--dry-run=server", f"{ENFORCE}-version=v1.36")
    assert "would violate" not in cluster.kubectl(*label, check=False)


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_every_object_is_admitted_where_only_restricted_pods_are(cluster: Cluster, restricted: Cluster, values: Path) -> None:
    rendered = restricted.helm("template", "other", str(CHART), "--values", str(values), "--kube-version", "1.36.0")
    said = restricted.kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--filename", "-", input=rendered, check=False
    )
    assert "violate" not in said, said
    assert "Error" not in said, said
    assert "serverside-applied" in said


@pytest.mark.alone
@pytest.mark.xdist_group("upgrade")
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
    cluster.helm("upgrade", "archsmith", str(CHART), "--reuse-values", *change, "--wait", "--timeout", "5m")
    assert _revision(cluster) == before + 1
    assert not old & _pods(cluster), "the upgrade was to replace every pod"
    is_kept()
    cluster.helm("rollback", "archsmith", str(before), "--wait", "--timeout", "5m")
    assert _revision(cluster) == before + 2
    is_kept()
    cluster.patch(name, suspend=False)
    cluster.until(name, "Succeeded")
    store.delete(["kept/object"])
    note("an upgrade and a rollback replaced every pod; objects, runs, searches and keys stayed")


@pytest.fixture(scope="module")
def restricted(cluster: Cluster) -> Iterator[Cluster]:
    """Make a namespace that warns of everything that is not restricted, and those that values of the chart name."""
    names = ("restricted", "kubeflow")
    for name in names:
        cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", "restricted", f"{ENFORCE}=restricted", "pod-security.kubernetes.io/warn=restricted")
    made = Cluster(cluster.name, "restricted")
    made.kubectl("create", "serviceaccount", "other-archsmith-test")  # without its account no pod is admitted, not even for show
    yield made
    cluster.kubectl("delete", "namespace", *names)


def _revision(cluster: Cluster) -> int:
    """Return the revision of the release."""
    (release,) = json.loads(cluster.helm("list", "--output", "json"))
    return int(release["revision"])


def _pods(cluster: Cluster) -> set[str]:
    """Return the uids of the pods that serve."""
    found = cluster.items("pods", "--selector", "app.kubernetes.io/component in (minio,mlflow,controller)")
    return {pod["metadata"]["uid"] for pod in found}
