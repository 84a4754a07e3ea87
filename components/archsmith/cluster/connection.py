"""How Kubeflow Pipelines is reached, and who we are there: a ServiceAccount's token, a token of one's own, a kubeconfig.

A token is read anew for each request, since the kubelet replaces those of a ServiceAccount every hour or so.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import kfp_server_api
import urllib3

from archsmith.cluster.kubeconfig import load
from archsmith.errors import AccessDeniedError, PermanentError
from archsmith.machine import environment

Token = Callable[[], str]
"""Gives the token of the next request."""

TOKEN_PATH = "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105  the name of the variable
"""The variable that names the file of a ServiceAccount's token, whose audience is pipelines.kubeflow.org."""

MOUNTED = "/var/run/secrets/kubeflow/pipelines/token"
"""Where KFP's documentation has that token mounted."""


def direct(url: str, token: Token | None = None) -> kfp_server_api.Configuration:
    """Return the settings of a client that speaks with `url` itself.

    Args:
        url: The API server of KFP, or what passes requests on to it, such as http://ml-pipeline.kubeflow:8888.
        token: Gives the bearer token; none is sent where it is left out.
    """
    configuration = _configuration(checked(url))
    if through := environment.proxy(url):
        configuration.proxy, configuration.proxy_headers = through, environment.proxy_headers(through)
    if token is not None:
        configuration.api_key["authorization"] = ""  # what makes the client ask the hook
        configuration.api_key_prefix["authorization"] = "Bearer"
        configuration.refresh_api_key_hook = lambda used: used.api_key.update(authorization=token())
    return configuration


def through_kubeconfig(url: str, context: str | None = None) -> kfp_server_api.Configuration:
    """Return the settings of a client that goes through the API server of Kubernetes, as `kubectl` does.

    Args:
        url: KFP as a pod would call it, http://SERVICE.NAMESPACE:PORT.
        context: The context of the kubeconfig; its current one where it is left out.

    Raises:
        PermanentError: There is no kubeconfig, or it has no such context.
    """
    configuration = _configuration("")
    load(configuration, context)
    host, refresh = f"{configuration.host.rstrip('/')}{service_path(url)}", configuration.refresh_api_key_hook

    def refreshed(used: kfp_server_api.Configuration) -> None:
        refresh(used)
        # The kubeconfig's hook sets it back to the API server itself, and itself into the place of this one.
        used.host, used.refresh_api_key_hook = host, refreshed

    configuration.host, configuration.refresh_api_key_hook = host, refreshed
    return configuration


def service_path(url: str) -> str:
    """Return the path under which the API server of Kubernetes passes requests on to the Service of `url`."""
    parts = urlsplit(checked(url))
    service, dot, rest = (parts.hostname or "").partition(".")
    if not dot or service.isdigit():
        raise PermanentError(
            f"The URL of Kubeflow Pipelines is {url!r}, but with a kubeconfig must be http://SERVICE.NAMESPACE:PORT, "
            "such as http://ml-pipeline.kubeflow:8888."
        )
    namespace = rest.partition(".")[0]
    scheme = "https:" if parts.scheme == "https" else ""
    return f"/api/v1/namespaces/{namespace}/services/{scheme}{service}:{parts.port or 'http'}/proxy{parts.path.rstrip('/')}"


def namespace_of(url: str) -> str | None:
    """Return the namespace of the Service that `url` names; None where it names none, such as http://localhost:8888."""
    host = (urlsplit(checked(url)).hostname or "").removesuffix(".cluster.local")
    service, *rest = host.split(".")
    is_service = len(rest) == 1 or (len(rest) == 2 and rest[1] == "svc")
    return rest[0] if is_service and service and not rest[0].isdigit() else None


def checked(url: str) -> str:
    """Return `url` without a slash at its end; raises `PermanentError` where it is none."""
    url = url.strip()
    if not environment.is_http(url) or "@" in url:
        raise PermanentError(
            f"The URL of Kubeflow Pipelines is {environment.without_password(url)!r}, but must begin with http:// or "
            "https:// and hold no password, such as http://ml-pipeline.kubeflow:8888."
        )
    return url.rstrip("/")


def token_of_variable(name: str, environ: Mapping[str, str] = os.environ) -> Token:
    """Return what reads the token from an environment variable."""

    def read() -> str:
        if token := environment.key(environ.get(name, ""), f"The variable {name}"):
            return token
        raise AccessDeniedError(f"The variable {name} is not set, but must hold the token for Kubeflow Pipelines.")

    return read


def token_of_file(path: str) -> Token:
    """Return what reads the token from a file."""

    def read() -> str:
        try:
            token = environment.key(Path(path).read_text(encoding="utf-8"), f"The file {path}")
        except (OSError, UnicodeDecodeError) as error:
            raise AccessDeniedError(f"The token for Kubeflow Pipelines can't be read from {path}: {error}.") from error
        if not token:
            raise AccessDeniedError(f"The file {path} is empty, but must hold the token for Kubeflow Pipelines.")
        return token

    return read


def token_of_pod(environ: Mapping[str, str] = os.environ, mounted: str = MOUNTED) -> Token | None:
    """Return what reads the token of this pod's ServiceAccount; None where none is mounted for KFP."""
    if named := environ.get(TOKEN_PATH):
        return token_of_file(named)
    return token_of_file(mounted) if Path(mounted).exists() else None


def _configuration(host: str) -> kfp_server_api.Configuration:
    """Return settings with no retries of their own: whoever calls knows what may be sent twice."""
    configuration = kfp_server_api.Configuration(host=host)
    configuration.retries = urllib3.Retry(total=0, redirect=0, raise_on_redirect=False)
    configuration.ssl_ca_cert = environment.certificates()
    return configuration
