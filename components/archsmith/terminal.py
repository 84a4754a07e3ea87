"""What the command prints: the live view while a search runs, and its result."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from archsmith.bench.summary import Row
from archsmith.bench.write import cells
from archsmith.live import line, sparkline, view
from archsmith.outcome import TrainedModel, UntrainedWinner
from archsmith.result import N_BEST, Result
from archsmith.search import Search
from archsmith.selection import ranked
from archsmith.snapshot import Snapshot
from archsmith.spaces.graph import Graph
from archsmith.spaces.training import decided
from archsmith.steps.report import places
from archsmith.stores.folder import SearchFolder
from archsmith.values import Trial

LOOK_EVERY_S = 2.0
ARROW = "  ↓"
WIDTH = 140
"""Characters of a line where there is no terminal to ask."""
COLUMNS = ("trial", "accuracy", "parameters", "multiply-adds", "latency", "time", "curve")
"""Columns of a leaderboard."""
HEADINGS = ("task", "strategy", "regret", "of random's", "test", "ask (ms)")
"""Columns of a benchmark, in 80 characters."""


@contextmanager
def watching() -> Iterator[Callable[[Snapshot], None]]:
    """Give a function that shows a snapshot: a live table in a terminal, else a line a finished trial."""
    console = Console()
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
            yield lambda snapshot: live.update(view(snapshot), refresh=True)
        return
    shown: set[str] = set()

    def print_new(snapshot: Snapshot) -> None:
        for trial in snapshot.history:
            if trial.id not in shown:
                shown.add(trial.id)
                print(line(trial), flush=True)  # noqa: T201  this is the command's output
        if (phase := snapshot.phase) != "searching" and phase not in shown:
            shown.add(phase)
            print(phase, flush=True)  # noqa: T201

    yield print_new


@contextmanager
def counting(total: int, what: str) -> Iterator[Callable[[], None]]:
    """Give a function that is called whenever one of `total` is done; a terminal shows how far they are."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda: progress.advance(bar)


def show_bench(rows: Sequence[Row], folder: str) -> None:
    """Print the summary of a benchmark, and where the rest lies."""
    title = f"{rows[0].seeds} seeds; ± is the standard error of a mean"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for k, name in enumerate(HEADINGS):
        table.add_column(name, justify="left" if k < 2 else "right", no_wrap=k != 1, overflow="fold")
    for task, strategy, _, *numbers in map(cells, rows):
        table.add_row(*map(Text, (task, strategy, *numbers)))
    console = Console()
    console = console if console.is_terminal else Console(width=WIDTH)
    console.print(table)
    console.print(Text(f"tables and pictures: {folder}"), soft_wrap=True)


def watch_search(folder: SearchFolder, search: Search, store: str) -> None:
    """Show a search until it is done."""
    with watching() as show:
        while True:
            snapshot = Snapshot.read(folder, search)
            show(snapshot)
            if snapshot.phase == "done":
                break
            time.sleep(LOOK_EVERY_S)
    show_result(Result(folder, search, store))


def show_result(result: Result, links: Mapping[str, str] | None = None) -> None:
    """Print the leaderboard, the winner, and where everything lies; `links` knows better than this machine."""
    console = Console()
    snapshot = result.snapshot
    console.print(_title(snapshot), _leaderboard(snapshot), sep="\n", soft_wrap=True)
    if snapshot.untrained is not None:
        console.print(_looked_up(result.search, snapshot.untrained), soft_wrap=True)
    elif snapshot.model is None:
        console.print(Text.assemble(("No trained winner", "bold"), f" ({snapshot.phase}): {snapshot.selection.reason}"))
    else:
        console.print(_winner(result.search, snapshot.model), soft_wrap=True)
    for name, place in {**places(result.folder, result.search, result.store), **(links or {})}.items():
        console.print(Text(f"{name:<13} {place}"), soft_wrap=True)


def _title(snapshot: Snapshot) -> Text:
    """Say what the leaderboard is of."""
    history = snapshot.history
    failed = len(history) - len(history.completed)
    said = f"{snapshot.search.name}: the best of {len(history)} trials" + (f", {failed} failed" if failed else "")
    return Text(said, style="italic")


def _leaderboard(snapshot: Snapshot) -> Table:
    """Return the best trials, best first; the winner has a star, and what no trial has is left out."""
    table = Table(box=None, header_style="dim")
    best = ranked(snapshot.history, snapshot.search.spec.objectives)[:N_BEST]
    rows = [_row(trial, "★ " if trial.id == snapshot.selection.winner else "") for trial in best]
    shown = [k for k in range(len(COLUMNS)) if k == 0 or any(row[k] for row in rows)]
    for k in shown:
        table.add_column(COLUMNS[k], justify="left" if COLUMNS[k] == "curve" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(row[k] for k in shown))
    return table


def _row(trial: Trial, mark: str) -> tuple[str, ...]:
    """Return the cells of a trial; a metric that it lacks is blank."""
    m = trial.metrics
    return (
        f"{mark}{trial.proposal.number}",
        f"{m['accuracy']:.4f}" if "accuracy" in m else "",
        *(f"{m[name]:,.0f}" if name in m else "" for name in ("n_params", "flops")),
        f"{1e3 * m['latency_s']:.2f} ms" if "latency_s" in m else "",
        f"{trial.seconds:.1f} s",
        sparkline(trial.curve),
    )


def _looked_up(search: Search, winner: UntrainedWinner) -> Text:
    """Say what is known of a winner that was not trained, as there are no images."""
    test, source = winner.metrics.get("test_accuracy"), search.spec.estimation.name
    known = "is not trained" if test is None else f"reaches {test:.2%} on the test images, as the {source} has it"
    return Text.assemble((f"\nThe winner {known}.\n", "bold"), f"\n  {search.describe(winner.architecture)}\n")


def _winner(search: Search, model: TrainedModel) -> Text:
    """Say what the winner reaches and how it is written, and draw it where it is a column of layers."""
    m = model.metrics
    graph = search.space.graph(model.architecture)
    layers = f"\n{ARROW}\n".join(f"  {node.label}" for node in graph.nodes)
    drawn = f"\n{layers}\n" if _is_chain(graph) else ""
    said = (
        f"\nThe winner reaches {m['test_accuracy']:.2%} on the test images with {m['n_params']:,.0f} parameters, "
        f"{m['flops']:,.0f} multiply-adds and {1e3 * m['latency_s']:.2f} ms an image.\n"
    )
    trained = ", ".join(f"{name} {choice}" for name, choice in decided(search.space.assignment(model.architecture)).items())
    chose = f"\nIt chose how it is trained: {trained}.\n" if trained else ""
    return Text.assemble((said, "bold"), f"\n  {search.describe(model.architecture)}\n", drawn, chose)


def _is_chain(graph: Graph) -> bool:
    """Tell whether each layer reads the one before it and nothing else."""
    return [(e.source, e.target) for e in graph.edges] == list(pairwise(node.id for node in graph.nodes))
