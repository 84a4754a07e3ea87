"""The command that compares strategies."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import click

from archsmith.cli.command import JSON, command, warn
from archsmith.cli.output import written


@command("archsmith bench nas-bench-201.csv --strategies evolution,bayesian --seeds 20")
@click.argument("table", type=click.Path())
@click.option("--strategies", metavar="NAMES", help="With settings: evolution:population=10,sample=3. All, where left out.")
@click.option("--seeds", type=click.IntRange(1), default=20, show_default=True, help="Searches of each strategy on each metric.")
@click.option("--trials", type=click.IntRange(1), default=100, show_default=True, help="Evaluations of a search.")
@click.option("--at-once", type=click.IntRange(1), default=1, show_default=True, help="Evaluations that run at the same time.")
@click.option("--space", metavar="NAME", help="The space; else the first that reads the table's notation.")
@click.option("--file", metavar="FILE", help="A search file, to take the space with its settings from there.")
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
    table: str, strategies: str | None, seeds: int, trials: int, at_once: int, jobs: int | None, output: str, as_json: bool,
    **columns: Any,
) -> None:  # fmt: skip
    """Compare strategies on TABLE, a CSV file with a row an architecture; random search always runs along."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is there: the processes share the cores
    from archsmith.bench import compare, find_tasks, parse_strategies, warnings
    from archsmith.views.terminal import counting, show_bench

    tasks = find_tasks(
        Path(table),
        space=_space(columns.pop("space"), columns.pop("file")),
        metrics=columns.pop("metric"),
        tests=columns.pop("test"),
        **columns,
    )
    named = [replace(ours, at_once=at_once) for ours in parse_strategies(strategies)]
    with written(output, "-o"):  # tried before the work, which may take hours
        Path(output).mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=output).close()
    for text in warnings(tasks):
        warn(text)
    try:
        with written(output, "-o"), counting(len(tasks) * len(named) * seeds, "searches") as count:
            rows = compare(tasks, named, seeds=seeds, trials=trials, processes=jobs, folder=Path(output), done=count)
    except KeyboardInterrupt:
        click.echo("Stopped; nothing was written.", err=True)
        sys.exit(130)
    if as_json:
        click.echo(json.dumps([row.to_dict() for row in rows], indent=2))
    else:
        show_bench(rows, output)


def _space(name: str | None, file: str | None) -> Any:
    """Return the space of a search file, or else the name that was given."""
    if file is None:
        return name
    if name is not None:
        raise click.UsageError("--space and --file both say which space it is; give one of them.")
    from archsmith.search import load

    return load(file).space
