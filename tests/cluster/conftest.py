"""The cluster of these tests: a kind cluster, made by `make cluster`, which all processes of pytest share."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from minio import Minio
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig

from cluster import CHART, ROOT, SECOND, Cluster, Installation, Note, Object, Start
from faults import Survives, run_through
from scheduling import InParts
from sharing import Shared

TOOLS = ("docker", "kind", "kubectl", "helm", "make")
IMAGES = {"KIND_IMAGE": "kindest/node:v1.36.3", "MINIO_IMAGE": "quay.io/minio/minio:local"}
"""Images that a machine without a registry may have, by the variables of the Makefile."""

SMALL = "--set searches.resources.requests.cpu=20m"
"""Lets the scheduler place the pods of all searches that run side by side, on any machine."""

FIRST = (
    "sharing", "install", "services", "compiled", "shared_weights", "gpus", "pods", "search", "faults", "many", "lifecycle",
    "command",
)  # fmt: skip
"""What makes the cluster, with what needs none beside it; then what takes longest, so that nothing long is left over."""

SHARED = pytest.StashKey[Shared]()


def pytest_configure(config: pytest.Config) -> None:
    """Tell this run from others; all of its processes call it the same."""
    if _is_worker(config):
        run = config.workerinput["testrunuid"]
    else:
        run = config.option.testrunuid = config.getoption("testrunuid", None) or uuid4().hex
    config.stash[SHARED] = Shared(run)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> InParts:
    """Hand out tests that have nothing to do with each other one at a time, others by file."""
    config.stash[SHARED].join()  # so that the process that is interrupted removes the cluster, and no other one
    return InParts(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, which wait for pods, and so have longer than others; and put them in their order."""
    for item in items:
        if _is_here(item):
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(1800))
    items.sort(key=_rank)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to use the cluster if any test does."""
    if any(map(_uses_cluster, session.items)):
        session.config.stash[SHARED].join()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let a test that disturbs others have the cluster to itself."""
    if not _uses_cluster(item):
        return (yield)
    with item.config.stash[SHARED].room(alone=_is_alone(item)):
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Delete the cluster after the last test of all processes, unless ARCHSMITH_KEEP_CLUSTER is set."""
    patience_s = 0 if _is_worker(session.config) else 30
    if session.config.stash[SHARED].leave(patience_s) and not os.environ.get("ARCHSMITH_KEEP_CLUSTER"):
        failed = _make("cluster-delete", _named(), ROOT / "charts" / "kind.yaml")
        assert not failed, failed


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Keep a line for the end of pytest's output: what was measured, or what happened."""
    return lambda line: request.node.user_properties.append(("note", line))


@pytest.fixture
def start(cluster: Cluster) -> Iterator[Start]:
    """Apply a search and return its name; it is deleted after the test, with what it has in the store."""
    begun: list[str] = []

    def apply(search: Object) -> str:
        begun.append(search["metadata"]["name"])
        cluster.remove(begun[-1])  # what an earlier session has left
        cluster.apply(search)
        return begun[-1]

    yield apply
    for name in begun:
        cluster.remove(name)


@pytest.fixture(scope="module", name="minio")
def _minio(cluster: Cluster) -> Minio:
    """Return a client with the rights of MinIO's owner; from now on, the bucket of the searches keeps all versions."""
    root = cluster.secret("archsmith-minio-root")
    address = cluster.address(cluster.s3_port)
    client = Minio(address, root["MINIO_ROOT_USER"], root["MINIO_ROOT_PASSWORD"], secure=False, region="us-east-1")
    client.set_bucket_versioning("searches", VersioningConfig(ENABLED))
    return client


@pytest.fixture
def survives(cluster: Cluster, minio: Minio, start: Start, note: Note) -> Survives:
    """Return what runs a search through a fault and checks what is true whatever the fault was."""
    return lambda name, fault, **spec: run_through(cluster, minio, start, note, name, fault, **spec)


