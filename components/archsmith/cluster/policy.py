"""The admission policy of searches: what a structural schema can't refuse, with the words of `archsmith check`.

Kubernetes drops unknown keys in silence unless the client asks it not to, and its schemas can't tie settings to the
algorithm that is named. Rules inside a schema don't see unknown keys either; those of a policy do.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archsmith.cluster.rules import POLICY_RULES
from archsmith.cluster.structural import PRESERVE

Schema = Mapping[str, Any]

POLICY = "searches.archsmith.dev"
"""The name of the policy and of its binding."""


def policy(structure: Schema, json_schema: Schema) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the policy and what binds it to all namespaces.

    Args:
        structure: The structural schema of `spec`.
        json_schema: The JSON schema of a search file, which knows the settings of every algorithm.
    """
    sections = json_schema["$defs"]["SearchSpec"]["properties"]
    ours = {name: schema["oneOf"] for name, schema in sections.items() if "oneOf" in schema}
    rules = {"apiGroups": ["archsmith.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"]}
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [{**rules, "resources": ["searches"]}]},
        # A search that an older version let in can still be labelled and deleted.
        "matchConditions": [{"name": "is-new", "expression": "request.operation == 'CREATE' || object.spec != oldObject.spec"}],
        "variables": [{"name": name, "expression": _settings(variants)} for name, variants in ours.items()],
        "validations": [
            *_closed("object", ["apiVersion", "kind", "metadata", "spec"], "", more=["status"]),
            *(item for path, keys in _objects(structure, "spec", ours) for item in _closed_at(path, keys)),
            *(item for name in ours for item in _section(name)),
            *(rule.at(path) for path, rules_there in POLICY_RULES.items() for rule in rules_there),
        ],
    }
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": POLICY}}
    binding = {"policyName": POLICY, "validationActions": ["Deny"]}
    return (
        {**head, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**head, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    )


def _objects(schema: Schema, path: str, sections: Schema) -> Iterator[tuple[str, list[str]]]:
    """Yield the path and the keys of each object; `[]` ends the path of a list's items."""
    if schema.get(PRESERVE) and schema.get("type") == "object":
        yield path, sorted(schema["properties"])
    for key, value in schema.get("properties", {}).items():
        if key not in sections:
            yield from _objects(value, f"{path}.{key}", sections)
    if "items" in schema:
        yield from _objects(schema["items"], f"{path}[]", sections)


def _closed_at(path: str, keys: list[str]) -> Iterator[dict[str, str]]:
    """Refuse other keys than `keys` in the object at `path`, or in each item of the list there."""
    there = f"object.{path.removesuffix('[]')}"
    guard = "".join(f"!has({part}) || " for part in _ancestors(there))
    if not path.endswith("[]"):
        yield from _closed(there, keys, path, guard)
        return
    yield {
        "expression": f"{guard}{there}.all(i, i.all(k, k in {keys}))",
        "messageExpression": f"'{path}.' + {there}.filter(i, !i.all(k, k in {keys}))[0].filter(k, !(k in {keys}))[0]"
        f" + ': unknown key; valid here: {', '.join(keys)}.'",
    }


def _closed(there: str, keys: list[str], path: str, guard: str = "", more: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Refuse other keys than `keys`, and than `more`, which are not for users to give."""
    known = [*keys, *more]
    begin = f"'{path}.' + " if path else ""
    yield {
        "expression": f"{guard}{there}.all(k, k in {known})",
        "messageExpression": f"{begin}{there}.filter(k, !(k in {known}))[0] + ': unknown key; valid here: {', '.join(keys)}.'",
    }


def _ancestors(there: str) -> list[str]:
    """Return the paths below `object` that lead to `there`, which may each be missing."""
    parts = there.split(".")
    return [".".join(parts[:n]) for n in range(2, len(parts) + 1)]


def _settings(variants: list[Schema]) -> str:
    """Write which keys each algorithm takes, and which it needs, as a CEL map."""
    taken = {v["properties"]["name"]["const"]: (sorted(v["properties"]), sorted(v["required"])) for v in variants}
    entries = (f"'{name}': {{'keys': {keys}, 'needs': {needs or ['name']}}}" for name, (keys, needs) in taken.items())
    return f"{{{', '.join(entries)}}}"


def _section(name: str) -> Iterator[dict[str, str]]:
    """Refuse settings that the named algorithm does not take, and a lack of those that it needs."""
    there, known = f"object.spec.{name}", f"variables.{name}[object.spec.{name}.name]"
    # What is not ours, the image of the search knows.
    guard = f"!has(object.spec) || !has({there}) || !has({there}.name) || !({there}.name in variables.{name}) || "
    yield {
        "expression": f"{guard}{there}.all(k, k in {known}.keys)",
        "messageExpression": f"'spec.{name}.' + {there}.filter(k, !(k in {known}.keys))[0] + ': unknown key; valid here: '"
        f" + {known}.keys.filter(k, k != 'name').join(', ') + '.'",
    }
    yield {
        "expression": f"{guard}{known}.needs.all(k, k in {there})",
        "messageExpression": f"'spec.{name}.' + {known}.needs.filter(k, !(k in {there}))[0]"
        " + ': the key is missing, but must be given.'",
    }
