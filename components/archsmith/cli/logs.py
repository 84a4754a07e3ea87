"""The command for the log of a search."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archsmith.cli.command import CONTEXT, NAMESPACE, STORE, command
from archsmith.cli.place import InStore, OnCluster, place_of
from archsmith.errors import NotFoundError

if TYPE_CHECKING:
    from archsmith.cluster.kube import Kube

EVERY_S = 0.5
"""Seconds between two looks at a file that is followed."""


@command("archsmith logs my-search --follow")
@click.argument("name")
@click.option("--follow", "-f", is_flag=True, help="Go on until the search is over, whatever becomes of its pods.")
@STORE
@NAMESPACE
@CONTEXT
def logs(name: str, follow: bool, store: str | None, namespace: str | None, context: str | None) -> None:
    """Print the log of the search NAME: of its run on this machine, or of its pods, the latest one last.

    Of a schedule on a cluster, it is that of the search that was begun last. With --namespace, a search that is no object there
    is looked for by its pods, as those of Kubeflow Pipelines.
    """
    try:
        place = place_of(name, store, namespace, context)
    except NotFoundError:
        if namespace is None or not _print_pods(_connect(context, namespace), name, follow):
            raise
        return
    if isinstance(place, OnCluster):
        name = _last_of(place)
        if not _print_pods(place.kube, name, follow):
            from archsmith.cluster.pod_logs import place_of_pods

            there = place_of_pods(place.kube, name)
            click.echo(f"{name}: no pod in the namespace {there!r} has said anything, or none is left.", err=True)
        return
    for text in _of_run(place, follow):
        click.echo(text, nl=False)


def _last_of(place: OnCluster) -> str:
    """Return the search of a place, or the last one of a schedule; raises `NotFoundError` where that has begun none."""
    if not place.object["spec"].get("schedule"):
        return place.name
    status = place.object.get("status") or {}
    if last := status.get("lastSearch"):
        click.echo(f"{place.name} is a schedule; its last search is {last}.", err=True)
        return str(last)
    when = f", and begins one at {following}" if (following := status.get("nextScheduleTime")) else ""
    raise NotFoundError(f"{place.name} is a schedule that has begun no search yet{when}.")


def _connect(context: str | None, namespace: str) -> "Kube":
    """Return a namespace of a cluster."""
    from archsmith.cluster.kube import connect

    return connect(context, namespace)


def _print_pods(kube: "Kube", name: str, follow: bool) -> bool:
    """Print what the pods say; which pod it is goes to the other output. Tell whether there was anything."""
    from archsmith.cluster import pod_logs

    pod, read = "", pod_logs.follow_logs if follow else pod_logs.logs
    for line in read(kube, name):
        if line.pod != pod:
            pod = line.pod
            click.echo(f"==> {pod} <==", err=True)
        click.echo(line.text)
    return bool(pod)


def _of_run(place: InStore, follow: bool) -> Iterator[str]:
    """Yield the log of a run on this machine as it grows."""
    from archsmith.runner import log_path

    path: Path = log_path(place.folder)
    if not path.exists():
        name = place.folder.name
        raise NotFoundError(
            f"There is no log {path}: the search {name!r} ran elsewhere, or from another folder. Where it ran on a cluster, "
            f"`archsmith logs {name} --namespace NAMESPACE` reads what its pods say, on Kubeflow Pipelines those of its runs."
        )
    with path.open(encoding="utf-8", errors="replace") as file:
        while True:
            done = not follow or place.folder.is_done()  # asked first: what was said before that is still read
            while text := file.read(2**16):
                yield text
            if done:
                return
            time.sleep(EVERY_S)
