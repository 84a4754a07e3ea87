"""The environment of a pod that KFP made: which of its variables are ours, and which are of KFP's own plugins.

KFP's plugin for MLflow gives each task MLFLOW_TRACKING_URI and the like, and a KFP behind a proxy gives it the proxy's. A pod in
which we set the same name from a Secret or a ConfigMap is invalid. KFP's own process in the pod reads AWS_CA_BUNDLE, and its
store is another one. So ours come as ARCHSMITH_MLFLOW_TRACKING_URI, and get their names in the step: what the search file and
the ConfigMap `archsmith-store` say comes before what a plugin says.
"""

import re
from collections.abc import Mapping, MutableMapping

PREFIX = "ARCHSMITH_"
"""Before the names of variables that somebody else may set too."""

_SHARED = re.compile(r"MLFLOW_\w+|AWS_CA_BUNDLE|(?:https?|no|all)_proxy|(?:HTTPS?|NO|ALL)_PROXY")

_PLUGIN = (
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_WORKSPACE",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
"""What means something on the server that a plugin names, and nothing on another one."""


def in_kfp_pod(environ: Mapping[str, str]) -> bool:
    """Tell whether this is a pod of KFP, which says there what the pod is called."""
    return "KFP_POD_NAME" in environ


def carried(name: str) -> str:
    """Return what a variable is called in a pod that KFP makes."""
    return f"{PREFIX}{name}" if _SHARED.fullmatch(name) else name


def settle(environ: MutableMapping[str, str]) -> None:
    """Give our variables their names, before those that a plugin has set; elsewhere than in KFP's pods, there are none."""
    ours = {
        name.removeprefix(PREFIX): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and _SHARED.fullmatch(name.removeprefix(PREFIX))
    }
    server = environ.get("MLFLOW_TRACKING_URI")
    if ours.get("MLFLOW_TRACKING_URI", server) != server:
        for name in _PLUGIN:
            environ.pop(name, None)
    environ.update(ours)
