import re
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec

from archsmith.search import parse
from archsmith.testing.searches import TINY
from archsmith_pipelines.manifests import compile_manifests

SHORT = TINY.replace("trials: 6, rounds: 3", "trials: 2, rounds: 1")
"""One round: kfp takes its time for each task."""

LABEL = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A name that is a DNS label, RFC 1123."""


def written(tmp_path: Path, text: str = SHORT, **options: str) -> tuple[dict, dict]:
    path = tmp_path / "out.yaml"
    compile_manifests(parse(text), "s3://bucket", path, **options)
    pipeline, version = yaml.safe_load_all(path.read_text())
    return pipeline, version


def test_the_objects_are_those_of_kfp(tmp_path: Path) -> None:
    pipeline, version = written(tmp_path, namespace="kubeflow")
    assert [(o["apiVersion"], o["kind"]) for o in (pipeline, version)] == [
        ("pipelines.kubeflow.org/v2beta1", "Pipeline"),
        ("pipelines.kubeflow.org/v2beta1", "PipelineVersion"),
    ]
    assert pipeline["metadata"] == {"name": "archsmith-tiny", "namespace": "kubeflow"}
    assert version["spec"]["pipelineName"] == "archsmith-tiny"
    assert version["metadata"]["name"].startswith("archsmith-tiny-")
    spec = json_format.ParseDict(version["spec"]["pipelineSpec"], PipelineSpec())
    assert len(spec.root.dag.tasks) == 6
    assert json_format.ParseDict(version["spec"]["platformSpec"], PlatformSpec()).platforms["kubernetes"]


def test_a_version_is_called_by_what_it_is(tmp_path: Path) -> None:
    names = [written(tmp_path, text)[1]["metadata"]["name"] for text in (SHORT, SHORT, SHORT.replace("epochs: 3", "epochs: 4"))]
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize("name", ["a", "a" * 63, "a-" * 31 + "b", "x" * 44 + "-" * 10 + "y"])
def test_names_are_labels_whatever_the_search_is_called(name: str, tmp_path: Path) -> None:
    pipeline, version = written(tmp_path, SHORT.replace("{name: tiny}", f"{{name: {name}}}"))
    for made in (pipeline, version):
        assert LABEL.fullmatch(made["metadata"]["name"])
