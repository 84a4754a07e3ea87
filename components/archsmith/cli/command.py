"""What the commands have in common: how one is made, and the options that several take."""

from collections.abc import Callable
from inspect import cleandoc
from typing import Any

import click

STORE = click.option("--store", metavar="URI", help="Folder or s3://bucket/prefix; ARCHSMITH_STORE, or else ./runs.")
NAMESPACE = click.option("--namespace", metavar="NAME", help="Namespace on the cluster; that of the kubeconfig's context.")
CONTEXT = click.option("--context", metavar="NAME", help="Context of the kubeconfig; its current one.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def command(example: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command of a function: it has the function's name and docstring, and its help ends with an example."""

    def make(function: Callable[..., None]) -> click.Command:
        text = f"{cleandoc(function.__doc__ or '')}\n\n\b\nExample:\n  {example}"
        return click.command(name=function.__name__.strip("_"), help=text)(function)

    return make


def found(name: str, store: str | None) -> tuple[Any, str]:
    """Return a search's folder, be it damaged, and the URI of its store."""
    from archsmith.opening import find_search
    from archsmith.stores import absolute_uri, default_uri

    uri = absolute_uri(store or default_uri())
    return find_search(uri, name), uri


def warn(text: str) -> None:
    """Print what is allowed and hardly meant."""
    click.echo(f"warning: {text}", err=True)


def opened(name: str, store: str | None) -> tuple[Any, Any, str]:
    """Return a search's folder, the search, and the URI of its store."""
    from archsmith.opening import open_search
    from archsmith.stores import absolute_uri, default_uri

    uri = absolute_uri(store or default_uri())
    return (*open_search(uri, name, runs_here=False), uri)
