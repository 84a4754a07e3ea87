"""From an object of Kubernetes to the search that it is."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from archsmith.cluster.status import AGAIN, again
from archsmith.open_file import CHOSEN, is_open
from archsmith.search import Search, from_object
from archsmith.spec import API_VERSION, SearchSpec

_NOT_WORK = ("suspend", "ttl", "on_delete")
"""Keys of `spec` that say nothing of the work itself: changing them leaves alone what runs."""


def search_of(body: Mapping[str, Any]) -> Search:
    """Return the search of an object, or raise `SpecError`; of the metadata, only the name belongs to it."""
    name, spec = body["metadata"]["name"], plain_of(body["spec"])
    if is_open({"spec": spec}):  # the definition's defaults of what is chosen are nobody's wish
        spec = {key: value for key, value in spec.items() if key not in CHOSEN or not _is_default(key, value)}
    document = {"apiVersion": API_VERSION, "kind": "Search", "metadata": {"name": name}, "spec": spec}
    return from_object(document, source=f"the object {name}", runs_here=False)


def digest(body: Mapping[str, Any]) -> str:
    """Return a digest of the work that an object asks for, 10 hexadecimal digits.

    Defaults do not count: Kubernetes writes those of the resource's definition into each object, and a definition that has
    one more must not begin every search anew.
    """
    work = {key: value for key, value in _told(body["spec"], SearchSpec).items() if key not in _NOT_WORK}
    if asked := again(body):
        work[AGAIN] = asked
    return hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()[:10]


def _is_default(key: str, value: Any) -> bool:
    """Tell whether a section is what it is where it is left out."""
    default = SearchSpec.model_fields[key].get_default(call_default_factory=True)
    dumped = default.model_dump(mode="json", exclude_none=True) if isinstance(default, BaseModel) else default
    return bool(value == (list(dumped) if isinstance(dumped, tuple) else dumped))


def _told(given: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return what an object says beyond the defaults of the model that it is."""
    told = {}
    for key, value in given.items():
        field = model.model_fields.get(key)
        section = _model_of(field.annotation) if field else None
        plain = _told(value, section) if section and isinstance(value, Mapping) else plain_of(value)
        default = None if field is None or field.is_required() else field.get_default(call_default_factory=True)
        if plain not in ({}, plain_of(default)):
            told[key] = plain
    return told


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a field holds, or may hold."""
    candidates = (annotation, *get_args(annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def plain_of(value: Any) -> Any:
    """Return a value of plain dicts and lists; Kopf's views are neither for YAML nor for JSON."""
    if isinstance(value, Mapping):
        return {str(key): plain_of(inner) for key, inner in value.items()}
    return [plain_of(inner) for inner in value] if isinstance(value, (list, tuple)) else value
