"""The search that an object is, and the digest of the work that it asks for."""

from types import MappingProxyType
from typing import Any

import pytest

from archsmith.cluster.controller.order import digest, search_of
from archsmith.errors import SpecError
from archsmith.search import parse
from archsmith.testing.searches import TINY

MakeBody = Any  # a fixture of the tests around these


def test_an_object_is_the_search_of_its_file(body: MakeBody) -> None:
    assert search_of(body()).object == parse(TINY).object


def test_the_text_of_the_search_is_a_search_file(body: MakeBody) -> None:
    search = search_of(body(schedule="0 2 * * *", cluster={"queue": "größe"}))
    assert parse(search.text).object == search.object


def test_a_view_that_is_no_dict_will_do(body: MakeBody) -> None:
    made = body()
    view = MappingProxyType({**made, "spec": MappingProxyType(made["spec"])})
    assert search_of(view).object == parse(TINY).object
    assert digest(view) == digest(made)


def test_what_kubernetes_adds_to_the_metadata_is_not_part_of_the_search(body: MakeBody) -> None:
    made = body()
    made["metadata"] |= {"labels": {"a": "b"}, "managedFields": [{}], "resourceVersion": "7", "finalizers": ["f"]}
    assert search_of(made).object == parse(TINY).object


def test_a_wrong_object_is_named_in_the_error(body: MakeBody) -> None:
    with pytest.raises(SpecError, match="the object tiny"):
        search_of(body(budget={"trails": 3}))


@pytest.mark.parametrize("change", [{"suspend": True}, {"ttl": "7d"}, {"on_delete": "remove"}])
def test_what_says_nothing_of_the_work_leaves_the_digest(change: dict[str, Any], body: MakeBody) -> None:
    assert digest(body(**change)) == digest(body())


@pytest.mark.parametrize(
    "change",
    [
        {"cluster": {"engine": "auto", "gpu_resource": "nvidia.com/gpu", "retries": 3}, "storage": {}, "seed": 0},
        {"cluster": {"env": [], "node_selector": {}}, "training": {"optimizer": "sgd", "augment": []}},
    ],
)
def test_defaults_that_kubernetes_writes_leave_the_digest(change: dict[str, Any], body: MakeBody) -> None:
    plain = body()
    plain["spec"] = {key: value for key, value in plain["spec"].items() if key not in change}
    assert digest({**plain, "spec": {**plain["spec"], **change}}) == digest(plain)


@pytest.mark.parametrize("change", [{"seed": 1}, {"budget": {"trials": 7, "rounds": 3}}, {"schedule": "0 2 * * *"}])
def test_other_work_has_another_digest(change: dict[str, Any], body: MakeBody) -> None:
    assert digest(body(**change)) != digest(body())


def test_the_order_of_keys_is_no_difference(body: MakeBody) -> None:
    made = body()
    turned = {**made, "spec": dict(reversed(made["spec"].items()))}
    assert digest(turned) == digest(made)
