"""What may go on of a search whose object goes, or whose engine the controller has no more, and who ends it."""

from collections.abc import Mapping
from typing import Any

from archsmith.cluster.controller.report import Event
from archsmith.errors import ArchsmithError


def left_by_what_is_no_search(body: Mapping[str, Any], error: ArchsmithError) -> tuple[Event, ...]:
    """Say what stays of a search whose spec was made invalid after it had begun; a Job goes with the object that owns it."""
    left = left_on_kfp(body)
    return (Event("Warning", "PodsLeft", f"{error} {left}"),) if left else ()


def left_on_kfp(body: Mapping[str, Any]) -> str:
    """Say what may go on of a search that nobody here can end; empty where it is known to have begun nothing there."""
    status, name = body.get("status") or {}, body["metadata"]["name"]
    if status.get("engine") != "kfp" or not (status.get("run") or {}).get("id"):
        return ""
    owner = f"{body['metadata']['namespace']}/{name}"
    return f"What it began on Kubeflow Pipelines may go on; `archsmith cancel {name} --kfp URL --owner {owner}` ends it."
