"""The custom resource definition of searches, made from the models of the search file: `make crd` writes it."""

from collections.abc import Mapping
from typing import Any

from archsmith.cluster.policy import policy
from archsmith.cluster.rules import RULES
from archsmith.cluster.sections import section
from archsmith.cluster.status import COLUMNS, STATUS
from archsmith.cluster.structural import PRESERVE, structural, without_none
from archsmith.schema import schema
from archsmith.search import OURS, REGISTRIES
from archsmith.spec import AUTO, NAME

GROUP = "archsmith.dev"
PLURAL = "searches"
NAMES = {
    "kind": "Search",
    "listKind": "SearchList",
    "plural": PLURAL,
    "singular": "search",
    "categories": ["archsmith"],
}


def definition() -> dict[str, Any]:
    """Return the custom resource definition."""
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": list(COLUMNS),
        "schema": {"openAPIV3Schema": _object()},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": NAMES, "versions": [version]},
    }


def admission() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the admission policy of searches, and its binding."""
    return policy(_spec(_ours()), _ours())


def _object() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "A search for a neural network architecture: a search file as it stands.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object", "properties": {"name": {"type": "string", "pattern": NAME, "maxLength": 63}}},
            "spec": _spec(_ours()),
            "status": STATUS,
        },
        PRESERVE: True,
    }


def _ours() -> dict[str, Any]:
    """Return the JSON schema without what happens to be installed on this machine."""
    whole = schema()
    for name, ours in OURS.items():
        section = whole["$defs"]["SearchSpec"]["properties"][name]
        section["oneOf"] = [v for v in section["oneOf"] if v["properties"]["name"]["const"] in {*ours, AUTO}]
    return whole


def _spec(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the structural schema of `spec`."""
    model = whole["$defs"]["SearchSpec"]
    plain = {name: value for name, value in model["properties"].items() if name not in REGISTRIES}
    made = structural({**model, "properties": plain}, whole, RULES)
    made["properties"] = {
        name: section(name, model["properties"][name], whole) if name in REGISTRIES else made["properties"][name]
        for name in model["properties"]
    }
    for name, value in made["properties"].items():
        default = model["properties"][name].get("default")  # of `data` and `stopping`, to be left out
        if value.get("type") == "object" and name not in made.get("required", []) and default is not None:
            value.setdefault("default", without_none(default))
    return made
