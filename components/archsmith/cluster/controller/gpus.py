"""Whether a node offers the GPUs that a search asks for."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

Node = Mapping[str, Any]

_KEEPS_PODS_OUT = ("NoSchedule", "NoExecute")


def offered(
    nodes: Iterable[Node], resource: str, count: int, selector: Mapping[str, str], tolerations: Sequence[Mapping[str, Any]]
) -> bool:
    """Tell whether a node that the pod may run on has so many GPUs, busy or not.

    Args:
        nodes: The nodes of the cluster.
        resource: What the cluster calls a GPU, such as nvidia.com/gpu.
        count: GPUs of a pod, >= 1.
        selector: Labels that the node must have.
        tolerations: Taints that the pod tolerates.
    """
    return any(
        _amount(node.get("status", {}).get("allocatable", {}).get(resource, 0)) >= count
        and not node.get("spec", {}).get("unschedulable", False)
        and selector.items() <= node["metadata"].get("labels", {}).items()
        and all(_tolerated(taint, tolerations) for taint in node.get("spec", {}).get("taints") or ())
        for node in nodes
    )


def _amount(quantity: Any) -> Decimal:
    """Return a quantity, as Kubernetes writes it: 8, 1k, 1e3; nothing where it is none."""
    from kubernetes.utils.quantity import parse_quantity

    try:
        amount = Decimal(parse_quantity(quantity))
    except ValueError:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


def _tolerated(taint: Mapping[str, Any], tolerations: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a taint lets the pod in, as Kubernetes compares them."""
    if taint.get("effect") not in _KEEPS_PODS_OUT:
        return True
    return any(_covers(t, taint) for t in tolerations if t.get("effect") in (None, "", taint["effect"]))


def _covers(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """Tell whether a toleration is about the key and the value of a taint."""
    exists = toleration.get("operator") == "Exists"
    if not toleration.get("key"):
        return exists
    return toleration["key"] == taint["key"] and (exists or (toleration.get("value") or "") == (taint.get("value") or ""))
