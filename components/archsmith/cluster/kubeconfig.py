"""Which cluster is meant, and who we are there: a pod's ServiceAccount, or a context of the kubeconfig."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

from archsmith.errors import PermanentError
from archsmith.machine import container, environment

MOUNTED = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod has its ServiceAccount's token, certificate and namespace."""

_HINT = "KUBECONFIG names the file, else it is ~/.kube/config; `kubectl config get-contexts` shows what it holds."


@dataclass(frozen=True, slots=True)
class Access:
    """A way to a cluster."""

    configuration: Any
    """The settings of a client of `kubernetes`."""
    namespace: str
    """The namespace that is meant where none is named."""
    context: str | None = None
    """The context of the kubeconfig, named even where it is the current one, which may be another one soon; None in a pod."""
    in_pod: bool = False
    """Whether we are in a pod of it, where the names of its services are known."""


def is_reachable() -> bool:
    """Tell whether there is a kubeconfig or a ServiceAccount here at all."""
    return _in_pod() or any(path.is_file() for path in _files())


def access(context: str | None = None) -> Access:
    """Return the way to the cluster: that of the pod we are in, else that of the kubeconfig.

    Args:
        context: A context of the kubeconfig, also in a pod; the current one where it is left out.

    Raises:
        PermanentError: There is neither, or the kubeconfig has no such context.
    """
    from kubernetes import client

    configuration = client.Configuration()
    # Nothing is sent twice here: whoever calls knows what may be.
    configuration.retries = urllib3.Retry(total=0, redirect=0, raise_on_redirect=False)
    # A ServiceAccount is what is left where no one has named a kubeconfig.
    if context is None and not os.environ.get("KUBECONFIG") and _in_pod():
        return _of_pod(configuration)
    return _of_file(configuration, context)


def _in_pod() -> bool:
    return container.in_pod(os.environ) and (MOUNTED / "token").is_file()


def _files() -> list[Path]:
    named = os.environ.get("KUBECONFIG") or "~/.kube/config"
    return [Path(path).expanduser() for path in named.split(os.pathsep) if path]


def _of_pod(configuration: Any) -> Access:
    from kubernetes import config

    try:
        config.load_incluster_config(client_configuration=configuration)
        _clean_tokens(configuration, "The token of this pod's ServiceAccount")
        return Access(configuration, (MOUNTED / "namespace").read_text(encoding="utf-8").strip(), in_pod=True)
    except (config.ConfigException, OSError) as error:
        raise PermanentError(f"The ServiceAccount of this pod can't be used: {error}.") from error


def _of_file(configuration: Any, context: str | None) -> Access:
    chosen = load(configuration, context)
    return Access(configuration, str(chosen["context"].get("namespace") or "default"), chosen["name"])


def load(configuration: Any, context: str | None = None) -> Mapping[str, Any]:
    """Set where the cluster of a context is, who we are there, and the proxy on the way; return the context.

    Args:
        configuration: The settings of a client, of `kubernetes` or of `kfp_server_api`, which are alike.
        context: The context; the current one where it is left out.

    Raises:
        PermanentError: There is no kubeconfig, it can't be read, or has no such context.
    """
    from kubernetes import config

    file = os.pathsep.join(map(str, _files()))  # named here, as the package reads the variable only when it is imported
    try:
        config.load_kube_config(file, context=context, client_configuration=configuration, persist_config=False)
        contexts, active = config.list_kube_config_contexts(file)
    except (config.ConfigException, OSError) as error:
        said = re.sub(r"\{.*\}", "{...}", str(error), flags=re.DOTALL)  # an entry whole, with what it has of keys
        raise PermanentError(f"The kubeconfig can't be used: {said.rstrip('.')}. {_HINT}") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, KeyError):  # whose words may show what is in the file
        raise PermanentError(f"The kubeconfig can't be used: it is not the YAML of one. {_HINT}") from None
    chosen: Mapping[str, Any] = next(entry for entry in contexts if entry["name"] == context) if context else active
    _clean_tokens(configuration, "The token of the kubeconfig")
    if through := _proxy(chosen["context"]["cluster"], configuration.host):
        configuration.proxy, configuration.proxy_headers = through, environment.proxy_headers(through)
    return chosen


def _proxy(cluster: str, url: str) -> str | None:
    """Return the proxy on the way to a cluster: that of the kubeconfig, which the package passes over, or of the environment."""
    for path in filter(Path.is_file, _files()):
        for entry in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("clusters") or ():
            if entry["name"] == cluster:
                given = entry["cluster"].get("proxy-url")
                return environment.http_proxy(str(given), "the kubeconfig (`proxy-url`)") if given else environment.proxy(url)
    return environment.proxy(url)


def _clean_tokens(configuration: Any, name: str) -> None:
    """Take the white space off around the token, each time that it is read anew; a file may end with a newline."""
    refresh = configuration.refresh_api_key_hook

    def refreshed(used: Any) -> None:
        if refresh is not None:
            refresh(used)
            used.refresh_api_key_hook = refreshed  # the package's own hook puts itself in its place
        scheme, _, token = used.api_key.get("authorization", "").partition(" ")
        if token:
            used.api_key["authorization"] = f"{scheme} {environment.key(token, name)}"

    configuration.refresh_api_key_hook = refreshed
