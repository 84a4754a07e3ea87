"""The custom resource: a structural schema by Kubernetes' rules, which refuses what `archsmith check` refuses."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from archsmith.cluster.crd import admission, definition
from archsmith.errors import SpecError
from archsmith.evaluation import ESTIMATORS
from archsmith.evaluation.stopping import STOPPERS
from archsmith.search import Search, parse
from archsmith.spaces import SPACES
from archsmith.spec import AUTO
from archsmith.spec.template import TEMPLATE
from archsmith.strategies import STRATEGIES

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))

Admit = Callable[[dict[str, Any]], list[str]]

SCHEMA: dict[str, Any] = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def file(spec: str = "", *, data: str = "data: {name: digits}", space: str = "space: {name: chain}", name: str = "s") -> str:
    """Write a search file; what a test adds to its spec is one line."""
    head = f"apiVersion: archsmith.dev/v1alpha1\nkind: Search\nmetadata: {{name: {name}}}\nspec:\n"
    return head + "".join(f"  {line}\n" for line in (data, space, spec) if line)


def told(text: str) -> list[str]:
    """Return the lines of `archsmith check` about a file, without file, line and guesses at what was meant."""
    with pytest.raises(SpecError) as caught:
        parse(text)
    return [line.split(": ", 1)[1].partition(" Did you mean ")[0] for line in str(caught.value).splitlines()]


TABLE = "estimation: {name: table, path: x.csv, metrics: {accuracy: a, score: b}}"

SAME_WORDS = {
    "an unknown key at the top": file() + "seeds: 1\n",
    "an unknown key of the spec": file("stratgy: {name: random}"),
    "an unknown key of a section": file("budget: {trial: 3}"),
    "an unknown key of a section in a section": file("retrain: {training: {optimiser: sgd}}"),
    "an unknown key of a strategy": file("strategy: {name: evolution, populaton: 4}"),
    "a key of another strategy": file("strategy: {name: tpe, population: 4}"),
    "an unknown key of a space": file(space="space: {name: cell, cels: 3}"),
    "an unknown key of the estimator that need not be named": file("estimation: {epoch: 3}"),
    "a key that a table needs": file("estimation: {name: table, path: x.csv}"),
    "data without the path that they need": file(data="data: {name: npz}"),
    "no data": file(data=""),
    "an objective that wants nothing": file("objectives: [{metric: accuracy, goal: maximize}, {metric: n_params}]"),
    "objectives without a goal": file("objectives: [{metric: n_params, limit: 5}]"),
    "no objectives": file("objectives: []"),
    "a metric of one's own without a goal": file(
        f"objectives: [{{metric: accuracy, goal: maximize}}, {{metric: score, limit: 5}}]\n  {TABLE}", data=""
    ),
    "a metric twice": file("objectives: [{metric: accuracy, goal: maximize}, {metric: accuracy, limit: 0.5}]"),
    "more rounds than trials": file("budget: {trials: 3, rounds: 5}"),
    "more of a front than there can be": file("retrain: {front: 3}"),
    "something to train and nothing to train on": file(TABLE, data="") + "  retrain: {trial: 3}\n",
    "rounds of nobody knows how many trials": file("budget: {trainings: 40, rounds: 5}"),
    "more rounds than the trials that are taken": file("budget: {rounds: 41}"),
    "more tasks than a pipeline holds": file("budget: {trials: 3000, rounds: 100}") + "  resources: {pods: 4}\n",
    "more tasks than Kubeflow takes": file("budget: {trials: 3000, rounds: 50}")
    + "  resources: {pods: 4}\n  cluster: {engine: kfp}\n",
    "more tasks than anybody takes": file("budget: {trials: 3000, rounds: 50}")
    + "  resources: {pods: 7}\n  cluster: {engine: kfp}\n",
}
"""Files of one mistake each, of which `archsmith check` and the cluster say the same."""

REFUSED = {
    "a number that is text": file("seed: '0'"),
    "text that is a number": file("storage: {uri: 3}"),
    "a setting of a strategy that is text": file("strategy: {name: evolution, population: many}"),
    "a fraction of more than one": file("estimation: {data: 1.5}"),
    "a bound that is no part of the range": file("training: {learning_rate: 0}"),
    "a trial that is neither a number nor an id": file("retrain: {trial: nonsense}"),
    "a trial of a negative number": file("retrain: {trial: -1}"),
    "a number of workers that is too large": file("resources: {workers: 65}"),
    "a word for the workers that is none": file("resources: {workers: few}"),
    "an amount of memory in unknown units": file("resources: {memory: 4GB}"),
    "an unknown metric": file("objectives: [{metric: speed, goal: maximize}]"),
    "a metric that the table has no column of": file(f"objectives: [{{metric: speed, goal: maximize}}]\n  {TABLE}", data=""),
    "no space": file(space=""),
    "a space without a name": file(space="space: {layers: {min: 1, max: 2}}"),
    "a name in upper case": file(name="Upper"),
    "a section that is a list": file("budget: [3]"),
    "an unknown key of an objective": file("objectives: [{metric: accuracy, goal: maximize, gaol: minimize}]"),
}
"""Files that both refuse, each in words of its own: Kubernetes' schemas say things their way."""


@pytest.mark.parametrize("text", [*(path.read_text() for path in EXAMPLES), TEMPLATE], ids=[*(p.stem for p in EXAMPLES), "init"])
def test_every_example_is_admitted(admit: Admit, text: str) -> None:
    assert admit(yaml.safe_load(text)) == []


@pytest.mark.parametrize("text", SAME_WORDS.values(), ids=SAME_WORDS)
def test_the_cluster_refuses_a_file_with_the_words_of_check(admit: Admit, text: str) -> None:
    assert admit(yaml.safe_load(text)) == told(text)


