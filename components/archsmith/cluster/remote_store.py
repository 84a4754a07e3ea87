"""The store of a search on a cluster, opened from wherever we are."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from archsmith.cluster.kube import Kube
from archsmith.cluster.port_forward import PortForward
from archsmith.errors import AccessDeniedError, NotFoundError, PermanentError
from archsmith.stores import Store, open_store

SETTINGS = "archsmith-store"
"""The ConfigMap that says where the store is, and the Secret that says who we are there, unless that one names another."""

_SECRET = "ARCHSMITH_STORE_SECRET"  # noqa: S105  the key that names it
_ENDPOINT = "ARCHSMITH_S3_ENDPOINT"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Inside:
    """A service of a cluster, as its URL names it."""

    service: str
    """Its name."""
    namespace: str
    """Its namespace."""
    port: int
    """Its port."""


@contextmanager
def remote_store(kube: Kube, search: Mapping[str, Any]) -> Iterator[tuple[Store, str]]:
    """Open the store of a search while the block lasts; give it and its URI.

    Where it is a service inside the cluster and we are not, `kubectl port-forward` leads there.

    Args:
        kube: The search's namespace.
        search: Its object.

    Raises:
        NotFoundError: The namespace does not say where the store is.
        AccessDeniedError: We may not read that, or not reach into the cluster.
        PermanentError: The store is not one that can be reached from here.
        UnavailableError: The cluster does not answer now, or the store does not run.
    """
    environ = _settings(kube)
    uri = search["spec"].get("storage", {}).get("uri") or environ.get("ARCHSMITH_STORE", "")
    if not uri.startswith("s3://"):
        raise PermanentError(f"The store of the search is {uri!r}, but from outside its pods only s3:// can be opened.")
    endpoint = environ.get(_ENDPOINT, "")
    service = None if kube.in_pod else inside(endpoint, kube.namespace)
    if service is None:
        yield open_store(uri, environ), uri
        return
    with PortForward(service.service, service.port, service.namespace, kube.context) as forward:
        local = f"{urlsplit(endpoint).scheme}://127.0.0.1:{forward.port}"
        yield open_store(uri, {**environ, _ENDPOINT: local}), uri


def inside(url: str, namespace: str) -> Inside | None:
    """Return the service that a URL names; None where it is not one of the cluster.

    Args:
        url: Such as http://minio.team.svc:9000; a name without a dot is one of `namespace`.
        namespace: Where the URL is used.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".cluster.local")
    name, *rest = host.split(".")
    if not name or name == "localhost" or ":" in host or (rest and (len(rest) != 2 or rest[1] != "svc")):
        return None
    return Inside(name, rest[0] if rest else namespace, parts.port or _PORTS.get(parts.scheme, 80))


def _settings(kube: Kube) -> Mapping[str, str]:
    try:
        places = kube.config_map(SETTINGS)
        # Where its name is empty, pods have a role in place of keys, and people have keys of their own.
        return {**places, **(kube.secret(secret) if (secret := places.get(_SECRET, SETTINGS)) else {})}
    except NotFoundError as error:
        hint = "Archsmith's chart makes it in its own namespace; a search in another one needs a copy of it."
        raise NotFoundError(f"{error} It says where the store is. {hint}") from None
    except AccessDeniedError as error:
        hint = f"Ask for the right to get the ConfigMap and the Secret {SETTINGS!r} there: they say where the store is."
        raise AccessDeniedError(f"{error} {hint}") from None
