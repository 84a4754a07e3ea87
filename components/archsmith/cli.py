"""The command `archsmith`. What it does lies elsewhere; here are its words, its exit status, and nothing slow at import."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click

from archsmith import __version__
from archsmith.errors import (
    ArchsmithError,
    DataError,
    NotFoundError,
    SearchConflictError,
    SpecError,
    TransientError,
    UnknownNameError,
)

WRONG_USE = (SpecError, DataError, NotFoundError, SearchConflictError, UnknownNameError)
"""Errors that the user can mend: exit status 2. All others are 1."""

F = TypeVar("F", bound=Callable[..., Any])

EXAMPLE = """\b
Example:
  archsmith init > search.yaml
  archsmith check search.yaml
  archsmith run search.yaml
  archsmith show my-search
"""

STORE = click.option("--store", metavar="URI", help="Folder or s3://bucket/prefix; ARCHSMITH_STORE, or else ./runs.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLE)
@click.version_option(__version__)
def cli() -> None:
    """Neural architecture search: from a YAML file to a trained, exported model."""


def main() -> None:
    """Run the command; an error of ours is a line, never a traceback."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Stopped. The same command goes on from here.", err=True)
        sys.exit(130)
    except ArchsmithError as error:
        hint = " The same command goes on from here." if isinstance(error, TransientError) else ""
        click.echo(f"archsmith: {error}{hint}", err=True)
        sys.exit(2 if isinstance(error, WRONG_USE) else 1)


def _command(example: str) -> Callable[[F], F]:
    """Register a command whose help ends with an example."""

    def register(function: F) -> F:
        text = f"{function.__doc__}\n\n\b\nExample:\n  {example}"
        cli.command(name=function.__name__.strip("_"), help=text)(function)
        return function

    return register


@_command("archsmith init > search.yaml")
def init() -> None:
    """Print a commented search file to start from."""
    from archsmith.template import TEMPLATE

    click.echo(TEMPLATE, nl=False)


@_command("archsmith check search.yaml")
@click.argument("file", type=click.Path())
def check(file: str) -> None:
    """Check a search FILE, and say what it would do."""
    from archsmith.search import load

    search = load(file)
    spec, fidelity = search.spec, search.estimation.fidelity
    click.echo(
        f"{file} is a valid search named {search.name!r}: {spec.strategy.name} over {search.space.size():.3g} architectures "
        f"({spec.space.name}) on {spec.data.name}; {spec.budget.trials} trials of {fidelity.epochs} epochs in "
        f"{spec.budget.n_rounds} rounds; the winner is retrained for {spec.retrain.epochs} epochs."
    )


@_command("archsmith schema > search.schema.json")
def schema() -> None:
    """Print the JSON schema of a search file, for editors and other tools."""
    from archsmith.search import schema as make

    click.echo(json.dumps(make(), indent=2))


@_command("archsmith run search.yaml")
@click.argument("file", type=click.Path())
@STORE
def run(file: str, store: str | None) -> None:
    """Run the search of FILE on this machine; run it again to go on where it stopped."""
    from archsmith.terminal import show_result, watching

    with watching() as watch:
        from archsmith.runner import run as run_search

        result = run_search(file, store=store, watch=watch)
    show_result(result)


@_command("archsmith watch my-search")
@click.argument("name")
@STORE
def watch(name: str, store: str | None) -> None:
    """Watch a search that runs elsewhere, until it is done."""
    from archsmith.terminal import watch_search

    watch_search(*_open(name, store))


@_command("archsmith show my-search --json")
@click.argument("name")
@STORE
@JSON
def show(name: str, store: str | None, as_json: bool) -> None:
    """Show a search: leaderboard, winner, and where everything lies."""
    from archsmith.result import Result
    from archsmith.steps.report import places
    from archsmith.terminal import show_result

    folder, search, uri = _open(name, store)
    result = Result(folder, search, uri)
    if as_json:
        click.echo(json.dumps(result.snapshot.to_dict(places(folder, search, uri)), indent=2))
    else:
        show_result(result)


