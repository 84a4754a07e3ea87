"""The commands for a search: run it, look at it, delete it."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from archsmith.cli import kfp as pipelines
from archsmith.cli.command import CONTEXT, JSON, NAMESPACE, STORE, command, found, opened, warn
from archsmith.cli.output import confirmed
from archsmith.cli.place import InStore, OnCluster, place_of


@command("archsmith run search.yaml")
@click.argument("file", type=click.Path())
@STORE
def run(file: str, store: str | None) -> None:
    """Run the search of FILE on this machine; run it again to go on where it stopped."""
    from archsmith.views.terminal import show_result, watching

    with watching() as watch:
        from archsmith.runner import run as run_search

        result = run_search(file, store=store, watch=watch, warn=warn)
    show_result(result)


@command("archsmith watch my-search")
@click.argument("name")
@STORE
@NAMESPACE
@CONTEXT
def watch(name: str, store: str | None, namespace: str | None, context: str | None) -> None:
    """Watch the search NAME until it is done: one in a store that runs elsewhere, or one on a cluster."""
    place = place_of(name, store, namespace, context)
    if isinstance(place, OnCluster):
        from archsmith.cli import clusters

        clusters.watch(place)
        return
    from archsmith.runner import runs_here
    from archsmith.views.terminal import watch_search

    folder, search = place.folder, place.search
    if not runs_here(folder) and not folder.is_done() and not place.uri.startswith("s3://"):
        warn(
            f"no run of {name!r} goes on on this machine, so this waits for one elsewhere; `archsmith run FILE` goes on with it."
        )
    watch_search(folder, search, place.uri, partial(runs_here, folder))


@command("archsmith show my-search --json")
@click.argument("name")
@STORE
@NAMESPACE
@CONTEXT
@JSON
def show(name: str, store: str | None, namespace: str | None, context: str | None, as_json: bool) -> None:
    """Show the search NAME: leaderboard, winner, and where everything lies."""
    place = place_of(name, store, namespace, context)
    if isinstance(place, OnCluster):
        from archsmith.cli import clusters

        clusters.show(place, as_json)
        return
    from archsmith.views.places import present
    from archsmith.views.result import Result
    from archsmith.views.terminal import show_result

    folder, search, uri = place.folder, place.search, place.uri
    result = Result(folder, search, uri)
    if as_json:
        click.echo(json.dumps(result.snapshot.to_dict(present(folder, search, uri)), indent=2))
    else:
        show_result(result)


@command("archsmith list --json")
@STORE
@JSON
def list_(store: str | None, as_json: bool) -> None:
    """List the searches of a store: how each stands, and its best trial so far. On a cluster: kubectl get searches."""
    from archsmith.stores import absolute_uri, default_uri
    from archsmith.views.searches import listed
    from archsmith.views.terminal import show_list

    uri = absolute_uri(store or default_uri())
    searches = listed(uri)
    if as_json:
        click.echo(json.dumps([search.to_dict() for search in searches], indent=2))
    else:
        show_list(searches, uri)


@command("archsmith sync my-search")
@click.argument("name")
@STORE
@click.option("--follow", type=int, metavar="PID", help="Go on until the search is done, or this process is gone.")
def sync(name: str, store: str | None, follow: int | None) -> None:
    """Log into MLflow what it lacks of a search."""
    from archsmith.steps.sync import follow as follow_search
    from archsmith.steps.sync import sync as sync_search

    folder, search, uri = opened(name, store)
    if follow:
        follow_search(folder, search, uri, parent=follow)
    else:
        click.echo(f"{sync_search(folder, search, uri)} trials logged.")


@command("archsmith delete my-search")
@click.argument("name")
@STORE
@NAMESPACE
@CONTEXT
@click.option("--yes", is_flag=True, help="Do not ask.")
@pipelines.url_option(environment=False)
@pipelines.who
def delete(
    name: str, store: str | None, namespace: str | None, context: str | None, yes: bool, kfp: str | None, **who: Any
) -> None:
    """Delete the search NAME with its trials, models and report; MLflow's runs stay.

    On a cluster, its object is deleted, and `spec.on_delete` says what becomes of the rest. With --kfp, its runs on Kubeflow
    Pipelines are ended first.
    """
    if kfp:
        held = InStore(*found(name, store))
        _delete_folder(held, yes, lambda: _end_runs(held, kfp, namespace, context, **who))
        return
    pipelines.refuse_without_url(**who)
    place = place_of(name, store, namespace, context)
    if isinstance(place, OnCluster):
        from archsmith.cli import clusters

        clusters.delete(place, yes)
    else:
        _delete_folder(place, yes)


def _delete_folder(place: InStore, yes: bool, before: Callable[[], None] = lambda: None) -> None:
    """Delete what a store has of a search, unless the user thinks better of it."""
    from archsmith.runner import delete as delete_search

    name = place.folder.name
    if yes or confirmed(f"Delete the search {name!r} in {place.uri!r}?"):
        before()
        delete_search(place.folder)
        click.echo(f"Deleted {name}.")
    else:
        click.echo(f"{name} is kept.")


def _end_runs(place: InStore, kfp: str, namespace: str | None, context: str | None, **who: Any) -> None:
    from archsmith.cli import kfp_place

    pipelines.cancel(kfp_place.reach(kfp, namespace, context, **who), place.folder.name, place.uri, wait=True)
