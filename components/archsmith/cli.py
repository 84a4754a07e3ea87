"""The command `archsmith`. What it does lies elsewhere; here are its words, its exit status, and nothing slow at import."""

import json
import os
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
    PluginError,
    SearchConflictError,
    SpecError,
    TransientError,
    UnknownNameError,
)

WRONG_USE = (SpecError, DataError, NotFoundError, PluginError, SearchConflictError, UnknownNameError)
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
    kind = "looked up in a table" if search.estimation.looks_up else f"of {fidelity.epochs} epochs"
    click.echo(
        f"{file} is a valid search named {search.name!r}: {spec.strategy.name} over {search.space.size():.3g} architectures "
        f"({spec.space.name}){f' on {spec.data.name}' if spec.data else ''}; {spec.budget.trials} trials {kind} in "
        f"{spec.budget.n_rounds} rounds; "
        + (f"the winner is retrained for {spec.retrain.epochs} epochs." if search.retrains else "nothing is trained.")
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


@_command("archsmith bench nas-bench-201.csv --strategies evolution,bayesian --seeds 20")
@click.argument("table", type=click.Path())
@click.option("--strategies", metavar="NAMES", help="With settings: evolution:population=10,sample=3. All, where left out.")
@click.option("--seeds", type=click.IntRange(1), default=20, show_default=True, help="Searches of each strategy on each metric.")
@click.option("--trials", type=click.IntRange(1), default=100, show_default=True, help="Evaluations of a search.")
@click.option("--space", metavar="NAME", help="The space; else the first that reads the table's notation.")
@click.option("--architecture", metavar="COLUMN", help="The column with the space's notation.")
@click.option("--metric", metavar="COLUMN", multiple=True, help="A column to search; else those with `valid` in their names.")
@click.option("--test", metavar="COLUMN", multiple=True, help="Its test values; else the column that begins as the metric's.")
@click.option(
    "--goal", type=click.Choice(["maximize", "minimize"]), default="maximize", show_default=True, help="Which way is better."
)
@click.option("--jobs", type=click.IntRange(1), help="Processes; one a core, where left out.")
@click.option("-o", "--output", default="bench", show_default=True, metavar="FOLDER", help="Where tables and pictures go.")
@JSON
def bench(
    table: str, strategies: str | None, seeds: int, trials: int, jobs: int | None, output: str, as_json: bool, **columns: Any
) -> None:
    """Compare strategies on TABLE, a CSV file with a row an architecture; random search always runs along."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is there: the processes share the cores
    from archsmith.bench import compare, find_tasks, parse_strategies
    from archsmith.terminal import counting, show_bench

    tasks = find_tasks(Path(table), metrics=columns.pop("metric"), tests=columns.pop("test"), **columns)
    named = parse_strategies(strategies)
    try:
        with counting(len(tasks) * len(named) * seeds, "searches") as count:
            rows = compare(tasks, named, seeds=seeds, trials=trials, processes=jobs, folder=Path(output), done=count)
    except KeyboardInterrupt:
        click.echo("Stopped; nothing was written.", err=True)
        sys.exit(130)
    if as_json:
        click.echo(json.dumps([row.to_dict() for row in rows], indent=2))
    else:
        show_bench(rows, output)


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


def _shape(_: click.Context, __: click.Parameter, text: str) -> tuple[int, ...]:
    """Read `3,32,32`."""
    parts = text.split(",")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) for part in parts):
        raise click.BadParameter(f"got {text!r}, but must be channels, height and width, as in 3,32,32")
    return tuple(map(int, parts))


def _picture(_: click.Context, __: click.Parameter, text: str | None) -> Path | None:
    """Read the name of a picture."""
    if text is not None and Path(text).suffix not in (".svg", ".png"):
        raise click.BadParameter(f"got {text!r}, but must end in .svg or .png")
    return Path(text) if text is not None else None


@_command("archsmith spaces cell --sample 3 --draw out.svg")
@click.argument("name", required=False)
@click.option("--sample", "n", type=click.IntRange(min=1), help="Sample so many architectures, and count their parameters.")
@click.option("--draw", metavar="FILE", callback=_picture, help="Draw them: .svg or .png; several into FILE-1, FILE-2, ...")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sampling.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="A setting of the space; again for more.")
@click.option("--file", metavar="FILE", help="A search file, to take the space with its settings from there.")
@click.option("--shape", default="3,32,32", show_default=True, callback=_shape, help="Of the images: channels, height, width.")
@click.option("--classes", type=click.IntRange(min=1), default=10, show_default=True, help="Classes of the images.")
@JSON
def spaces(name: str | None, as_json: bool, **options: Any) -> None:
    """List the search spaces with their sizes, or show the one called NAME."""
    from archsmith import gallery

    shown: Any
    if name is None and options["file"] is None:
        shown = gallery.listing()
        text = gallery.listing_lines(shown)
    else:
        shown = gallery.show(name, **options)
        text = gallery.lines(shown)
    click.echo(json.dumps(shown, indent=2) if as_json else "\n".join(text))


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
    ("strategies", "archsmith.strategies", "STRATEGIES"),
    ("estimators", "archsmith.evaluation", "ESTIMATORS"),
):
    _add_list(*_list)
