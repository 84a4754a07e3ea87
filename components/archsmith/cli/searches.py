"""The commands for a search: run it, look at it, delete it."""

import json

import click

from archsmith.cli.command import JSON, STORE, command, opened


@command("archsmith run search.yaml")
@click.argument("file", type=click.Path())
@STORE
def run(file: str, store: str | None) -> None:
    """Run the search of FILE on this machine; run it again to go on where it stopped."""
    from archsmith.terminal import show_result, watching

    with watching() as watch:
        from archsmith.runner import run as run_search

        result = run_search(file, store=store, watch=watch)
    show_result(result)


@command("archsmith watch my-search")
@click.argument("name")
@STORE
def watch(name: str, store: str | None) -> None:
    """Watch a search that runs elsewhere, until it is done."""
    from archsmith.terminal import watch_search

    watch_search(*opened(name, store))


@command("archsmith show my-search --json")
@click.argument("name")
@STORE
@JSON
def show(name: str, store: str | None, as_json: bool) -> None:
    """Show a search: leaderboard, winner, and where everything lies."""
    from archsmith.result import Result
    from archsmith.steps.report import places
    from archsmith.terminal import show_result

    folder, search, uri = opened(name, store)
    result = Result(folder, search, uri)
    if as_json:
        click.echo(json.dumps(result.snapshot.to_dict(places(folder, search, uri)), indent=2))
    else:
        show_result(result)


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
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, store: str | None, yes: bool) -> None:
    """Delete a search with its trials, models and report; MLflow's runs stay."""
    from archsmith.runner import delete as delete_search

    folder, _, uri = opened(name, store)
    if yes or click.confirm(f"Delete the search {name!r} in {uri!r}?"):
        delete_search(folder)
        click.echo(f"Deleted {name}.")
    else:
        click.echo(f"{name} is kept.")
