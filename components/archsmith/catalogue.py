"""What there is to choose from: the algorithms of a registry, with their settings."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from archsmith.plugins import Installed


def describe_all(registry: Mapping[str, type[BaseModel]]) -> list[dict[str, Any]]:
    """Return name, summary and settings of each algorithm of a registry, ready for JSON."""
    return [
        {
            "name": name,
            "summary": (config.__doc__ or "").strip().partition("\n")[0],
            "settings": [_setting(field, info) for field, info in config.model_fields.items()],
        }
        for name, config in registry.items()
    ]


def describe_installed(registry: Installed[Any]) -> list[dict[str, Any]]:
    """Return the same of all that is installed, each with the distribution that brings it along, null of ours.

    What can't be used comes last, with its name and the error alone.
    """
    rows = describe_all(registry)
    for row in rows:
        row["distribution"] = registry.distribution(row["name"])
    return [*rows, *({"name": name, "error": error} for name, error in registry.broken.items())]


def _setting(name: str, info: FieldInfo) -> dict[str, Any]:
    default = None if info.is_required() else to_jsonable_python(info.get_default(call_default_factory=True))
    return {"name": name, "required": info.is_required(), "default": default, "about": info.description or ""}
