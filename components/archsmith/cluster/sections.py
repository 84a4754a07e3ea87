"""The sections that belong to an algorithm, as a structural schema: the settings of all the algorithms side by side.

Which settings go with which algorithm, a structural schema can't say: the admission policy does. What is named is open, because
other distributions bring along more; the settings of spaces are, too. A setting of another distribution's strategy, estimator
or stopper that is called as one of ours is the same kind of value.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from archsmith.cluster.structural import PRESERVE, structural

Schema = Mapping[str, Any]

OPEN = ("space",)
"""Sections of which the settings are not checked here, but by the admission policy."""

_VAGUE = ("default", "description", "title")
"""What may differ where two algorithms mean the same kind of value by a key."""


def section(name: str, schema: Schema, whole: Schema) -> dict[str, Any]:
    """Return the structural schema of a section.

    Args:
        name: Its key in `spec`.
        schema: Its JSON schema: `oneOf`, with a member an algorithm.
        whole: Where its references lead.
    """
    variants: Sequence[Schema] = schema["oneOf"]
    names = [variant["properties"]["name"]["const"] for variant in variants]
    # The one algorithm that need not be named is meant where no name is given.
    unnamed = [n for n, variant in zip(names, variants, strict=True) if "name" not in variant["required"]]
    said = f"Which one: {', '.join(names)}, or one that the image has beside these."
    which: dict[str, Any] = {"type": "string", "description": said}
    which |= {"maxLength": 63}
    which |= {"default": unnamed[0]} if unnamed else {}
    made: dict[str, Any] = {"type": "object", "description": schema["description"]}
    made |= {"default": schema["default"]} if "default" in schema else {}
    made |= {"properties": {"name": which, **({} if name in OPEN else _settings(variants, whole))}, PRESERVE: True}
    return made if unnamed else {**made, "required": ["name"]}


def _settings(variants: Sequence[Schema], whole: Schema) -> dict[str, Any]:
    """Return the settings that are the same kind of value in every algorithm that has them; the others stay open."""
    kinds: dict[str, list[Schema]] = {}
    for variant in variants:
        for key, value in variant["properties"].items():
            if key != "name":
                kinds.setdefault(key, []).append(value)
    return {key: _setting(values, whole) for key, values in kinds.items()}


def _setting(values: Sequence[Schema], whole: Schema) -> dict[str, Any]:
    bare = [{key: inner for key, inner in value.items() if key not in _VAGUE} for value in values]
    if any(value != bare[0] for value in bare):
        return {PRESERVE: True}
    try:
        made = structural(bare[0], whole, {})
    except ValueError:  # a union, or a model that holds itself
        return {PRESERVE: True}
    described = [value["description"] for value in values if "description" in value]
    return {**made, "description": described[0]} if len(set(described)) == 1 else made
