"""The JSON schema of a search file, for editors and for Kubernetes."""

from typing import Any

from pydantic import BaseModel

from archsmith.search import REGISTRIES
from archsmith.spec import AUTO, SearchObject, SearchSpec

_OPEN = {
    "type": "object",
    "description": "The space is chosen, and all that depends on it.",
    "properties": {"name": {"const": AUTO}},
    "required": ["name"],
    "additionalProperties": False,
}


def schema() -> dict[str, Any]:
    """Return the JSON schema of a search file, the sections of every algorithm included.

    It refuses what a schema can express: unknown keys, wrong types, values out of range. What holds between keys,
    such as rounds <= trials, only `parse` checks.
    """
    whole = SearchObject.model_json_schema()
    properties = whole["$defs"]["SearchSpec"]["properties"]
    for section, registry in REGISTRIES.items():
        default = properties[section].get("default")
        named = SearchSpec.model_fields[section].annotation
        fields = getattr(named, "model_fields", None)  # an optional section is a union, which has none
        unnamed = fields["name"].default if fields else None
        variants = [_variant(name, config, may_be_unnamed=name == unnamed) for name, config in registry.items()]
        if section == "space":
            variants.append(_OPEN)
        for variant in variants:
            whole["$defs"].update(variant.pop("$defs", {}))
        properties[section] = {"oneOf": variants, "description": properties[section].get("description", "")}
        if default is not None:
            properties[section]["default"] = default
    for unused in ("Named", "NamedEstimation"):
        whole["$defs"].pop(unused, None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "title": "Search"}


def _variant(name: str, config: type[BaseModel], *, may_be_unnamed: bool) -> dict[str, Any]:
    """Return the schema of a section that names the algorithm `name`, or means it where it names none."""
    variant = config.model_json_schema()
    variant["properties"] = {"name": {"const": name}, **variant.get("properties", {})}
    variant["required"] = [*([] if may_be_unnamed else ["name"]), *variant.get("required", [])]
    return variant
