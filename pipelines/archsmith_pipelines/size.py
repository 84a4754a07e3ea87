"""How large a pipeline is for Argo, which passes the whole graph to the first pod of a run as one argument.

The template of a pod goes into a variable of it, as JSON; one of more than 128 KiB goes into a ConfigMap, which the rights in
KFP's own manifests do not let Argo make. `archsmith.spec` has the same as a rule of thumb, for files that are only checked.
"""

import json
from collections.abc import Mapping
from typing import Any

LONGEST_TEMPLATE = 131_072
"""Bytes of a template that go into a variable: the kernel takes no longer one."""

AROUND = 1_500
"""Bytes of it beside the arguments."""


def template_bytes(pipeline_spec: Mapping[str, Any], parameters: Mapping[str, Any]) -> int:
    """Return the size of the template of a run's first pod.

    Args:
        pipeline_spec: The IR of the pipeline, as JSON.
        parameters: What the run is given.
    """
    arguments = (pipeline_spec["root"], {"parameters": parameters})
    return AROUND + sum(len(_json(_json(argument)).encode()) for argument in arguments)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
