"""What `make cluster` brings up."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import CHART, Cluster, Installation, Note

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