def test_without_rounds_any_number_of_trials_and_pods_is_admitted(admit: Admit) -> None:
    text = file("budget: {trials: 100000}") + "  resources: {pods: 32}\n  cluster: {engine: kfp}\n"
    parse(text)
    assert admit(yaml.safe_load(text)) == []


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_the_cluster_refuses_what_check_refuses(admit: Admit, text: str) -> None:
    assert told(text)
    assert admit(yaml.safe_load(text))


def test_a_metric_of_ones_own_is_admitted_where_the_table_has_it(admit: Admit) -> None:
    text = file(f"objectives: [{{metric: score, goal: minimize, limit: -5}}]\n  {TABLE}", data="")
    parse(text)
    assert admit(yaml.safe_load(text)) == []


@pytest.mark.parametrize("spec", ["budget: {trials: 8, rounds: null}", "retrain: {training: null}", "resources: {workers: auto}"])
def test_what_is_left_out_or_null_is_admitted(admit: Admit, spec: str) -> None:
    parse(file(spec))
    assert admit(yaml.safe_load(file(spec))) == []


def test_a_space_of_another_distribution_is_left_to_the_controller(admit: Admit) -> None:
    assert admit(yaml.safe_load(file(space="space: {name: theirs, anything: 3}"))) == []


def test_the_object_with_its_defaults_is_the_same_search() -> None:
    def search(spec: dict[str, Any]) -> Search:
        head = {"apiVersion": "archsmith.dev/v1alpha1", "kind": "Search", "metadata": {"name": "s"}}
        return parse(yaml.safe_dump({**head, "spec": spec}))

    given = yaml.safe_load(file())["spec"]
    defaults = {key: value["default"] for key, value in SCHEMA["properties"]["spec"]["properties"].items() if "default" in value}
    assert search({**defaults, **given}).identity() == search(given).identity()
    assert search({**defaults, **given}).spec == search(given).spec


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema in a schema."""
    yield path, schema
    for key, value in schema.get("properties", {}).items():
        yield from nodes(value, f"{path}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], f"{path}[]")


ALLOWED = {
    *("type", "description", "enum", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minLength", "maxLength", "minItems", "maxItems", "required", "properties", "items", "additionalProperties", "default"),
    *("x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string", "x-kubernetes-validations"),
    *("x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
}
"""Of OpenAPI's keywords, those that a structural schema may have anywhere and that this one needs."""


def test_the_schema_is_structural() -> None:
    """The rules of "Specifying a structural schema" in Kubernetes' documentation of custom resources."""
    for path, schema in nodes(SCHEMA):
        assert set(schema) <= ALLOWED, path
        typed = "type" in schema or schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
        assert typed, f"{path} has no type"
        assert not ("type" in schema and "x-kubernetes-int-or-string" in schema), path
        assert not ("properties" in schema and "additionalProperties" in schema), path
        assert schema.get("type") != "array" or "items" in schema, path
        assert not isinstance(schema.get("additionalProperties"), bool), path
        for bound in ("minimum", "maximum"):
            exclusive = f"exclusive{bound.capitalize()}"
            assert isinstance(schema.get(exclusive, True), bool), path
            assert exclusive not in schema or bound in schema, path
    assert SCHEMA["type"] == "object"
    assert set(SCHEMA["properties"]["metadata"]["properties"]) <= {"name", "generateName"}


def test_no_default_is_null() -> None:
    for path, schema in nodes(SCHEMA):
        assert "null" not in yaml.safe_dump(schema.get("default", "")), path


def test_no_object_of_a_search_loses_an_unknown_key_in_silence() -> None:
    for path, schema in nodes(SCHEMA["properties"]["spec"], "spec"):
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            assert schema["x-kubernetes-preserve-unknown-fields"], path


def test_the_lists_that_rules_walk_are_bounded() -> None:
    assert SCHEMA["properties"]["spec"]["properties"]["objectives"]["maxItems"] == 8


def test_the_columns_are_those_of_get_searches() -> None:
    version = definition()["spec"]["versions"][0]
    assert [column["name"] for column in version["additionalPrinterColumns"]] == [
        *("Phase", "Trials", "Trainings", "Failed", "Best", "Model"),
        *("Last", "Next", "Champion", "Accuracy", "Last Search", "Age"),
    ]
    known = set(SCHEMA["properties"]["status"]["properties"])
    paths = [column["jsonPath"].split(".")[1:] for column in version["additionalPrinterColumns"]]
    assert {key for part, key, *_ in paths if part == "status"} <= known


def test_what_happens_to_be_installed_is_not_in_it() -> None:
    variables = {item["name"]: item["expression"] for item in admission()[0]["spec"]["variables"]}
    ours = {"space": SPACES, "strategy": STRATEGIES, "estimation": ESTIMATORS, "stopping": STOPPERS}
    assert {name: set(yaml.safe_load(variables[name])) - {AUTO} for name in ours} == {n: set(names) for n, names in ours.items()}


@pytest.mark.parametrize(
    "sections",
    [
        "strategy: {name: my-strategy, warmth: 0.5, population: 3}",
        "estimation: {name: my-estimator, cluster: [1, 2], epochs: 3}",
        "estimation: {name: my-estimator}\n  objectives: [{metric: my_metric, goal: minimize}]",
        "stopping: {name: my-stopper, patience: 2}",
    ],
)
def test_what_an_image_may_have_beside_ours_is_admitted_with_its_own_settings(admit: Admit, sections: str) -> None:
    assert admit(yaml.safe_load(file(sections))) == []


def test_a_search_that_was_let_in_once_can_still_be_labelled() -> None:
    (condition,) = admission()[0]["spec"]["matchConditions"]
    assert condition["expression"] == "request.operation == 'CREATE' || object.spec != oldObject.spec"
