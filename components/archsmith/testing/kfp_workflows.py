"""What becomes of a run that KFP has taken: its Workflow, and what Argo and Kubernetes say of it, which KFP does not pass on."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Record = dict[str, Any]

LONGEST_TEMPLATE = 131_072
"""Bytes of a pod's template that Argo passes on in a variable; a longer one goes into a ConfigMap."""

FORBIDDEN = (
    'configmaps is forbidden: User "system:serviceaccount:kubeflow:argo" cannot create resource "configmaps" in API group "" '
    'in the namespace "kubeflow"'
)
"""What Argo says of it, with the rights that KFP's manifests give it."""

INVALID_POD = (
    'Pod "{name}" is invalid: spec.containers[0].env[{k}].valueFrom: Invalid value: "": may not be specified when `value` is '
    "not empty"
)
"""What Kubernetes says of a variable that has a value and a source of one."""


def why_it_fails(run: Record, plugin: Mapping[str, str]) -> str:
    """Return why a run can't begin, as its Workflow says it; empty where it can.

    Args:
        run: The run, as it was submitted.
        plugin: The variables that a plugin of KFP gives each task.
    """
    if "pipeline_spec" not in run:
        return ""
    if root_template_bytes(run) > LONGEST_TEMPLATE:
        return FORBIDDEN
    for k, name in enumerate(variables(run)):
        if name in plugin:
            return INVALID_POD.format(name=run["display_name"], k=k)
    return ""


def root_template_bytes(run: Record) -> int:
    """Return the size of the template of the root's driver: the root as an argument, and that of the run's own parameters."""
    root = run["pipeline_spec"]["pipeline_spec"]["root"]
    arguments = [_compact(root), _compact(run.get("runtime_config", {}))]
    return len(_compact({"inputs": {"parameters": [{"name": str(k), "value": text} for k, text in enumerate(arguments)]}}))


def variables(run: Record) -> Iterator[str]:
    """Yield the variables that the tasks of a run take from a Secret or a ConfigMap."""
    platforms = run["pipeline_spec"].get("platform_spec", {}).get("platforms", {})
    executors = platforms.get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    for executor in executors.values():
        for source in (*executor.get("secretAsEnv", ()), *executor.get("configMapAsEnv", ())):
            for pair in source.get("keyToEnv", ()):
                yield pair["envVar"]


def _compact(value: Any) -> str:
    """Return JSON as Go's `encoding/json` writes it, which escapes what means something in HTML."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    for sign in "&<>\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
