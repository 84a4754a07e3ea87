"""The search that an object is, and the digest of the work that it asks for."""

import json
from types import MappingProxyType
from typing import Any

import pytest

from archsmith.cli.clusters import manifest
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


LOOK_LIKE_OTHERS = ("1e3", "09", "yes", "0x10", "1_000", "2026-01-01", "null", "true", "~", "1:30", ".5", "", "0o17", "y")


def test_text_stays_text_in_the_controller_and_in_the_pod_whatever_it_looks_like(body: MakeBody) -> None:
    labels = {f"k{k}": text for k, text in enumerate(LOOK_LIKE_OTHERS)} | dict.fromkeys(LOOK_LIKE_OTHERS, "x")
    search = search_of(body("1e3", cluster={"node_selector": labels, "image": "2026-01-01"}))
    in_the_pod = parse(search.text)
    for found in (search, in_the_pod):
        assert (found.name, found.spec.cluster.node_selector, found.spec.cluster.image) == ("1e3", labels, "2026-01-01")


@pytest.mark.parametrize("name", ["1e3", "007", "0x10", "no", "null", "2026-01-01", "0b1", "1e-3"])
def test_a_name_that_looks_like_a_number_is_submitted_as_that_name(name: str) -> None:
    file = TINY.replace("{name: tiny}", f'{{name: "{name}"}}').replace("{enabled: false}", f'{{experiment: "{name}"}}')
    wanted = manifest(parse(file), "team", None, None)
    sent = json.loads(json.dumps(wanted))
    search = search_of({**sent, "metadata": {**sent["metadata"], "uid": "u", "generation": 1}})
    assert (search.name, search.spec.tracking.experiment, parse(search.text).object) == (name, name, search.object)


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
    with pytest.raises(SpecError) as caught:
        search_of(body(budget={"trails": 3}, objectives=[{"metric": "accuracy", "goal": "up"}]))
    budget, objectives = sorted(str(caught.value).splitlines())
    assert budget.startswith("the object tiny: spec.budget.trails: unknown key; valid here: minutes, rounds, trainings, trials.")
    assert objectives.startswith("the object tiny: spec.objectives[0].goal: got 'up', but must be one of")


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
