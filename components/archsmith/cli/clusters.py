"""What the commands do with a search that a cluster runs, as an object of Kubernetes."""

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from archsmith.cli.output import confirmed
from archsmith.cli.place import OnCluster
from archsmith.errors import NotFoundError, PermanentError

if TYPE_CHECKING:
    from archsmith.cluster.kube import Kube
    from archsmith.cluster.kube_api import Object
    from archsmith.search import Search
    from archsmith.stores import Store
    from archsmith.views.result import Result
    from archsmith.views.snapshot import Snapshot

FACTS = ("engine", "round", "trials", "failed", "best", "model", "lastSearch", "nextScheduleTime", "champion")
"""What is printed of a status, in this order."""


def reach(context: str | None, namespace: str | None) -> "Kube":
    """Return the cluster, or say what else there is where this machine knows none."""
    from archsmith.cluster import kubeconfig
    from archsmith.cluster.kube import connect

    if not kubeconfig.is_reachable():
        raise click.UsageError(
            "There is no kubeconfig here, so no cluster to ask. KUBECONFIG names one; --kfp goes straight to Kubeflow Pipelines."
        )
    return connect(context, namespace)


def submit(kube: "Kube", search: "Search", store: str | None, cron: str | None) -> OnCluster:
    """Give a search to the cluster; one of its name goes on with this file, or is tried again where it has failed."""
    wanted = manifest(search, kube.namespace, store, cron)
    if _has_failed(kube, search.name):
        from archsmith.cluster.status import AGAIN

        now = datetime.now(UTC).isoformat(timespec="seconds")
        wanted["metadata"] = {**wanted["metadata"], "annotations": {**wanted["metadata"].get("annotations", {}), AGAIN: now}}
    place = OnCluster(kube, kube.apply_search(wanted))
    spec = place.object["spec"]
    at = f"; a search of its own begins at {spec['schedule']!r} in UTC" if spec.get("schedule") else ""
    held = "; it is held, as spec.suspend is true" if spec.get("suspend") else ""
    click.echo(f"{search.name}: given to the cluster, in the namespace {kube.namespace!r}{at}{held}.")
    return place


def _has_failed(kube: "Kube", name: str) -> bool:
    """Tell whether the cluster has a search of that name that has ended without success."""
    from archsmith.cluster.remote import is_over, phase

    try:
        found = kube.search(name)
    except NotFoundError:
        return False
    return is_over(found) and phase(found) != "Succeeded"


def manifest(search: "Search", namespace: str, store: str | None, cron: str | None) -> "Object":
    """Return a search file as an object of a namespace, with what the command's options say of it."""
    from archsmith.spec.yaml_document import read_yaml

    raw: dict[str, Any] = read_yaml(search.text, search.name).value
    spec = {**raw["spec"], **({"schedule": cron} if cron else {})}
    if store:
        spec["storage"] = {**(spec.get("storage") or {}), "uri": store}
    return {**raw, "metadata": {**raw["metadata"], "namespace": namespace}, "spec": spec}


def watch(place: OnCluster) -> None:
    """Show a search, of a series the last one, until it is over; raises `PermanentError` where that is no success."""
    from archsmith.cluster.remote import message, phase, watch_object
    from archsmith.views.terminal import show_result, watching

    place = _last_of_series(place) if place.object["spec"].get("schedule") else place
    with contextlib.ExitStack() as stack:
        view = _View(place, stack)
        with watching() as show:
            last = watch_object(place.kube, place.name, partial(view.look, show), tell=_tell)
        if view.result is not None:
            show_result(view.result, _links(last))
    if phase(last) != "Succeeded":
        raise PermanentError(f"The search {place.name!r} is {phase(last)}: {message(last) or 'its status gives no reason.'}")


def _last_of_series(place: OnCluster) -> OnCluster:
    """Return the search that a series has begun last."""
    status = place.object.get("status") or {}
    name, following = status.get("lastSearch"), status.get("nextScheduleTime")
    if not name:
        then = f"; the next time is {following}" if following else ""
        raise NotFoundError(f"The series {place.name!r} has begun no search yet{then}.")
    _tell(f"{place.name} is a series; this is the search that it began last.")
    return OnCluster(place.kube, place.kube.search(name))


def show(place: OnCluster, as_json: bool) -> None:
    """Show how a search stands: what the cluster says of it, and what its store has."""
    from archsmith.cluster.remote_store import remote_store
    from archsmith.views.terminal import show_result

    found = place.object
    if not as_json:
        _print_status(place)  # first: the store may be out of reach
    with remote_store(place.kube, found) as (store, uri):
        result = _stored(store, uri, place.name)
        if as_json:
            click.echo(json.dumps(_to_dict(place, result), indent=2))
        elif result is not None:
            show_result(result, _links(found))


