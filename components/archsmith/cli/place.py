"""Where a search is: in a store that is opened here, or on a cluster, as an object of Kubernetes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from archsmith.cli.command import found
from archsmith.errors import ArchsmithError, NotFoundError

if TYPE_CHECKING:
    from archsmith.cluster.kube import Kube
    from archsmith.cluster.kube_api import Object
    from archsmith.search import Search
    from archsmith.stores.folder import SearchFolder


@dataclass(frozen=True, slots=True)
class InStore:
    """A search in a store."""

    folder: "SearchFolder"
    """Its folder."""
    uri: str
    """URI of the store."""

    @property
    def search(self) -> "Search":
        """It; raises `CorruptObjectError` where its file is damaged, which the rest of its folder need not be."""
        from archsmith.opening import read_search

        return read_search(self.folder, runs_here=False)


@dataclass(frozen=True, slots=True)
class OnCluster:
    """A search that a cluster runs."""

    kube: "Kube"
    """Its namespace."""
    object: "Object"
    """It, as it was when it was found."""

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.object["metadata"]["name"])


def place_of(name: str, store: str | None, namespace: str | None, context: str | None) -> InStore | OnCluster:
    """Look for a search: where the options say, else in the store of this machine, and then on the cluster.

    Raises:
        NotFoundError: It is nowhere; the message names the places.
    """
    if store and (namespace or context):
        raise click.UsageError("Give either --store or --namespace and --context: a search is looked for in one place.")
    if namespace or context:
        from archsmith.cluster.kube import connect

        return find_on(connect(context, namespace), name)
    try:
        return InStore(*found(name, store))
    except NotFoundError as error:
        if store:
            raise
        return _elsewhere(name, error)


def find_on(kube: "Kube", name: str) -> OnCluster:
    """Return a search of a namespace; raises `NotFoundError` where there is none of that name."""
    try:
        return OnCluster(kube, kube.search(name))
    except NotFoundError as error:
        names = ", ".join(sorted(found["metadata"]["name"] for found in kube.searches())) or "none"
        where = f"in the namespace {kube.namespace!r} of the cluster {kube.server}"
        raise NotFoundError(f"There is no search {name!r} {where}; it has: {names}.") from error


def _elsewhere(name: str, not_here: NotFoundError) -> OnCluster:
    """Look for a search on the cluster, if this machine knows one; tell both places where it is in neither."""
    from archsmith.cluster import kubeconfig
    from archsmith.cluster.kube import connect

    if not kubeconfig.is_reachable():
        raise NotFoundError(f"{not_here} No cluster was asked, as there is no kubeconfig.")
    try:
        return find_on(connect(), name)
    except ArchsmithError as error:
        raise type(error)(f"{not_here} On the cluster: {error}") from None
