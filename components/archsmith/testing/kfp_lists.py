"""What KFP's lists can be asked for: the keys of filters and the order, with the words of its refusals."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from archsmith.testing.kfp_messages import Refuse

Record = dict[str, Any]

KEYS: Mapping[str, frozenset[str]] = {
    "runs": frozenset(
        {
            "run_id",
            "display_name",
            "created_at",
            "finished_at",
            "description",
            "scheduled_at",
            "storage_state",
            "namespace",
            "experiment_id",
            "state",
            "recurring_run_id",
            "pipeline_id",
        }
    ),
    "recurringruns": frozenset({"recurring_run_id", "display_name", "created_at", "description", "namespace", "experiment_id"}),
    "experiments": frozenset({"experiment_id", "display_name", "created_at", "description", "namespace"}),
}
"""The keys that KFP's API server knows of each kind; it refuses a filter with another one."""

_OPERATIONS: Mapping[str, tuple[str, Callable[[str, Any], bool]]] = {
    "EQUALS": ("stringValue", lambda has, wanted: has.lower() == wanted.lower()),
    "NOT_EQUALS": ("stringValue", lambda has, wanted: has.lower() != wanted.lower()),
    "IN": ("stringValues", lambda has, wanted: has.lower() in [value.lower() for value in wanted["values"]]),
    "IS_SUBSTRING": ("stringValue", lambda has, wanted: wanted.lower() in has.lower()),
    "GREATER_THAN_EQUALS": ("timestampValue", lambda has, wanted: has >= wanted),
}
"""The field of an operation's value, and what it compares; times of RFC 3339 in UTC compare as texts."""


def matching(records: Iterable[Record], kind: str, query: Mapping[str, str], refuse: Refuse) -> list[Record]:
    """Return the records that a list has, in its order.

    Args:
        records: All that are kept, oldest first.
        kind: The place of the list in the API.
        query: The parameters of the request.
        refuse: Makes an error of a status and a message.
    """
    found = list(records)
    for predicate in json.loads(query.get("filter", "{}")).get("predicates", []):
        key, operation = predicate["key"], predicate["operation"]
        if key not in KEYS[kind]:
            raise refuse(400, f'InvalidInputError: no support for filtering on unrecognized field "{key}"')
        if operation not in _OPERATIONS or _OPERATIONS[operation][0] not in predicate:
            raise refuse(400, f"InvalidInputError: operation {operation!r} with {sorted(predicate)}")
        value, compare = predicate[_OPERATIONS[operation][0]], _OPERATIONS[operation][1]
        found = [record for record in found if compare(str(record.get(key, "")), value)]
    if experiment := query.get("experiment_id"):
        found = [record for record in found if record.get("experiment_id") == experiment]
    key, _, direction = query.get("sort_by", "created_at asc").partition(" ")
    if key not in KEYS[kind]:
        raise refuse(400, f'InvalidInputError: Cannot sort on field "{key}"')
    return sorted(found, key=lambda record: str(record.get(key, "")), reverse=direction == "desc")
