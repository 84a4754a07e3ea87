"""The searches of a series as objects of Kubernetes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from archsmith.cluster.controller.manifests import owner_reference
from archsmith.cluster.controller.order import plain_of
from archsmith.cluster.controller.series import Champion, Child, timestamp
from archsmith.spec.series import name_at, spec_at

SERIES_LABEL = "archsmith.dev/series"
"""The label of a search that a series has begun: the name of the series."""

AT = "archsmith.dev/scheduled-at"
"""The annotation with the time of the schedule that a search is of."""

Body = Mapping[str, Any]


def selector(series: str) -> str:
    """Return what selects the searches of a series."""
    return f"{SERIES_LABEL}={series}"


def child_object(body: Body, at: datetime, warm_start: str = "") -> dict[str, Any]:
    """Return the search of a time, which goes with its series.

    Labels of the series are not passed on: who deploys it may take all that has them for its own.
    """
    metadata = body["metadata"]
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": {
            "name": name_at(metadata["name"], at),
            "namespace": metadata["namespace"],
            "labels": {SERIES_LABEL: metadata["name"]},
            "annotations": {AT: timestamp(at)},
            "ownerReferences": [owner_reference(body)],
        },
        "spec": spec_at(plain_of(body["spec"]), metadata["name"], warm_start),
    }


def is_child(found: Body, owner: Body) -> bool:
    """Tell whether a search belongs to this very series, and not to one of its name that is gone."""
    references = found["metadata"].get("ownerReferences") or ()
    return AT in (found["metadata"].get("annotations") or {}) and any(r["uid"] == owner["metadata"]["uid"] for r in references)


def child_of(found: Body) -> Child:
    """Read a search of a series."""
    metadata, status = found["metadata"], found.get("status") or {}
    at = datetime.fromisoformat(metadata["annotations"][AT])
    return Child(metadata["name"], at, str(status.get("phase") or ""), "deletionTimestamp" in metadata, _champion(found))


def _champion(found: Body) -> Champion | None:
    status = found.get("status") or {}
    promotion = status.get("promotion") or {}
    if promotion.get("alias") != "champion":
        return None
    accuracy = ((status.get("incumbent") or {}).get("test") or {}).get("test_accuracy")
    return Champion(found["metadata"]["name"], str(promotion.get("version") or ""), accuracy)