def hold(place: OnCluster) -> None:
    """Hold a search: its pods end, and nothing is lost."""
    from archsmith.cluster.remote import is_over, phase

    name, namespace, spec = place.name, place.kube.namespace, place.object["spec"]
    if is_over(place.object) and not spec.get("schedule"):
        click.echo(f"{name}: nothing runs; the search is {phase(place.object)}.")
        return
    place.kube.patch_search(name, {"spec": {"suspend": True}})
    change = json.dumps({"spec": {"suspend": False}})
    then = "Its pods end, and what it has found stays."
    if spec.get("schedule"):
        then = "No search begins any more; one that runs goes on, and is held by its own name."
    click.echo(
        f"{name}: held. {then} `archsmith submit` with its file goes on, "
        f"and so does: kubectl -n {namespace} patch search {name} --type merge -p '{change}'"
    )


def delete(place: OnCluster, yes: bool) -> None:
    """Delete the object of a search; what becomes of the data is the object's to say."""
    name, removes = place.name, place.object["spec"].get("on_delete") == "remove"
    data = "Its trials and models go with it" if removes else "Its trials and models stay in the store"
    which = f"{data} (spec.on_delete: {'remove' if removes else 'keep'})"
    if yes or confirmed(f"{which}.\nDelete the search {name!r} in the namespace {place.kube.namespace!r}?"):
        place.kube.delete_search(name)
        click.echo(f"Deleted {name}.")
    else:
        click.echo(f"{name} is kept.")


class _View:
    """What is shown of a search that is watched: its phase, then the live view of its store as soon as there is one."""

    def __init__(self, place: OnCluster, stack: contextlib.ExitStack) -> None:
        self._place = place
        self._stack = stack
        self._store: tuple[Store, str] | None = None
        self._said = ""
        self.result: Result | None = None

    def look(self, show: Callable[["Snapshot"], None], found: "Object") -> None:
        """Show how it stands."""
        from archsmith.cluster.remote_store import remote_store

        self._say(found)
        if self._store is None:
            self._store = self._stack.enter_context(remote_store(self._place.kube, found))
        result = _stored(*self._store, self._place.name)
        if result is not None:
            self.result = result
            show(result.snapshot)

    def _say(self, found: "Object") -> None:
        """Print the phase where it is another one; the message too while there is nothing else to see."""
        from archsmith.cluster.remote import is_over, message, phase

        text = "" if self.result is not None or is_over(found) else message(found)
        said = f"{phase(found)}{f': {text}' if text else ''}"
        if said.partition(":")[0] != self._said.partition(":")[0] or (text and said != self._said):
            _tell(f"{self._place.name}: {said}")
            self._said = said


def _stored(store: "Store", uri: str, name: str) -> "Result | None":
    """Return a search as its store has it; None where no step has begun it there."""
    from archsmith.search import parse
    from archsmith.stores.folder import SearchFolder
    from archsmith.views.result import Result

    folder = SearchFolder(store, name)
    text = folder.read_search()
    if text is None or not folder.is_begun():
        return None
    return Result(folder, parse(text, source=f"{name}/search.yaml", runs_here=False), uri)


def _print_status(place: OnCluster) -> None:
    from archsmith.cluster.remote import message, phase

    found = place.object
    click.echo(f"{place.name}: {phase(found)}{f', {text}' if (text := message(found)) else ''}")
    status = found.get("status") or {}
    for name in (name for name in FACTS if name in status):
        value = status[name]
        told = ", ".join(f"{key} {inner}" for key, inner in value.items()) if isinstance(value, dict) else value
        click.echo(f"{name:<13} {told}")


def _to_dict(place: OnCluster, result: "Result | None") -> dict[str, Any]:
    """Return what `show --json` prints: what it prints of a search on this machine, and what the cluster says."""
    from archsmith.cluster.remote import phase
    from archsmith.views.places import present

    found, known = place.object, {"name": place.name}
    if result is not None:
        known = result.snapshot.to_dict({**present(result.folder, result.search, result.store), **_links(found)})
    status = found.get("status") or {}
    return {**known, "cluster": {"namespace": place.kube.namespace, "phase": phase(found), "status": status}}


def _links(found: "Object") -> dict[str, str]:
    """Return where the cluster says that things are; it knows its own MLflow."""
    return (found.get("status") or {}).get("links") or {}


def _tell(text: str) -> None:
    click.echo(text, err=True)
