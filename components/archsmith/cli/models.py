"""The commands for the versions of a search's model: list them, promote one, go back to the one before."""

import getpass
import json
import socket
from typing import Any

import click

from archsmith.cli.command import JSON, STORE, command

WHY = click.option("--why", default="", metavar="TEXT", help="Why, for whoever asks later.")


@command("archsmith models my-search")
@click.argument("name")
@STORE
@JSON
def models(name: str, store: str | None, as_json: bool) -> None:
    """List the versions of the model of the search or series NAME in MLflow: which is the champion, what each reaches, why."""
    from archsmith.views.terminal import show_versions

    registry = _registry(name, store)
    versions, reigns = registry.versions(), registry.reigns()
    if as_json:
        told = {"versions": [v.to_dict() for v in versions], "champions": [r.to_dict() for r in reigns]}
        click.echo(json.dumps(told, indent=2))
    else:
        show_versions(versions, reigns)


@command("archsmith promote my-search 3 --why 'it is half as large'")
@click.argument("name")
@click.argument("version")
@WHY
@STORE
def promote(name: str, version: str, why: str, store: str | None) -> None:
    """Let a VERSION of the model of the search NAME be the champion."""
    _registry(name, store).promote(version, by=_who(), why=why or "A person has chosen it.")
    click.echo(f"Version {version} of the model of {name} is the champion.")


@command("archsmith rollback my-search")
@click.argument("name")
@WHY
@STORE
def rollback(name: str, why: str, store: str | None) -> None:
    """Let the champion before the present one of the search NAME be the champion again."""
    registry = _registry(name, store)
    present, former = registry.roll_back(by=_who(), why=why or "A person has gone back to it.")
    click.echo(
        f"Version {former} of the model of {name} is the champion again{f', and not version {present}' if present else ''}."
    )


def _registry(name: str, store: str | None) -> Any:
    """Return the registered model of a search or a series, where its file, or the place of its store, says that MLflow is."""
    from archsmith.opening import open_latest
    from archsmith.stores import absolute_uri, default_uri
    from archsmith.tracking import resolve_uri
    from archsmith.tracking.registry import Registry

    uri = absolute_uri(store or default_uri())
    _, search = open_latest(uri, name)
    tracking = search.spec.tracking
    return Registry(tracking.model or search.name, resolve_uri(tracking.uri, uri))


def _who() -> str:
    """Return who this is, for the record."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a container's user need not have a name
        return socket.gethostname()
