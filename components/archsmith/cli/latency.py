"""The command that measures how long the operations of a space take on this machine."""

import json
import os

import click

from archsmith.cli.command import JSON, STORE, command


@command("archsmith latency search.yaml")
@click.argument("file", type=click.Path())
@STORE
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of a CPU that a network runs on.")
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True, help="Measurements of each operation.")
@JSON
def latency(file: str, store: str | None, threads: int, rounds: int, as_json: bool) -> None:
    """Measure how long each operation of the space of a search FILE takes on this machine.

    The table is kept in the store, for all searches of the same space on images of the same size. It says how long any network of
    the space takes for one image, and what a choice costs where a strategy weighs latency. What has been measured is not measured
    again: stopped, the same command goes on from there.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # before torch is there
    from archsmith.runner import store_uri
    from archsmith.search import load
    from archsmith.steps.latency import measure_latencies
    from archsmith.stores import open_store
    from archsmith.views.terminal import counting, show_latencies

    search = load(file)
    table, where = measure_latencies(
        search,
        open_store(store_uri(search, store)),
        threads=threads,
        rounds=rounds,
        counting=lambda n: counting(n, "measurements"),
    )
    if as_json:
        click.echo(json.dumps({"kept_in": where, **table.to_dict()}, indent=2))
    else:
        show_latencies(table, where)
