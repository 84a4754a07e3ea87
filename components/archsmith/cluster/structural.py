"""From JSON schema to the structural schema that Kubernetes wants of a custom resource.

A structural schema gives each key one type, has no references and no unions of types, and writes exclusive bounds as
OpenAPI 3.0 does. None of its objects are closed: Kubernetes would drop an unknown key without a word, so every object keeps
its unknown keys, and the admission policy refuses them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from archsmith.cluster.rules import Rule

Schema = Mapping[str, Any]

PRESERVE = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING = "x-kubernetes-int-or-string"

_KEPT = (
    "type",
    "description",
    "enum",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)
"""What means the same in both."""


def structural(schema: Schema, whole: Schema, rules: Mapping[str, Sequence[Rule]]) -> dict[str, Any]:
    """Return `schema` as a structural schema.

    Args:
        schema: A JSON schema as pydantic makes them: of a value, or of a model.
        whole: Where its references lead: a schema with `$defs`.
        rules: The CEL rules of each model, by its name.

    Raises:
        ValueError: It is a union that a structural schema can't say, or has references that lead back to it.
    """
    return _Conversion(whole, rules).value(schema, ())


class _Conversion:
    """One conversion: what references mean, and the rules to put in."""

    def __init__(self, whole: Schema, rules: Mapping[str, Sequence[Rule]]) -> None:
        self._defs: Schema = whole.get("$defs", {})
        self._rules = rules

    def value(self, schema: Schema, within: tuple[str, ...]) -> dict[str, Any]:
        """Convert the schema of a value; `within` are the references that led to it."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in within:
                raise ValueError(f"The model {name} holds itself, but a structural schema can't; leave its section open.")
            return self.value({**self._defs[name], **_beside(schema, "$ref")}, (*within, name))
        for union in ("anyOf", "oneOf"):
            if union in schema and not _only_requires(schema[union]):
                return self._union(schema[union], _beside(schema, union), within)
        if "const" in schema:
            return self.value({"type": "string", "enum": [schema["const"]], **_beside(schema, "const")}, within)
        return self._plain(schema, within)

    def _union(self, members: Sequence[Schema], beside: Schema, within: tuple[str, ...]) -> dict[str, Any]:
        """Convert `X | None` and `int | Literal`; null means left out, which Kubernetes knows without being told."""
        real = [member for member in members if member.get("type") != "null"]
        if len(real) == 1:
            return self.value({**real[0], **beside}, within)
        if [member.get("type") for member in real] != ["integer", "string"]:
            raise ValueError(f"A structural schema can't say the union {list(members)}; leave its section open.")
        number, text = ({key: value for key, value in self.value(m, within).items() if key != "type"} for m in real)
        pattern = {"pattern": f"^({'|'.join(text.pop('enum'))})$"} if "enum" in text else {}
        # A bound holds for numbers only and a pattern for texts only, so the two stand side by side.
        return {INT_OR_STRING: True, **number, **text, **pattern, **self._plain(beside, within)}

    def _plain(self, schema: Schema, within: tuple[str, ...]) -> dict[str, Any]:
        made = {key: schema[key] for key in _KEPT if key in schema}
        for bound in ("minimum", "maximum"):
            exclusive = f"exclusive{bound.capitalize()}"
            if exclusive in schema:
                made |= {bound: schema[exclusive], exclusive: True}
        if schema.get("default") is not None:
            made["default"] = without_none(schema["default"])
        if "items" in schema:
            made["items"] = self.value(schema["items"], within)
        if schema.get("type") == "object":
            made |= self._object(schema, within)
        return made

    def _object(self, schema: Schema, within: tuple[str, ...]) -> dict[str, Any]:
        if isinstance(schema.get("additionalProperties"), Mapping):
            return {"additionalProperties": self.value(schema["additionalProperties"], within)}
        properties = {key: self.value(value, within) for key, value in schema.get("properties", {}).items()}
        made: dict[str, Any] = {"properties": properties, PRESERVE: True}
        if schema.get("required"):
            made["required"] = list(schema["required"])
        if rules := self._rules.get(schema.get("title", "")):
            made["x-kubernetes-validations"] = [rule.to_dict() for rule in rules]
        return made


def without_none(value: Any) -> Any:
    """Return `value` without the keys that are None: to Kubernetes, a key that is left out."""
    if isinstance(value, Mapping):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return [without_none(inner) for inner in value] if isinstance(value, list | tuple) else value


def _beside(schema: Schema, key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}


def _only_requires(members: Sequence[Schema]) -> bool:
    """Tell whether a union only says which keys must be there, which is a rule and no type."""
    return all(set(member) == {"required"} for member in members)
