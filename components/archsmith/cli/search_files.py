"""The commands for a search file: write one, check it, its schema, its pipeline."""

import json
import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

import click

from archsmith.cli.command import STORE, command, warn
from archsmith.cli.output import written
from archsmith.errors import PermanentError, SpecError

if TYPE_CHECKING:
    from archsmith.search import Search

T = TypeVar("T")


def _yaml(_: click.Context, __: click.Parameter, path: str) -> str:
    """Read the name of a file of YAML, for KFP's compiler writes no other, or `-`."""
    if path != "-" and Path(path).suffix not in (".yaml", ".yml"):
        raise click.BadParameter(f"got {path!r}, but must end in .yaml or .yml, or be - for standard output")
    return path


@command("archsmith init > search.yaml")
def init() -> None:
    """Print a commented search file to start from."""
    from archsmith.spec.template import TEMPLATE

    click.echo(TEMPLATE, nl=False)


@command("archsmith check search.yaml\n  archsmith check - --offline < search.yaml")
@click.argument("file", type=click.Path())
@STORE
@click.option("--offline", is_flag=True, help="Check the file alone, and look at neither data nor store nor machine.")
def check(file: str, store: str | None, offline: bool) -> None:
    """Check a search FILE and what it needs, and say what it would do; - is standard input.

    What would make `archsmith run` fail at once on this machine is an error. What is allowed but hardly meant is a warning.
    """
    from archsmith.search import load

    search = load(file)
    counted, warnings = _looked_at(search, store, offline)
    click.echo(f"{'The search' if file == '-' else file} is a valid search named {search.name!r}: {_plan(search)}")
    for line in (*search.explained, *counted):
        click.echo(f"  {line}")
    for text in warnings:
        warn(text)


def _looked_at(search: "Search", store: str | None, offline: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what there is, and what to warn of."""
    from archsmith.advice import advice, advice_on_kubeflow

    if offline:
        return (), (*advice(search), *advice_on_kubeflow(search))
    from archsmith.look import look
    from archsmith.runner import store_uri

    try:
        found = look(search, store_uri(search, store))
    except PermanentError as error:  # whatever it is, the search can't run as it is
        raise SpecError(str(error)) from error
    return (*found.counted, *found.expected), found.warnings


def _plan(search: "Search") -> str:
    """Say what a search would do."""
    spec, size = search.spec, search.space.size()
    if search.open:
        on = spec.data.name if spec.data else "nothing"
        return f"its first step chooses everything, for {spec.budget.minutes:g} minutes on {on}."
    rounds = f" in {spec.budget.rounds} round{'s' * (spec.budget.rounds > 1)}" if spec.budget.rounds else ""
    return (
        f"{spec.strategy.name} over {f'{size:,}' if size < 10**6 else f'{Decimal(size):.3g}'.lower()} architectures "
        f"({spec.space.name}){f' on {spec.data.name}' if spec.data else ''}; {_trials(search)}{rounds}; "
        + (f"{_retrained(search)} for {_full(search)}{_held(search)}." if search.retrains else "nothing is trained.")
    )


def _held(search: "Search") -> str:
    """Say what the winner is held to."""
    return ", and held to a linear model and a small residual network" if search.has_references else ""


def _full(search: "Search") -> str:
    """Say how long a training in full is."""
    epochs, minutes = search.spec.retrain.epochs, search.spec.retrain.minutes
    return (
        f"{epochs} epoch{'s' * (epochs > 1)}"
        if minutes is None
        else f"as many of {epochs} epochs as fit into {minutes:g} minutes"
    )


def _trials(search: "Search") -> str:
    """Say how many trials there will be, of what, and what they may cost."""
    fidelity, rungs = search.estimation.fidelity, search.ladder
    only_epochs = len({rung.cost_an_epoch for rung in rungs}) == 1
    said = [str(rung.epochs) if only_epochs else rung.words for rung in rungs]
    unit = "" if not only_epochs else " epoch" if said == ["1"] else " epochs"
    of = f"{', '.join(said[:-1])}{' and ' * (len(said) > 1)}{said[-1]}{unit}"
    untrained = search.estimation.untrained
    kind = f"of {of}" if untrained is None else untrained + (f", {of}" if len(rungs) > 1 else "")
    if search.sharing:
        looks = f"{search.n_looks:,} looks with shared weights and " if search.n_looks else ""
        return f"{looks}{search.sharing.top} trial{'s' * (search.sharing.top > 1)} {kind}"
    many = f"{search.most_trials:,.0f} trials" if math.isfinite(search.most_trials) else "trials"
    if not math.isfinite(search.most_cost):
        return f"{many} {kind}"
    full, an_epoch = search.most_cost / fidelity.cost, fidelity.cost_an_epoch
    return f"{many} {kind}, for {full:,.10g} full trainings' worth ({search.most_cost / an_epoch:,.10g} epochs)"


def _retrained(search: "Search") -> str:
    """Say what is trained in full."""
    front, trial = search.spec.retrain.front, search.spec.retrain.trial
    what = ["the winner", *([f"up to {front - 1} more of the front"] if front > 1 else [])]
    what += [f"trial {trial}"] if trial is not None else []
    return f"{' and '.join(what)} {'is' if len(what) == 1 else 'are'} retrained"


@command("archsmith schema > search.schema.json")
def schema() -> None:
    """Print the JSON schema of a search file, for editors and other tools."""
    from archsmith.schema import schema as make

    click.echo(json.dumps(make(), indent=2))


@command("archsmith compile search.yaml -o pipeline.yaml --store s3://searches/team")
@click.argument("file", type=click.Path())
@click.option(
    "-o", "--output", default="pipeline.yaml", show_default=True, callback=_yaml, help="Where to write it; - is standard output."
)
@STORE
@click.option("--kubernetes", is_flag=True, help="Write a Pipeline and a PipelineVersion for `kubectl apply`.")
@click.option("--namespace", metavar="NAME", help="Their namespace, where it is not that of `kubectl apply`.")
def compile_(file: str, output: str, store: str | None, kubernetes: bool, namespace: str | None) -> None:
    """Write the KFP pipeline of a search FILE as IR YAML."""
    if namespace is not None and not kubernetes:
        raise click.UsageError("--namespace is that of what --kubernetes writes; give both, or neither.")
    from archsmith.runner import store_uri
    from archsmith.search import load

    search = load(file)
    pods, rounds = search.spec.resources.pods, search.spec.budget.rounds
    tasks = (f"{rounds} rounds of " if rounds else "") + f"{pods} estimate task{'s' * (pods > 1)}"
    uri = store_uri(search, store)
    if not uri.lower().startswith("s3://"):
        warn(f"The store is {uri!r}, a folder of this machine, which the pods of a cluster do not have; give s3://bucket/prefix.")
    if kubernetes:
        from archsmith_pipelines.manifests import compile_manifests

        version = _write(output, lambda path: compile_manifests(search, uri, path, namespace=namespace))
        click.echo(f"{output}: the PipelineVersion {version}, {tasks}.", err=output == "-")
    else:
        from archsmith_pipelines.search import compile_search

        _write(output, lambda path: compile_search(search, uri, path))
        click.echo(f"{output}: {tasks}.", err=output == "-")


def _write(output: str, compiled: Callable[[Path], T]) -> T:
    """Have a file written, or standard output."""
    if output != "-":
        with written(output, "-o"):
            return compiled(Path(output))
    with TemporaryDirectory() as folder:
        path = Path(folder, "pipeline.yaml")
        result = compiled(path)
        click.echo(path.read_text(encoding="utf-8"), nl=False)
    return result
