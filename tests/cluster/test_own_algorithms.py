"""Algorithms of one's own in pods of an image that has them, which the controller's has not."""

import shutil
import sys
from collections.abc import Iterator

import pytest

from cluster import ROOT, Cluster, Object, digits

IMAGE = "own-algorithms:test"
EXAMPLE = ROOT / "examples" / "own-algorithms"


@pytest.fixture(scope="module")
def image(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the example's image on that of the cluster's controller, and load it into the node."""
    controller = cluster.json("get", "deployment", "archsmith-controller")
    base = controller["spec"]["template"]["spec"]["containers"][0]["image"]
    project = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("own") / "project")
    wheel = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(project / "dist"))
    cluster.run(sys.executable, *wheel, str(project))
    cluster.run("docker", "build", "--build-arg", f"ARCHSMITH={base}", "--tag", IMAGE, str(project), timeout_s=600)
    cluster.run("kind", "load", "docker-image", IMAGE, "--name", cluster.name, timeout_s=600)
    return IMAGE


@pytest.fixture
def names(cluster: Cluster) -> Iterator[list[str]]:
    found = list[str]()
    yield found
    for name in found:
        cluster.remove(name)


def own(name: str, image: str | None) -> Object:
    """Return a search with a strategy and a stopper of the example."""
    where = {"engine": "job", **({"image": image} if image else {})}
    stopping = {"name": "last-value", "after": 2}
    return digits(name, strategy={"name": "annealing", "warmth": 0.1}, stopping=stopping, estimation={"epochs": 4}, cluster=where)


@pytest.mark.long
def test_a_search_whose_image_has_them_succeeds(cluster: Cluster, image: str, names: list[str]) -> None:
    names.append("own-algorithms")
    cluster.apply(own("own-algorithms", image))
    done = cluster.until("own-algorithms", "Succeeded")
    assert done["status"]["trials"] == "6/6"


def test_without_an_image_of_its_own_the_controller_refuses_the_name(cluster: Cluster, names: list[str]) -> None:
    names.append("own-nowhere")
    cluster.apply(own("own-nowhere", None))
    failed = cluster.until("own-nowhere", "Failed")
    assert "Unknown strategy 'annealing'" in str(failed["status"])
