"""What the command prints: the live view while a search runs, and its result."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from archsmith.live import line, sparkline, view
from archsmith.result import Result
from archsmith.search import Search
from archsmith.snapshot import Snapshot
from archsmith.steps.report import places
from archsmith.stores.folder import SearchFolder

N_BEST = 10
ARROW = "  ↓"


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


def watch_search(folder: SearchFolder, search: Search, store: str) -> None:
    """Show a search until it is done."""
    with watching() as show:
        while True:
            snapshot = Snapshot.read(folder, search)
            show(snapshot)
            if snapshot.phase == "done":
                break
            time.sleep(2)
    show_result(Result(folder, search, store))


def show_result(result: Result) -> None:
    """Print the leaderboard, the winner, and where everything lies."""
    console = Console()
    snapshot = result.snapshot
    console.print(_leaderboard(snapshot))
    if snapshot.model is None:
        console.print(f"[b]No trained winner[/b] ({snapshot.phase}): {snapshot.selection.reason}")
    else:
        console.print(_winner(snapshot))
    for name, place in places(result.folder, result.search, result.store).items():
        console.print(f"{name:<13} {place}", soft_wrap=True, highlight=False)


def _leaderboard(snapshot: Snapshot) -> Table:
    ranked = sorted(snapshot.history.completed, key=lambda t: -t.metrics["accuracy"])
    failed = len(snapshot.history) - len(snapshot.history.completed)
    table = Table(
        title=f"{snapshot.search.name}: the best of {len(snapshot.history)} trials" + (f", {failed} failed" if failed else ""),
        title_justify="left",
        box=None,
        header_style="dim",
    )
    for name in ("trial", "accuracy", "parameters", "multiply-adds", "latency", "time"):
        table.add_column(name, justify="right")
    table.add_column("curve", no_wrap=True)
    for trial in ranked[:N_BEST]:
        m = trial.metrics
        table.add_row(
            f"{'★ ' if trial.id == snapshot.selection.winner else ''}{trial.proposal.number}",
            f"{m['accuracy']:.4f}",
            f"{m['n_params']:,.0f}",
            f"{m['flops']:,.0f}",
            f"{1e3 * m['latency_s']:.2f} ms",
            f"{trial.seconds:.1f} s",
            sparkline(trial.curve),
        )
    return table


def _winner(snapshot: Snapshot) -> Text:
    """Draw the winner as a column of its layers, and say what it reaches."""
    assert snapshot.model is not None
    m = snapshot.model.metrics
    graph = snapshot.search.space.graph(snapshot.model.architecture)
    layers = f"\n{ARROW}\n".join(f"  {node.label}" for node in graph.nodes)
    said = (
        f"\nThe winner reaches {m['test_accuracy']:.2%} on the test images with {m['n_params']:,.0f} parameters, "
        f"{m['flops']:,.0f} multiply-adds and {1e3 * m['latency_s']:.2f} ms an image.\n"
    )
    return Text.assemble((said, "bold"), f"\n{layers}\n")


def describe_all(registry: Mapping[str, type[Any]]) -> list[dict[str, Any]]:
    """Return name, summary and settings of each algorithm of a registry."""
    rows = []
    for name, config in registry.items():
        settings = [
            {"name": field, "default": _plain(info.default), "about": info.description or ""}
            for field, info in config.model_fields.items()
        ]
        rows.append({"name": name, "summary": (config.__doc__ or "").strip().splitlines()[0], "settings": settings})
    return rows


def _plain(default: Any) -> Any:
    """Write a default for JSON."""
    if hasattr(default, "model_dump"):
        return default.model_dump()
    return list(default) if isinstance(default, tuple) else default
