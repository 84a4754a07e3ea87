"""Tasks of the same kind share a component in the compiled pipeline.

KFP's compiler writes a component and an executor for each task, though those of all `estimate` tasks are the same. KFP's
backend has one object of Kubernetes hold the whole pipeline, with every component's settings for Kubernetes in it; sharing
them keeps that object small, whatever the number of rounds.
"""

import json
from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def share_components(spec: Document, platform: Document) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a flat pipeline's IR and its settings for platforms, with equal components written once.

    Args:
        spec: The IR, a `PipelineSpec` as JSON; it is left as it is.
        platform: Its `PlatformSpec` as JSON.
    """
    executors = spec["deploymentSpec"]["executors"]
    first: dict[str, str] = {}
    instead: dict[str, str] = {}
    for name in sorted(spec["components"], key=lambda name: (len(name), name)):
        component = spec["components"][name]
        label = component["executorLabel"]
        meaning = json.dumps([{**component, "executorLabel": ""}, executors[label], _settings(platform, label)], sort_keys=True)
        instead[name] = first.setdefault(meaning, name)
    components = {name: spec["components"][name] for name in first.values()}
    labels = {component["executorLabel"] for component in components.values()}
    tasks = {
        name: {**task, "componentRef": {"name": instead[task["componentRef"]["name"]]}}
        for name, task in spec["root"]["dag"]["tasks"].items()
    }
    shared = {
        **spec,
        "components": components,
        "deploymentSpec": {**spec["deploymentSpec"], "executors": _only(executors, labels)},
        "root": {**spec["root"], "dag": {**spec["root"]["dag"], "tasks": tasks}},
    }
    return shared, {"platforms": {name: _with_only(p, labels) for name, p in platform.get("platforms", {}).items()}}


def _settings(platform: Document, label: str) -> list[Any]:
    """Return an executor's settings on each platform."""
    platforms = platform.get("platforms", {})
    return [[name, p.get("deploymentSpec", {}).get("executors", {}).get(label)] for name, p in platforms.items()]


def _with_only(platform: Document, labels: set[str]) -> dict[str, Any]:
    deployment = platform.get("deploymentSpec", {})
    return {**platform, "deploymentSpec": {**deployment, "executors": _only(deployment.get("executors", {}), labels)}}


def _only(executors: Document, labels: set[str]) -> dict[str, Any]:
    return {label: executor for label, executor in executors.items() if label in labels}
