"""What KFP's compiler writes and KFP's server reads: two dialects of YAML."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from archsmith.search import parse
from archsmith.testing.searches import TINY
from archsmith_pipelines.manifests import compile_manifests
from archsmith_pipelines.search import compile_search

LABELS = {
    "rack": "09",
    "size": "1e3",
    "fast": "yes",
    "half": "y",
    "row": "0o17",
    "day": "2026-01-01",
    "none": "null",
    "at": "0_9",
}
FILE = TINY + f'  cluster: {{node_selector: {LABELS}, image: "a\\u2028b:\\x7f"}}\n'


def scalars(node: yaml.Node) -> list[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        return [node]
    inner = [n for pair in node.value for n in pair] if isinstance(node, yaml.MappingNode) else node.value
    return [scalar for child in inner for scalar in scalars(child)]


@pytest.mark.parametrize("of_kubernetes", [False, True])
def test_text_that_looks_like_a_number_is_in_quotes_in_a_compiled_pipeline(of_kubernetes: bool, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    search = parse(FILE)
    if of_kubernetes:
        compile_manifests(search, "s3://1/2", path)
    else:
        compile_search(search, "s3://1/2", path)
    text = path.read_text()
    found = [node for document in yaml.compose_all(text, yaml.CSafeLoader) for node in scalars(document)]
    for value in LABELS.values():
        styles = {node.style for node in found if node.value == value}
        assert styles == {"'"}, value
    assert text.startswith("# PIPELINE DEFINITION") != of_kubernetes


def test_the_search_in_a_compiled_pipeline_is_the_one_that_was_compiled(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    search = parse(FILE)
    compile_search(search, "s3://bucket", path)
    ir: Any = next(yaml.safe_load_all(path.read_text()))
    given = ir["root"]["inputDefinitions"]["parameters"]["search"]["defaultValue"]
    assert parse(given).object == search.object
