"""The command for the log of a search."""

import time
from collections.abc import Iterator
from pathlib import Path

import click

from archsmith.cli.command import CONTEXT, NAMESPACE, STORE, command
from archsmith.cli.place import InStore, OnCluster, place_of

EVERY_S = 0.5
"""Seconds between two looks at a file that is followed."""


@command("archsmith logs my-search --follow")
@click.argument("name")
@click.option("--follow", "-f", is_flag=True, help="Go on until the search is over, whatever becomes of its pods.")
@STORE
@NAMESPACE
@CONTEXT
def logs(name: str, follow: bool, store: str | None, namespace: str | None, context: str | None) -> None:
    """Print the log of the search NAME: of its run on this machine, or of its pods, the latest one last."""
    place = place_of(name, store, namespace, context)
    if isinstance(place, OnCluster):
        _print_pods(place, follow)
        return
    for text in _of_run(place, follow):
        click.echo(text, nl=False)


def _print_pods(place: OnCluster, follow: bool) -> None:
    """Print what the pods say; which pod it is goes to the other output."""
    from archsmith.cluster import pod_logs

    pod, read = "", pod_logs.follow_logs if follow else pod_logs.logs
    for line in read(place.kube, place.name):
        if line.pod != pod:
            pod = line.pod
            click.echo(f"==> {pod} <==", err=True)
        click.echo(line.text)
    if not pod:
        click.echo(f"{place.name}: no pod has said anything, or none is left.", err=True)


def _of_run(place: InStore, follow: bool) -> Iterator[str]:
    """Yield the log of a run on this machine as it grows."""
    from archsmith.errors import NotFoundError
    from archsmith.runner import log_path

    path: Path = log_path(place.folder)
    if not path.exists():
        raise NotFoundError(f"There is no log {path}: the search {place.folder.name!r} ran elsewhere, or from another folder.")
    with path.open(encoding="utf-8", errors="replace") as file:
        while True:
            done = not follow or place.folder.is_done()  # asked first: what was said before that is still read
            while text := file.read(2**16):
                yield text
            if done:
                return
            time.sleep(EVERY_S)
