"""Every object has the fields that Kubernetes knows, by the models of its own client, and no others."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes.client

Render = Callable[..., list[dict[str, Any]]]


def strangers(value: Any, kind: str, path: str) -> Iterator[str]:
    """Yield the paths at which a value is not what the model called `kind` says, or lacks what it must have."""
    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        for k, item in enumerate(value):
            yield from strangers(item, inner[1], f"{path}[{k}]")
    elif inner := re.fullmatch(r"dict\(str, (.*)\)", kind):
        for key, item in value.items():
            yield from strangers(item, inner[1], f"{path}.{key}")
    elif model := getattr(kubernetes.client, kind, None):
        names = {given: name for name, given in model.attribute_map.items()}
        for key, item in value.items():
            if key not in names:
                yield f"{path}.{key}"
            else:
                yield from strangers(item, model.openapi_types[names[key]], f"{path}.{key}")
    elif not isinstance(value, {"str": str, "int": int, "bool": bool}.get(kind, object)):
        yield f"{path}: {value!r} is no {kind}"


def model_of(made: dict[str, Any]) -> str:
    version = made["apiVersion"].rpartition("/")[2]
    return f"{version.capitalize()}{made['kind']}"


def test_the_check_finds_a_field_that_is_none_and_a_wrong_type() -> None:
    pod = {"spec": {"containers": [{"nmae": "c", "image": 3}], "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}]}}
    found = list(strangers(pod, "V1Pod", ""))
    assert found == [".spec.containers[0].nmae", ".spec.containers[0].image: 3 is no str"]


def test_every_field_is_known(render: Render, ci: str) -> None:
    for made in render(ci):
        if made["kind"] != "CustomResourceDefinition":  # its schema has models of its own, and a test of its own
            assert list(strangers(made, model_of(made), made["kind"])) == []
