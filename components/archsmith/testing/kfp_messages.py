"""What KFP's API takes, checked against the messages of its own client and against the schema of its pipelines."""

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import kfp_server_api
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec
from kfp_server_api import models

_PRIMITIVES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "bool": (bool,), "datetime": (str,)}

Refuse = Callable[[int, str], Exception]
"""Makes an error of a status and a message."""


def check_message(raw: Any, message: str, refuse: Refuse) -> dict[str, Any]:
    """Return `raw`, what the message is as JSON, where KFP takes it.

    Args:
        raw: The body of a request.
        message: The name of its model in `kfp_server_api`.
        refuse: Makes the error.
    """
    mistakes = [*_mistakes(raw, message, message), *_pipeline_mistakes(raw)]
    if mistakes:
        raise refuse(400, f"InvalidInputError: {'; '.join(mistakes)}")
    read = kfp_server_api.ApiClient().deserialize(SimpleNamespace(data=json.dumps(raw)), message)
    back = kfp_server_api.ApiClient().sanitize_for_serialization(read)
    if back.keys() != raw.keys():
        raise refuse(400, f"InvalidInputError: {sorted(raw)} became {sorted(back)}")
    return dict(raw)


def _mistakes(value: Any, kind: str, path: str) -> list[str]:
    """Return what is wrong with a value that must be of a kind of the generated client."""
    if listed := re.fullmatch(r"list\[(.*)\]", kind):
        return [m for k, item in enumerate(value) for m in _mistakes(item, listed[1], f"{path}[{k}]")]
    if mapped := re.fullmatch(r"dict\(str, (.*)\)", kind):
        return [m for key, item in value.items() for m in _mistakes(item, mapped[1], f"{path}.{key}")]
    if kind in _PRIMITIVES:
        return [] if isinstance(value, _PRIMITIVES[kind]) else [f"{path} is {value!r}, but must be {kind}"]
    if kind == "object":
        return []
    model = getattr(models, kind)
    if not model.openapi_types:  # an enumeration
        allowed = [getattr(model, name) for name in dir(model) if name.isupper()]
        return [] if value in allowed else [f"{path} is {value!r}, but must be one of {allowed}"]
    kinds = {key: model.openapi_types[name] for name, key in model.attribute_map.items()}
    unknown = [f"{path}.{key} is unknown" for key in value if key not in kinds]
    return unknown + [m for key in value if key in kinds for m in _mistakes(value[key], kinds[key], f"{path}.{key}")]


def _pipeline_mistakes(raw: Any) -> list[str]:
    """Return what is wrong with the pipeline that a message holds, if it holds one."""
    if "pipeline_spec" not in raw:
        return []
    try:
        spec = json_format.ParseDict(raw["pipeline_spec"]["pipeline_spec"], PipelineSpec())
        json_format.ParseDict(raw["pipeline_spec"]["platform_spec"], PlatformSpec())
    except (json_format.ParseError, KeyError) as error:
        return [f"pipeline_spec: {error!r}"]
    given = set(raw.get("runtime_config", {}).get("parameters", {}))
    unknown = given - set(spec.root.input_definitions.parameters)
    return [f"runtime_config.parameters: {sorted(unknown)} are no inputs of the pipeline"] if unknown else []