@_command("archsmith sync my-search")
@click.argument("name")
@STORE
@click.option("--follow", type=int, metavar="PID", help="Go on until the search is done, or this process is gone.")
def sync(name: str, store: str | None, follow: int | None) -> None:
    """Log into MLflow what it lacks of a search."""
    from archsmith.steps.sync import follow as follow_search
    from archsmith.steps.sync import sync as sync_search

    folder, search, uri = _open(name, store)
    if follow:
        follow_search(folder, search, uri, parent=follow)
    else:
        click.echo(f"{sync_search(folder, search, uri)} trials logged.")


@_command("archsmith compile search.yaml -o pipeline.yaml")
@click.argument("file", type=click.Path())
@click.option("-o", "--output", default="pipeline.yaml", show_default=True, help="Where to write the IR.")
@STORE
def _compile(file: str, output: str, store: str | None) -> None:
    """Write the KFP pipeline of a search FILE as IR YAML."""
    from archsmith.runner import store_uri
    from archsmith.search import load
    from archsmith_pipelines.search import compile_search

    search = load(file)
    compile_search(search, store_uri(search, store), Path(output))
    click.echo(f"{output}: {search.spec.budget.n_rounds} rounds of {search.spec.resources.pods} estimate tasks.")


@_command("archsmith predict runs/searches/my-search/best/model.pt2 image.png")
@click.argument("model", type=click.Path())
@click.argument("images", type=click.Path(), nargs=-1, required=True)
@JSON
def predict(model: str, images: tuple[str, ...], as_json: bool) -> None:
    """Classify IMAGES with an exported MODEL, a .pt2 file."""
    from archsmith.evaluation.predict import predict as predict_images

    predictions = predict_images(Path(model), [Path(image) for image in images])
    if as_json:
        click.echo(json.dumps([asdict(p) for p in predictions], indent=2))
        return
    for p in predictions:
        click.echo(f"{p.image}: {p.label} ({p.probabilities[p.label]:.1%})")


@_command("archsmith delete my-search")
@click.argument("name")
@STORE
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, store: str | None, yes: bool) -> None:
    """Delete a search with its trials, models and report; MLflow's runs stay."""
    from archsmith.runner import delete as delete_search

    folder, _, uri = _open(name, store)
    if yes or click.confirm(f"Delete the search {name!r} in {uri!r}?"):
        delete_search(folder)
        click.echo(f"Deleted {name}.")
    else:
        click.echo(f"{name} is kept.")


def _open(name: str, store: str | None) -> tuple[Any, Any, str]:
    """Return a search's folder, the search, and the URI of its store."""
    from archsmith.steps.open import open_search
    from archsmith.stores import absolute_uri, default_uri

    uri = absolute_uri(store or default_uri())
    return (*open_search(uri, name), uri)


def _add_list(kind: str, module: str, name: str) -> None:
    @cli.command(name=kind, help=f"List the {kind}.\n\n\b\nExample:\n  archsmith {kind} --json")
    @JSON
    def listing(as_json: bool) -> None:
        from archsmith.catalogue import describe_all

        rows = describe_all(getattr(import_module(module), name))
        if as_json:
            click.echo(json.dumps(rows, indent=2))
            return
        for row in rows:
            click.echo(f"{row['name']:<12} {row['summary']}")
            for setting in row["settings"]:
                default = "required" if setting["required"] else json.dumps(setting["default"])
                click.echo(f"{'':<12}   {setting['name']}: {default}")


for _list in (
    ("spaces", "archsmith.spaces", "SPACES"),
    ("strategies", "archsmith.strategies", "STRATEGIES"),
    ("estimators", "archsmith.evaluation", "ESTIMATORS"),
):
    _add_list(*_list)
