"""The chart as helm renders it: what the tests look at is what a cluster would get."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[2] / "charts" / "archsmith"

Objects = list[dict[str, Any]]
Render = Callable[..., Objects]


def find_helm() -> str:
    """Return the path of helm: ARCHSMITH_HELM, else PATH, else where `make helm` puts it."""
    made = CHART.parents[1] / ".tools" / "bin" / "helm"
    found = os.environ.get("ARCHSMITH_HELM") or shutil.which("helm") or (str(made) if made.exists() else None)
    if found is None:
        pytest.fail("Found no helm. Install it (https://helm.sh) and put it on PATH, or set ARCHSMITH_HELM to its path.")
    return found


@pytest.fixture(scope="session")
def helm() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run helm with these arguments, as for a cluster of a version that the chart supports."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        # A helm that was built without its release's flags takes the cluster for a very old one.
        return subprocess.run(
            [find_helm(), *arguments, "--kube-version", "1.36.0"], capture_output=True, text=True, check=False, timeout=60
        )

    return run


@pytest.fixture(scope="session")
def render(helm: Callable[..., subprocess.CompletedProcess[str]]) -> Render:
    """Return the objects of the chart with a file of `ci/` and further values; what was rendered before is not rendered again."""

    @cache
    def template(*arguments: str) -> Objects:
        done = helm("template", "demo", str(CHART), "--namespace", "lab", *arguments)
        assert done.returncode == 0, done.stderr
        return [made for made in yaml.load_all(done.stdout, yaml.CSafeLoader) if made]

    def run(ci: str = "", values: Mapping[str, str] = {}) -> Objects:
        chosen = ["--values", str(CHART / "ci" / f"{ci}-values.yaml")] if ci else []
        return template(*chosen, *(part for key, value in values.items() for part in ("--set", f"{key}={value}")))

    return run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `ci` every way of installing the chart that `ci/` has a file for; the defaults are ''."""
    if "ci" in metafunc.fixturenames:
        names = ["", *sorted(path.name.removesuffix("-values.yaml") for path in CHART.glob("ci/*-values.yaml"))]
        metafunc.parametrize("ci", names, ids=lambda name: name or "defaults")


@pytest.fixture
def pods(render: Render, ci: str) -> dict[str, dict[str, Any]]:
    """Return the template of every pod by its component: labels and spec."""
    return pods_of(render(ci))


def pods_of(objects: Objects) -> dict[str, dict[str, Any]]:
    """Return the templates of the pods among `objects` by component."""
    found = [made if made["kind"] == "Pod" else made["spec"].get("template") for made in objects if "spec" in made]
    templates = [t for t in found if t and "containers" in t.get("spec", {})]
    return {t["metadata"]["labels"]["app.kubernetes.io/component"]: t for t in templates}
