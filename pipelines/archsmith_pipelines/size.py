"""How large a pipeline is for Argo, which passes the whole graph to the first pod of a run as one argument.

The template of a pod goes into a variable of it, as JSON; one of more than 128 KiB goes into a ConfigMap, which the rights in
KFP's own manifests do not let Argo make. `archsmith.spec` has the same as a rule of thumb, for files that are only checked.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from archsmith.errors import SpecError
from archsmith.search import Search

LONGEST_TEMPLATE = 131_072
"""Bytes of a template that go into a variable: the kernel takes no longer one."""

AROUND = 1_500
"""Bytes of it beside the arguments."""


def check_size(search: Search, pipeline_spec: Mapping[str, Any], store: str) -> None:
    """Raise `SpecError` for a pipeline that Argo can't begin."""
    size = template_bytes(pipeline_spec, {"search": search.text, "store": store})
    if size > LONGEST_TEMPLATE:
        raise SpecError(
            f"The search is {size} bytes as a pipeline, its file {len(search.text.encode())} of them, but Kubeflow Pipelines "
            f"takes at most {LONGEST_TEMPLATE}; leave `budget.rounds` out, or take fewer of them, fewer "
            "pods with more `resources.workers`, or a shorter file."
        )


def template_bytes(pipeline_spec: Mapping[str, Any], parameters: Mapping[str, Any]) -> int:
    """Return the size of the template of a run's first pod.

    Args:
        pipeline_spec: The IR of the pipeline, as JSON.
        parameters: What the run is given.
    """
    arguments = (pipeline_spec["root"], {"parameters": parameters})
    return AROUND + sum(len(_json(_json(argument)).encode()) for argument in arguments)


def _json(value: Any) -> str:
    """Return JSON as Go writes it: compact, and with what means something in HTML as six characters."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return re.sub("[&<>\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)
