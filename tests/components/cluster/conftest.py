"""An API server: a stand-in for it, and its admission of a search by evaluators that are not ours, jsonschema and cel-python."""

import copy
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import celpy
import celpy.celtypes
import jsonschema
import pytest

from archsmith.cluster.crd import admission, definition
from archsmith.cluster.kube import Kube, connect
from archsmith.testing.kube_server import KubeServer, kube_server

Admit = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def server() -> Iterator[KubeServer]:
    """Run a stand-in for the API server of Kubernetes."""
    with kube_server() as running:
        yield running


@pytest.fixture
def kube(server: KubeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kube]:
    """Connect with it, as the kubeconfig says."""
    monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path / "config", "team")))
    with connect() as connected:
        yield connected


@pytest.fixture(scope="session")
def admit() -> Admit:
    """Return what Kubernetes does with an object: why it refuses it, nothing where it takes it."""
    schema = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    validator = jsonschema.Draft4Validator(schema)  # its exclusive bounds are booleans, as those of OpenAPI 3.0

    def run(given: dict[str, Any]) -> list[str]:
        made = with_defaults(copy.deepcopy(given), schema)
        errors = [f"{dotted(error.absolute_path)}: {error.message}" for error in validator.iter_errors(made)]
        return errors or [*schema_rules(made, schema, ""), *policy_rules(made)]

    return run


def with_defaults(value: Any, schema: dict[str, Any]) -> Any:
    """Drop nulls and fill in defaults, in the order of Kubernetes: those of an object before those inside of it."""
    if isinstance(value, dict) and "properties" in schema:
        for key, inner in schema["properties"].items():
            if value.get(key) is None:
                value.pop(key, None)
                if "default" in inner:
                    value[key] = copy.deepcopy(inner["default"])
            if key in value:
                value[key] = with_defaults(value[key], inner)
    if isinstance(value, list) and "items" in schema:
        return [with_defaults(item, schema["items"]) for item in value]
    return value


def schema_rules(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """Evaluate the rules inside the schema."""
    for rule in schema.get("x-kubernetes-validations", []):
        made = celpy.json_to_cel(value)
        if not evaluate(rule["rule"], self=made):
            yield f"{path}{rule.get('fieldPath', '')}: {evaluate(rule['messageExpression'], self=made)}"
    if isinstance(value, dict):
        for key, inner in schema.get("properties", {}).items():
            if key in value:
                yield from schema_rules(value[key], inner, f"{path}.{key}".lstrip("."))
    if isinstance(value, list):
        for k, item in enumerate(value):
            yield from schema_rules(item, schema.get("items", {}), f"{path}[{k}]")


def policy_rules(value: Any) -> Iterator[str]:
    """Evaluate the admission policy."""
    spec, variables = policy()
    made = celpy.json_to_cel(value)
    for item in spec["validations"]:
        if not evaluate(item["expression"], object=made, variables=variables):
            yield str(evaluate(item["messageExpression"], object=made, variables=variables))


@cache
def policy() -> tuple[Any, Any]:
    """Return the policy and its variables."""
    spec = admission()[0]["spec"]
    variables = {item["name"]: program(item["expression"]).evaluate({}) for item in spec["variables"]}
    return spec, celpy.celtypes.MapType({celpy.celtypes.StringType(name): value for name, value in variables.items()})


def evaluate(expression: str, **names: Any) -> Any:
    """Evaluate CEL."""
    return program(expression).evaluate(names)


@cache
def program(expression: str) -> celpy.Runner:
    environment = celpy.Environment()
    return environment.program(environment.compile(expression), functions={"join": join})


def join(items: Any, between: Any) -> celpy.celtypes.StringType:
    """Kubernetes' own function of lists."""
    return celpy.celtypes.StringType(str(between).join(map(str, items)))


def dotted(path: Any) -> str:
    return re.sub(r"\.\[", "[", ".".join(f"[{part}]" if isinstance(part, int) else str(part) for part in path))
