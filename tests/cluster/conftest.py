"""The cluster of these tests: a kind cluster, made by `make cluster`."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster import ROOT, Cluster, Installation, Note, Object, Start

TOOLS = ("docker", "kind", "kubectl", "helm", "make")
IMAGES = {"KIND_IMAGE": "kindest/node:v1.36.3", "MINIO_IMAGE": "quay.io/minio/minio:local"}
"""Images that a machine without a registry may have, by the variables of the Makefile."""


NOTES = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder; they wait for pods, and so have longer than others."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(1200))


def pytest_configure(config: pytest.Config) -> None:
    """Begin the list of what is measured."""
    config.stash[NOTES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured."""
    for line in config.stash[NOTES]:
        terminalreporter.write_line(line)


@pytest.fixture
def note(pytestconfig: pytest.Config) -> Note:
    """Keep a line for the end of pytest's output: what was measured, or what happened."""
    return pytestconfig.stash[NOTES].append


@pytest.fixture
def start(cluster: Cluster) -> Iterator[Start]:
    """Apply a search and return its name; it is deleted after the test, with what it has in the store."""
    begun: list[str] = []

    def apply(search: Object) -> str:
        begun.append(search["metadata"]["name"])
        cluster.delete(begun[-1])  # what an earlier session has left
        cluster.folder(begun[-1]).remove()
        cluster.apply(search)
        return begun[-1]

    yield apply
    for name in begun:
        cluster.delete(name)
        cluster.folder(name).remove()


@pytest.fixture(scope="session", name="installation")
def _installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Make the cluster, or upgrade the one that is there; it is deleted at the end unless ARCHSMITH_KEEP_CLUSTER is set.

    One that ARCHSMITH_CLUSTER_READY says is ready is used as it is.
    """
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        pytest.fail(f"Found no {', '.join(missing)} on PATH, but the tests of the cluster need {', '.join(TOOLS)}.")
    cluster = Cluster(os.environ.get("ARCHSMITH_CLUSTER", "archsmith-test"))
    fresh = cluster.name not in cluster.run("kind", "get", "clusters").split()
    begin = time.monotonic()
    if fresh or not os.environ.get("ARCHSMITH_CLUSTER_READY"):
        _make("cluster", cluster, _kind_config(tmp_path_factory.mktemp("kind")))
    yield Installation(cluster, time.monotonic() - begin, fresh)
    if not os.environ.get("ARCHSMITH_KEEP_CLUSTER"):
        _make("cluster-delete", cluster, ROOT / "charts" / "kind.yaml")


@pytest.fixture(scope="session", name="cluster")
def _cluster(installation: Installation) -> Cluster:
    """Return the cluster, with the chart installed."""
    return installation.cluster


def _kind_config(folder: Path) -> Path:
    """Write kind's configuration with any free ports of this machine in place of those that a user's cluster may hold."""
    config = yaml.safe_load((ROOT / "charts" / "kind.yaml").read_text(encoding="utf-8"))
    for mapping in config["nodes"][0]["extraPortMappings"]:
        mapping["hostPort"] = 0
    path = folder / "kind.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _make(target: str, cluster: Cluster, config: Path) -> None:
    """Run a target of the Makefile; the environment says which images, else those that are here are taken."""
    here = {name: image for name, image in IMAGES.items() if name not in os.environ and _in_docker(image)}
    variables = {"CLUSTER": cluster.name, "KIND_CONFIG": str(config), **here}
    done = subprocess.run(
        ["make", target, *(f"{name}={value}" for name, value in variables.items())],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    if done.returncode:
        pods = cluster.kubectl("get", "pods", check=False)
        pytest.fail(f"`make {target}` failed:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}\n{pods}")


def _in_docker(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0
