"""An upgrade that brings along the values of an earlier chart, as `--reuse-values` does, where new sections are missing."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CHARTS = Path(__file__).parents[2] / "charts"
FIRST = Path(__file__).parent / "first-values.yaml"
"""The values of the first chart, as it was released."""

SECTIONS = sorted(yaml.safe_load((CHARTS / "archsmith" / "values.yaml").read_text()))

Objects = list[dict[str, Any]]
Upgrade = Callable[..., Objects]


@pytest.fixture
def upgrade(helm: Callable[..., Any], tmp_path: Path) -> Upgrade:
    """Render the chart with these values alone: helm then takes none of the chart's own."""

    def run(values: dict[str, Any], *given: str) -> Objects:
        shutil.copytree(CHARTS / "archsmith", tmp_path / "archsmith")
        (tmp_path / "archsmith" / "values.yaml").write_text(yaml.safe_dump(values))
        done = helm("template", "demo", str(tmp_path / "archsmith"), "--namespace", "lab", *given)
        assert done.returncode == 0, done.stderr
        return [made for made in yaml.load_all(done.stdout, yaml.CSafeLoader) if made]

    return run


def without_keys(objects: Objects) -> Objects:
    """Return the objects, the keys of Secrets left out, which are drawn anew."""
    return [{**made, "data": sorted(made["data"])} if made["kind"] == "Secret" else made for made in objects]


def test_the_values_of_the_first_chart_make_what_the_defaults_make(upgrade: Upgrade, render: Callable[..., Objects]) -> None:
    assert without_keys(upgrade(yaml.safe_load(FIRST.read_text()))) == without_keys(render())


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_that_is_missing_is_that_of_the_defaults(
    section: str, upgrade: Upgrade, render: Callable[..., Objects]
) -> None:
    values = yaml.safe_load((CHARTS / "archsmith" / "values.yaml").read_text())
    del values[section]
    assert without_keys(upgrade(values)) == without_keys(render())


def test_what_was_set_to_nothing_stays_nothing(upgrade: Upgrade) -> None:
    values = yaml.safe_load(FIRST.read_text())
    values["mlflow"]["enabled"] = values["networkPolicy"]["enabled"] = values["controller"]["readNodes"] = False
    values["searches"]["resources"] = {}
    del values["minio"]["resources"]["limits"]
    made = upgrade(values)
    kinds = {m["kind"] for m in made}
    assert not kinds & {"NetworkPolicy", "PersistentVolumeClaim"}
    assert not [m for m in made if m["metadata"]["name"].endswith("-mlflow")]
    assert not [m for m in made if m["kind"] == "ClusterRole" and "nodes" in str(m["rules"])]
    (minio,) = (m for m in made if m["kind"] == "StatefulSet")
    assert minio["spec"]["template"]["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "100m", "memory": "512Mi"}}
    (config,) = (
        m["data"]["controller.yaml"] for m in made if m["metadata"]["name"] == "demo-archsmith-controller" and "data" in m
    )
    assert yaml.safe_load(config)["pod"]["resources"] == {}


def test_sections_that_are_null_are_those_of_the_defaults(helm: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "null.yaml").write_text("".join(f"{section}: null\n" for section in [*SECTIONS, "global"]))
    done = helm("template", "demo", str(CHARTS / "archsmith"), "--values", str(tmp_path / "null.yaml"))
    assert done.returncode == 0, done.stderr
