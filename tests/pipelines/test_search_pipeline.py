import json
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec

from archsmith.search import load, parse
from archsmith.testing.searches import TINY
from archsmith_pipelines.search import compile_search, documents, search_pipeline

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def compiled(tmp_path: Path, text: str, *, first_round: int = 0) -> dict:
    path = tmp_path / "pipeline.yaml"
    compile_search(parse(text), "/runs", path, first_round=first_round)
    return next(yaml.safe_load_all(path.read_text()))


def ancestors(tasks: dict, name: str) -> set[str]:
    """Return all tasks that `name` waits for, by a walk of the graph."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for parent in tasks[waiting.pop()].get("dependentTasks", []):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def test_the_rounds_are_written_out_flat(tmp_path: Path) -> None:
    ir = compiled(tmp_path, TINY.replace("workers: 2", "workers: 1, pods: 2"))
    tasks = ir["root"]["dag"]["tasks"]
    kinds = sorted(task["componentRef"]["name"].removeprefix("comp-").rstrip("-0123456789") for task in tasks.values())
    assert kinds == sorted(["sample-space", *["propose"] * 3, *["estimate"] * 6, "select", "retrain", "report"])
    assert not any("dag" in component for component in ir["components"].values())
    assert not any("triggerPolicy" in t or "parameterIterator" in t or "artifactIterator" in t for t in tasks.values())


def test_each_round_waits_for_all_pods_of_the_one_before(tmp_path: Path) -> None:
    tasks = compiled(tmp_path, TINY.replace("workers: 2", "workers: 1, pods: 2"))["root"]["dag"]["tasks"]
    assert {"estimate", "estimate-2"} <= set(tasks["propose-2"]["dependentTasks"])
    assert {"estimate-5", "estimate-6"} <= set(tasks["select"]["dependentTasks"])
    assert ancestors(tasks, "report") == set(tasks) - {"report"}


def test_no_task_is_cached_and_each_is_tried_again(tmp_path: Path) -> None:
    tasks = compiled(tmp_path, TINY)["root"]["dag"]["tasks"]
    for task in tasks.values():
        assert task.get("cachingOptions", {}).get("enableCache", False) is False
        assert task["retryPolicy"]["maxRetryCount"] == 2


def test_a_search_that_goes_on_has_only_the_rounds_that_are_left(tmp_path: Path) -> None:
    tasks = compiled(tmp_path, TINY, first_round=2)["root"]["dag"]["tasks"]
    rounds = [
        task["inputs"]["parameters"]["round"]["runtimeValue"]["constant"]
        for name, task in tasks.items()
        if name.startswith("propose")
    ]
    assert rounds == [2.0]


def test_the_inputs_are_the_search_file_and_the_store(tmp_path: Path) -> None:
    inputs = compiled(tmp_path, TINY)["root"]["inputDefinitions"]["parameters"]
    assert inputs["store"]["defaultValue"] == "/runs"
    assert parse(inputs["search"]["defaultValue"]).object == parse(TINY).object


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_compiles_and_kfp_reads_it_back(example: Path, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    search = load(example)
    compile_search(search, "s3://bucket/prefix", path)
    read = components.load_component_from_file(str(path))
    assert read.name == f"archsmith-{search.name}"
    assert set(read.component_spec.inputs) == {"search", "store"}
    spec, platform = yaml.safe_load_all(path.read_text())
    assert json_format.MessageToDict(read.pipeline_spec) == json_format.MessageToDict(json_format.ParseDict(spec, PipelineSpec()))
    assert json_format.ParseDict(platform, PlatformSpec()) == read.platform_spec


def test_the_largest_pipeline_stays_small_as_tasks_of_a_kind_share_a_component() -> None:
    def size(rounds: int) -> int:
        budget = f"trials: {rounds * 12}, rounds: {rounds}"
        text = TINY.replace("trials: 6, rounds: 3", budget).replace("workers: 2", "workers: 1, pods: 6, gpu: 1")
        made = documents(search_pipeline(parse(text), "s3://bucket/prefix"))
        assert len(made["pipeline_spec"]["root"]["dag"]["tasks"]) == rounds + rounds * 6 + 4
        assert len(made["pipeline_spec"]["components"]) == 6
        return len(json.dumps(made))

    one, two = size(1), size(2)  # kfp takes seconds for 50 rounds; each round adds the same
    assert one + 49 * (two - one) < 300_000  # of the 1.5 MiB that Kubernetes stores of an object
