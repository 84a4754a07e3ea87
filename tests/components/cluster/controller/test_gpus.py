"""Which nodes offer GPUs; taints and tolerations as the documentation of Kubernetes has them."""

from typing import Any

import pytest

from archsmith.cluster.controller.gpus import offered

GPU = "nvidia.com/gpu"


def node(
    gpus: str | None = "1", taints: list[dict[str, str]] | None = None, labels: dict[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    allocatable = {"cpu": "8", "memory": "32Gi", "pods": "110", **({GPU: gpus} if gpus else {})}
    given = {**spec, **({"taints": taints} if taints else {})}
    return {"metadata": {"name": "n", "labels": labels or {}}, "spec": given, "status": {"allocatable": allocatable}}


def tolerated(taint: dict[str, str], *tolerations: dict[str, Any]) -> bool:
    return offered([node(taints=[taint])], GPU, 1, {}, tolerations)


@pytest.mark.parametrize(
    ("has", "wanted", "there_is"),
    [
        ("1", 1, True),
        ("8", 4, True),
        ("1", 2, False),
        (None, 1, False),
        ("0", 1, False),
        ("1k", 1000, True),
        ("1e3", 1001, False),
        ("2.5", 2, True),
        ("0.5", 1, False),
        ("500m", 1, False),
        ("1Ki", 1024, True),
        (" 3 ", 3, True),
        ("many", 1, False),
        ("-1", 1, False),
        ("NaN", 1, False),
        ("Infinity", 1, False),
    ],
)
def test_one_node_must_have_all_of_them(has: str | None, wanted: int, there_is: bool) -> None:
    assert offered([node(None), node(has)], GPU, wanted, {}, ()) == there_is


def test_two_nodes_with_one_each_have_not_two() -> None:
    assert not offered([node("1"), node("1")], GPU, 2, {}, ())


def test_a_cluster_without_nodes_offers_nothing() -> None:
    assert not offered([], GPU, 1, {}, ())


def test_the_cluster_may_call_them_otherwise() -> None:
    amd = {"metadata": {"name": "n"}, "status": {"allocatable": {"amd.com/gpu": "2"}}}  # no spec, no labels
    assert offered([amd], "amd.com/gpu", 2, {}, ())
    assert not offered([amd], GPU, 1, {}, ())


def test_a_node_must_have_the_labels() -> None:
    zones = [node(labels={"zone": "a", "disk": "ssd"})]
    assert offered(zones, GPU, 1, {"zone": "a"}, ())
    assert not offered(zones, GPU, 1, {"zone": "b"}, ())
    assert not offered(zones, GPU, 1, {"zone": "a", "gpu": "yes"}, ())


def test_a_node_that_is_cordoned_takes_no_pods() -> None:
    assert not offered([node(unschedulable=True)], GPU, 1, {}, ())


@pytest.mark.parametrize(("effect", "keeps_out"), [("NoSchedule", True), ("NoExecute", True), ("PreferNoSchedule", False)])
def test_a_taint_keeps_pods_out_unless_it_is_a_preference(effect: str, keeps_out: bool) -> None:
    assert tolerated({"key": "key1", "value": "value1", "effect": effect}) != keeps_out


@pytest.mark.parametrize(
    ("toleration", "fits"),
    [
        ({"key": "key1", "operator": "Equal", "value": "value1", "effect": "NoSchedule"}, True),
        ({"key": "key1", "value": "value1", "effect": "NoSchedule"}, True),  # the operator defaults to Equal
        ({"key": "key1", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"operator": "Exists"}, True),  # an empty key with Exists matches everything
        ({"key": "", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"key": "key1", "operator": "Exists"}, True),  # an empty effect matches all effects
        ({"key": "key1", "operator": "Equal", "value": "value1", "effect": ""}, True),
        ({"key": "key1", "operator": "Equal", "value": "value2", "effect": "NoSchedule"}, False),
        ({"key": "key2", "operator": "Exists", "effect": "NoSchedule"}, False),
        ({"key": "key1", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "key1", "effect": "NoSchedule"}, False),
    ],
)
def test_a_toleration_fits_a_taint_as_kubernetes_compares_them(toleration: dict[str, Any], fits: bool) -> None:
    assert tolerated({"key": "key1", "value": "value1", "effect": "NoSchedule"}, toleration) == fits


def test_a_taint_without_a_value_is_equal_to_an_empty_one() -> None:
    assert tolerated({"key": "gpu", "effect": "NoSchedule"}, {"key": "gpu", "operator": "Equal", "value": ""})


def test_every_taint_must_be_tolerated() -> None:
    taints = [{"key": "a", "effect": "NoSchedule"}, {"key": "b", "effect": "NoExecute"}]
    one, both = [{"key": "a", "operator": "Exists"}], [{"key": k, "operator": "Exists"} for k in "ab"]
    assert not offered([node(taints=taints)], GPU, 1, {}, one)
    assert offered([node(taints=taints)], GPU, 1, {}, both)
