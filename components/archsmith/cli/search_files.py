"""The commands for a search file: write one, check it, its schema, its pipeline."""

import json
from pathlib import Path

import click

from archsmith.cli.command import STORE, command
from archsmith.cli.output import written


def _yaml(_: click.Context, __: click.Parameter, path: str) -> str:
    """Read the name of a file of YAML; KFP's compiler writes no other."""
    if Path(path).suffix not in (".yaml", ".yml"):
        raise click.BadParameter(f"got {path!r}, but must end in .yaml or .yml")
    return path


@command("archsmith init > search.yaml")
def init() -> None:
    """Print a commented search file to start from."""
    from archsmith.template import TEMPLATE

    click.echo(TEMPLATE, nl=False)


@command("archsmith check search.yaml")
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
        f"{spec.budget.n_rounds} round{'s' * (spec.budget.n_rounds > 1)}; "
        + (f"the winner is retrained for {spec.retrain.epochs} epochs." if search.retrains else "nothing is trained.")
    )


@command("archsmith schema > search.schema.json")
def schema() -> None:
    """Print the JSON schema of a search file, for editors and other tools."""
    from archsmith.search import schema as make

    click.echo(json.dumps(make(), indent=2))


@command("archsmith compile search.yaml -o pipeline.yaml")
@click.argument("file", type=click.Path())
@click.option("-o", "--output", default="pipeline.yaml", show_default=True, callback=_yaml, help="Where to write it.")
@STORE
@click.option("--kubernetes", is_flag=True, help="Write a Pipeline and a PipelineVersion for `kubectl apply`.")
@click.option("--namespace", metavar="NAME", help="Their namespace, where it is not that of `kubectl apply`.")
def compile_(file: str, output: str, store: str | None, kubernetes: bool, namespace: str | None) -> None:
    """Write the KFP pipeline of a search FILE as IR YAML."""
    from archsmith.runner import store_uri
    from archsmith.search import load

    search = load(file)
    uri, tasks = store_uri(search, store), f"{search.spec.budget.n_rounds} rounds of {search.spec.resources.pods} estimate tasks"
    if kubernetes:
        from archsmith_pipelines.manifests import compile_manifests

        with written(output, "-o"):
            version = compile_manifests(search, uri, Path(output), namespace=namespace)
        click.echo(f"{output}: the PipelineVersion {version}, {tasks}.")
    else:
        from archsmith_pipelines.search import compile_search

        with written(output, "-o"):
            compile_search(search, uri, Path(output))
        click.echo(f"{output}: {tasks}.")