@pytest.fixture(scope="session", name="installation")
def _installation(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Make the cluster, or upgrade the one that is there.

    One that ARCHSMITH_CLUSTER_READY says is ready is used as it is.
    """
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        pytest.fail(f"Found no {', '.join(missing)} on PATH, but the tests of the cluster need {', '.join(TOOLS)}.")
    cluster = _named()

    def install() -> Object:
        fresh = cluster.name not in cluster.run("kind", "get", "clusters").split()
        begin, failed = time.monotonic(), ""
        if fresh or not os.environ.get("ARCHSMITH_CLUSTER_READY"):
            failed = _make("cluster", cluster, _kind_config(tmp_path_factory.mktemp("kind")))
        return {"seconds": time.monotonic() - begin, "fresh": fresh, "failed": failed}

    made = pytestconfig.stash[SHARED].once(install)
    if made["failed"]:
        pytest.fail(made["failed"])
    return Installation(cluster, made["seconds"], made["fresh"])


@pytest.fixture(scope="session", name="cluster")
def _cluster(installation: Installation) -> Cluster:
    """Return the cluster, with the chart installed."""
    return installation.cluster


@pytest.fixture(scope="session", name="second")
def _second(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Install the chart once more, for the tests of one process; the resource is there, and the values are those of the first."""
    cluster = installation.cluster
    second = replace(SECOND, name=cluster.name)
    namespace = cluster.kubectl("create", "namespace", second.namespace, "--dry-run=client", "--output", "yaml")
    cluster.kubectl("apply", "--filename", "-", input=namespace)
    cluster.kubectl("label", "--overwrite", "namespace", second.namespace, "pod-security.kubernetes.io/enforce=restricted")
    values: Path = tmp_path_factory.mktemp("second") / "values.json"
    values.write_text(cluster.helm("get", "values", "archsmith", "--output", "json"))
    own = f"crds.install=false,ui.enabled=false,mlflow.nodePort={second.mlflow_port},minio.nodePort={second.s3_port}"
    second.helm(
        "upgrade", "--install", "archsmith", str(CHART), "--values", str(values), "--set", own,
        "--wait", "--wait-for-jobs", "--timeout", "15m",
    )  # fmt: skip
    return second


def _named() -> Cluster:
    return Cluster(os.environ.get("ARCHSMITH_CLUSTER", "archsmith-test"))


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _is_here(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


def _uses_cluster(item: pytest.Item) -> bool:
    return "installation" in getattr(item, "fixturenames", ())


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


def _rank(item: pytest.Item) -> int:
    """Return the place of a test: tests that have to be alone come late, with those beside them that need no cluster."""
    if not _is_here(item):
        return len(FIRST) + 2
    if _is_alone(item):
        return len(FIRST) + 1
    name = item.path.stem.removeprefix("test_")
    return FIRST.index(name) if name in FIRST else len(FIRST)


def _kind_config(folder: Path) -> Path:
    """Write kind's configuration with any free ports of this machine in place of those that a user's cluster may hold."""
    config = yaml.safe_load((ROOT / "charts" / "kind.yaml").read_text(encoding="utf-8"))
    mappings = config["nodes"][0]["extraPortMappings"]
    mappings += [{**mappings[0], "containerPort": port} for port in (SECOND.mlflow_port, SECOND.s3_port)]
    for mapping in mappings:
        mapping["hostPort"] = 0
    path = folder / "kind.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _make(target: str, cluster: Cluster, config: Path) -> str:
    """Run a target of the Makefile and return why it failed; images that the environment does not name are those here."""
    here = {name: image for name, image in IMAGES.items() if name not in os.environ and _in_docker(image)}
    helm = f"{os.environ.get('HELM_ARGS', '')} {SMALL}"
    variables = {"CLUSTER": cluster.name, "KIND_CONFIG": str(config), "HELM_ARGS": helm, **here}
    done = subprocess.run(
        ["make", target, *(f"{name}={value}" for name, value in variables.items())],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=1500,
    )  # fmt: skip
    if not done.returncode:
        return ""
    pods = cluster.kubectl("get", "pods", check=False)
    return f"`make {target}` failed:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}\n{pods}"


def _in_docker(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0
