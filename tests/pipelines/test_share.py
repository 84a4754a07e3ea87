import copy

from archsmith_pipelines.share import share_components

SPEC = {
    "components": {
        "comp-a": {"executorLabel": "exec-a", "inputDefinitions": {"parameters": {"n": {}}}},
        "comp-a-2": {"executorLabel": "exec-a-2", "inputDefinitions": {"parameters": {"n": {}}}},
        "comp-a-3": {"executorLabel": "exec-a-3", "inputDefinitions": {"parameters": {"n": {}}}},
        "comp-b": {"executorLabel": "exec-b", "inputDefinitions": {"parameters": {"m": {}}}},
    },
    "deploymentSpec": {"executors": {f"exec-{name}": {"container": {"image": "i"}} for name in ("a", "a-2", "a-3", "b")}},
    "root": {"dag": {"tasks": {name: {"componentRef": {"name": f"comp-{name}"}} for name in ("a", "a-2", "a-3", "b")}}},
}


def platform(**pools: str) -> dict:
    executors = {f"exec-{name.replace('_', '-')}": {"pool": pool} for name, pool in pools.items()}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def used(spec: dict) -> dict[str, str]:
    return {name: task["componentRef"]["name"] for name, task in spec["root"]["dag"]["tasks"].items()}


def test_tasks_of_equal_components_share_one_and_others_keep_theirs() -> None:
    before = copy.deepcopy(SPEC)
    spec, shared = share_components(SPEC, platform(a="x", a_2="x", a_3="y", b="x"))
    assert used(spec) == {"a": "comp-a", "a-2": "comp-a", "a-3": "comp-a-3", "b": "comp-b"}
    assert set(spec["components"]) == {"comp-a", "comp-a-3", "comp-b"}
    assert set(spec["deploymentSpec"]["executors"]) == {"exec-a", "exec-a-3", "exec-b"}
    assert shared == platform(a="x", a_3="y", b="x")
    assert before == SPEC


def test_a_pipeline_without_settings_for_platforms_is_shared_too() -> None:
    spec, shared = share_components(SPEC, {})
    assert used(spec) == {"a": "comp-a", "a-2": "comp-a", "a-3": "comp-a", "b": "comp-b"}
    assert shared == {"platforms": {}}
