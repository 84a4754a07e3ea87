"""The objects of Kubernetes that a search consists of, in one namespace, as plain dicts."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from archsmith.cluster.kube_api import KubeApi, Object
from archsmith.cluster.kubeconfig import Access, access
from archsmith.errors import ConflictError, NotFoundError

Propagation = Literal["Foreground", "Background", "Orphan"]
"""What becomes of the pods of a job that is deleted: they go first, they go later, they stay."""


def connect(context: str | None = None, namespace: str | None = None) -> "Kube":
    """Return the cluster that we are in, or else that of the kubeconfig; nothing is sent yet.

    Args:
        context: A context of the kubeconfig; its current one where it is left out.
        namespace: The namespace; that of the pod or of the context where it is left out.

    Raises:
        PermanentError: There is neither a ServiceAccount nor a kubeconfig that has this context.
    """
    return Kube(access(context), namespace)


class Kube:
    """A namespace of a cluster, as far as searches are concerned.

    Nothing is sent twice, and every call ends after half a minute. Each method raises `UnavailableError` where the API
    server does not answer now, `AccessDeniedError` where it refuses us, `NotFoundError` where there is no such object,
    `ConflictError` where someone else was quicker, `SpecError` where admission refuses an object, and else
    `PermanentError`.

    Args:
        way: How the cluster is reached.
        namespace: The namespace; that of `way` where it is left out.
    """

    def __init__(self, way: Access, namespace: str | None = None) -> None:
        self._api = KubeApi(way, namespace)
        self.namespace, self.server = self._api.namespace, self._api.server
        self.context, self.in_pod = way.context, way.in_pod

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def search(self, name: str) -> Object:
        """Return a search."""
        return self._api.get("searches", name)

    def searches(self, selector: str = "") -> list[Object]:
        """Return the searches of the namespace, or those with the labels of `selector`."""
        return self._api.list("searches", selector)

    def create_search(self, body: Mapping[str, Any]) -> bool:
        """Make a search; tell whether it was made, or there is one of its name already."""
        try:
            self._api.create("searches", body)
        except ConflictError:
            return False
        return True

    def apply_search(self, wanted: Mapping[str, Any]) -> Object:
        """Make a search, or give the one of its name this spec, whole; return it as it is then.

        A field that is not in `wanted` gets its default again, as if the object were new: a search file says all of it.
        """
        return self._api.apply("searches", wanted)

    def patch_search(self, name: str, changes: Mapping[str, Any], *, status: bool = False) -> Object:
        """Change a search by a merge patch, or its status; return it as it is then."""
        return self._api.patch("searches", name, changes, status=status)

    def delete_search(self, name: str) -> None:
        """Delete a search; where something must end first, it stays until then."""
        self._api.delete("searches", name)

    def jobs(self, selector: str = "") -> list[Object]:
        """Return the jobs with the labels of `selector`, such as "archsmith.dev/search=x"."""
        return self._api.list("jobs", selector)

    def create_job(self, body: Mapping[str, Any]) -> bool:
        """Make a job; tell whether it was made, or there is one of its name already."""
        try:
            self._api.create("jobs", body)
        except ConflictError:
            return False
        return True

    def delete_job(self, name: str, propagation: Propagation = "Background") -> bool:
        """Delete a job; tell whether there was one."""
        return self._delete("jobs", name, propagation)

    def pods(self, selector: str = "", namespace: str | None = None) -> list[Object]:
        """Return the pods with the labels of `selector`, of another namespace where one is named; '' means all of them."""
        return self._api.list("pods", selector, namespace)

    def workflows(self, selector: str = "", namespace: str | None = None, *, metadata: bool = False) -> list[Object]:
        """Return Argo's Workflows, likewise; or only their metadata, whose labels tell the phase."""
        return self._api.list("workflows", selector, namespace, metadata=metadata)

    def log(
        self, pod: str, *, follow: bool = False, container: str = "", since: str = "", timestamps: bool = False,
        namespace: str | None = None,
    ) -> Iterator[str]:  # fmt: skip
        """Yield the lines of a pod's log.

        Args:
            pod: Its name.
            follow: Whether to go on until its container ends; `UnavailableError` is raised where it is silent for long.
            container: Which of its containers, where it has several.
            since: The time from which on, as Kubernetes writes it, such as 2026-01-31T12:00:00Z.
            timestamps: Whether each line begins with its time and a space.
            namespace: Where it is, if elsewhere.
        """
        wanted = {"follow": follow, "timestamps": timestamps, "container": container, "sinceTime": since}
        query = {name: "true" if value is True else str(value) for name, value in wanted.items() if value}
        return self._api.lines(pod, query, namespace=namespace)

    def nodes(self) -> list[Object]:
        """Return the nodes of the cluster."""
        return self._api.list("nodes")

    def config_map(self, name: str) -> dict[str, str]:
        """Return the keys and values of a ConfigMap."""
        return self._api.get("configmaps", name).get("data") or {}

    def secret(self, name: str) -> dict[str, str]:
        """Return the keys and values of a Secret, decoded."""
        data = self._api.get("secrets", name).get("data") or {}
        return {key: b64decode(value).decode("utf-8", "replace") for key, value in data.items()}

    def _delete(self, plural: str, name: str, propagation: Propagation) -> bool:
        try:
            self._api.delete(plural, name, propagation)
        except NotFoundError:
            return False
        return True
