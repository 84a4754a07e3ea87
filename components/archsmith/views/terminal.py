"""What the command prints: the live view while a search runs, and its result."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from archsmith.ending import missing
from archsmith.errors import KilledError
from archsmith.search import Search
from archsmith.selection import ranked
from archsmith.spaces.graph import Graph
from archsmith.spaces.training import decided
from archsmith.stores.folder import SearchFolder
from archsmith.tracking.aliases import Reign
from archsmith.tracking.registry import Version
from archsmith.values import Architecture, Trial, words
from archsmith.values.outcome import TrainedModel, UntrainedWinner
from archsmith.values.references import Worth
from archsmith.views.chosen import plan_of
from archsmith.views.columns import Cells, Column, FittingTable
from archsmith.views.latencies import latencies
from archsmith.views.listed import Listed
from archsmith.views.live import duration, line, metric_cells, metric_columns, reached, sparkline, status, view
from archsmith.views.places import present
from archsmith.views.plain_text import plain
from archsmith.views.result import N_BEST, Result
from archsmith.views.snapshot import Snapshot
from archsmith.views.versions import versions

if TYPE_CHECKING:
    from archsmith.bench.summary import Row
    from archsmith.evaluation.latency_table import LatencyTable

LOOK_EVERY_S = 2.0
HEARTBEAT_S = 30.0
"""Longest silence where there is no terminal: whoever reads a log then still knows that the search runs."""
AHEAD = {"sharing", "searching"}
"""Phases in which it matters how long the search was expected to take."""
ARROW = "  ↓"
WIDTH = 140
"""Characters of a line where there is no terminal to ask."""
BEST = (
    Column("parameters", 5), Column("multiply-adds", 3), Column("latency", 2), Column("time", 4), Column("curve", 1, "left"),
)  # fmt: skip
"""Columns of a leaderboard after the trial and its metrics."""
SPENT = tuple(
    Column(name, rank, "left" if name == "fidelity" else "right")
    for name, rank in zip(words.SPENDING_HEADINGS, (11, 10, 3, 4, 2, 9, 1, 8, 7, 6, 5), strict=True)
)
"""Columns of what was spent on training and avoided, by rung."""
LISTED = (
    Column("search", 8, "left"), Column("phase", 6, "left"), Column("trials", 5), Column("trainings", 3), Column("failed", 2),
    Column("best", 7, "left"),
    Column("test accuracy", 4),
)  # fmt: skip
"""Columns of the list of searches."""
HEADINGS = ("task", "strategy", "regret", "of random's", "test", "ask (ms)")
"""Columns of a benchmark, in 80 characters."""


@contextmanager
def watching(*, stderr: bool = False) -> Iterator[Callable[[Snapshot], None]]:
    """Give a function that shows a snapshot: a live table in a terminal, else a line a finished trial."""
    console = Console(stderr=stderr)
    if not (console.is_terminal and console.encoding.startswith("utf")):
        yield Lines(lambda text: _say(text, console.file))
        return
    begin = time.monotonic()
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda snapshot: live.update(view(snapshot, console.height, time.monotonic() - begin), refresh=True)


def _say(text: str, file: IO[str]) -> None:
    """Print a line at once, in whatever encoding the output has."""
    print(plain(text, getattr(file, "encoding", None) or "utf-8"), file=file, flush=True)


class Lines:
    """Shows a search in lines, for where there is no terminal: what is new, and now and then that it still runs.

    Args:
        say: Prints a line.
        clock: Tells the time, in seconds.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._shown = set[str]()
        self._begun_at = self._said_at = clock()

    def __call__(self, snapshot: Snapshot) -> None:
        """Print what is new in a snapshot."""
        new = [text for key, text in self._lines(snapshot) if key not in self._shown]
        self._shown |= {key for key, _ in self._lines(snapshot)}
        if not new and self._clock() - self._said_at >= HEARTBEAT_S and snapshot.phase != "done":
            new = [status(snapshot, self._clock() - self._begun_at)]
        for text in new:
            self._say(text)
            self._said_at = self._clock()

    @staticmethod
    def _lines(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        """Yield what there is to say, with what tells whether it was said."""
        if snapshot.phase == "starting":
            yield "starting", f"{snapshot.search.name}: {status(snapshot)}"
            return
        for k, text in enumerate(snapshot.data.told() if snapshot.data else ()):
            yield f"data {k}", text
        for k, text in enumerate(snapshot.expected.lines if snapshot.expected and snapshot.phase in AHEAD else ()):
            yield f"time {k}", text
        for record in snapshot.records:
            yield f"epoch {record.epoch}", f"shared weights: {words.epoch_line(record, snapshot.epochs_to_share)}"
        for trial in snapshot.history:
            yield trial.id, line(trial, rung=len(snapshot.search.ladder) > 1)
        for verdict in snapshot.verdicts:
            yield f"verdict {verdict.kind}", f"mind: {verdict.words}"
        if snapshot.phase in {"sharing", "searching"}:
            return
        if spent := words.spending_line(snapshot.spending, duration):
            yield "spent", spent
        if inherited := words.family_line(snapshot.families, duration):
            yield "inherited", inherited
        yield snapshot.phase, status(snapshot) if snapshot.phase == "retraining" else snapshot.phase


@contextmanager
def counting(total: int, what: str) -> Iterator[Callable[[], None]]:
    """Give a function that is called whenever one of `total` is done; a terminal shows how far they are."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda: progress.advance(bar)


def show_bench(rows: Sequence["Row"], folder: str) -> None:
    """Print the summary of a benchmark, and where the rest lies."""
    from archsmith.bench.write import cells  # with it comes matplotlib, which takes a second

    title = f"{rows[0].seeds} seeds; ± is the standard error of a mean"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for k, name in enumerate(HEADINGS):
        table.add_column(name, justify="left" if k < 2 else "right", no_wrap=k != 1, overflow="fold")
    for task, strategy, _, *numbers in map(cells, rows):
        table.add_row(*map(Text, (task, strategy, *numbers)))
    console = _console()
    console.print(table)
    console.print(Text(f"tables and pictures: {folder}"), soft_wrap=True)


def show_latencies(table: "LatencyTable", where: str) -> None:
    """Print a latency table, and where it lies."""
    console = _console()
    for shown in latencies(table):
        console.print(shown)
    console.print(Text(f"table: {where}"), soft_wrap=True)


def watch_search(folder: SearchFolder, search: Search, store: str, runs: Callable[[], bool]) -> None:
    """Show a search until it is done.

    Args:
        folder: Its folder.
        search: The search.
        store: URI of the store.
        runs: Tells whether a run of it goes on here; where none ever does, one elsewhere is waited for.

    Raises:
        KilledError: Its run here has ended, and it is not done.
    """
    ran = False
    with watching() as show:
        while True:
            running = runs()  # before what there is now: a run that ends well has written all before it does
            snapshot = Snapshot.read(folder, search)
            show(snapshot)
            if snapshot.phase == "done":
                break
            if ran and not running:
                hint = f"`archsmith logs {search.name}` says why. Run it again to go on where it stopped."
                raise KilledError(f"The run of the search {search.name!r} has ended, and the search is not done: {hint}")
            ran = running
            time.sleep(LOOK_EVERY_S)
    show_result(Result(folder, search, store))


def show_result(result: Result, links: Mapping[str, str] | None = None) -> None:
    """Print the leaderboard, the winner, and where everything lies; `links` knows better than this machine."""
    console = _console()
    snapshot = result.snapshot
    console.print(_title(snapshot), soft_wrap=True)
    for text in snapshot.data.summary() if snapshot.data else ():
        console.print(Text(text, style="dim"), soft_wrap=True)
    for text in snapshot.data.remarks if snapshot.data else ():
        console.print(Text(text, style="yellow"), soft_wrap=True)
    if shared := words.shared_line(snapshot.records, duration):
        console.print(Text(f"Shared weights: {shared}.", style="dim"), soft_wrap=True)
    for verdict in snapshot.verdicts:
        console.print(Text(verdict.words, style="yellow"), soft_wrap=True)
    if snapshot.history.completed:
        console.print(_leaderboard(snapshot))
    if not (spent := snapshot.spending).is_plain:
        rows = words.spending_rows(spent, duration)
        console.print(FittingTable(SPENT, [Cells(row, "bold" if k == len(rows) else "") for k, row in enumerate(rows, 1)]))
        said = words.spending_line(spent, duration)
        console.print(Text(f"{said[0].upper()}{said[1:]}.", style="dim"), soft_wrap=True)
    if inherited := words.family_line(found := snapshot.families, duration):
        console.print(Text(f"{inherited}.", style="dim"), soft_wrap=True)
    for said in words.orphan_lines(found):
        console.print(Text(f"{said[0].upper()}{said[1:]}", style="dim"), soft_wrap=True)
    if snapshot.phase == "done" and result.search.pays_for_more(snapshot.history):
        console.print(Text(f"{words.NOTHING_MORE}.", style="dim"), soft_wrap=True)
    if snapshot.untrained is not None:
        console.print(_looked_up(result.search, snapshot.untrained), soft_wrap=True)
    elif snapshot.model is None:
        console.print(_no_model(snapshot), soft_wrap=True)
    else:
        console.print(_winner(result.search, snapshot.model), soft_wrap=True)
        for gained in _worth(snapshot.worth, result.folder) if snapshot.worth else ():
            console.print(gained, soft_wrap=True)
        if snapshot.promotion is not None:
            said = f"In MLflow it became the {snapshot.promotion.alias}. {snapshot.promotion.why}"
            console.print(Text(said, style="" if snapshot.promotion.alias == "champion" else "yellow"), soft_wrap=True)
    for text in plan.lines if (plan := plan_of(result.folder)) else ():
        console.print(Text(text, style="dim"), soft_wrap=True)
    for name, place in {**present(result.folder, result.search, result.store), **(links or {})}.items():
        console.print(Text(f"{name:<13} {place}"), soft_wrap=True)
    if lacks := missing(result.folder):
        console.print(Text(lacks), soft_wrap=True)
    for said in snapshot.damaged:
        console.print(Text(said, style="red"), soft_wrap=True)


def show_versions(found: Sequence[Version], reigns: Sequence[Reign]) -> None:
    """Print the versions of a model, and which of them have been its champion."""
    console = _console()
    for shown in versions(found, reigns):
        console.print(shown, soft_wrap=isinstance(shown, Text))


def show_list(searches: Sequence[Listed], store: str) -> None:
    """Print how the searches of a store stand."""
    console = _console()
    if not searches:
        console.print(Text(f"There is no search in the store {store!r}."), soft_wrap=True)
        return
    console.print(FittingTable(LISTED, [Cells(_listed(search)) for search in searches]))
    for search in searches:
        if search.error:
            console.print(Text(f"{search.name}: {search.error}", style="red"), soft_wrap=True)


def _console() -> Console:
    """Return where results are printed: as wide as the terminal, and wide where it is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=WIDTH, highlight=False)


def _listed(search: Listed) -> tuple[str, ...]:
    """Return the cells of a search in the list."""
    if search.phase is None:
        return search.name, "unreadable", "", "", "", "", ""
    best = ", ".join(f"{name} {value:,.6g}" for name, value in (search.best or {}).items())
    return (
        search.name,
        search.phase,
        words.counted(search.trials, search.budget) + (f", {search.looks} looks" if search.looks else ""),
        "" if search.most_trainings is None else words.counted(search.trainings, search.most_trainings),
        f"{search.failed}" if search.failed else "",
        best,
        "" if search.test_accuracy is None else f"{search.test_accuracy:.2%}",
    )


def _title(snapshot: Snapshot) -> Text:
    """Say what the leaderboard is of."""
    n, failed = len(snapshot.history), len(snapshot.history.failed)
    if not n:
        said = "no trial has ended yet" if snapshot.phase != "done" else "it has no trials"
    elif failed == n:
        said = f"{n} trial{'s' * (n > 1)}, all failed" if n > 1 else "the only trial failed"
    else:
        said = (f"the best of {n} trials" if n > 1 else "the only trial") + (f", {failed} failed" if failed else "")
        said += f": {looked}" if (looked := words.looked_and_trained(snapshot.history)) else ""
    return Text(f"{snapshot.search.name}: {said}", style="italic")


def _leaderboard(snapshot: Snapshot) -> FittingTable:
    """Return the best trials, best first, of each architecture the one that was trained furthest.

    The winner has a star, and what no trial has is left out.
    """
    trials = ranked(snapshot.history, snapshot.search.spec.objectives)
    furthest = dict[Architecture, Trial]()
    for trial in trials:
        furthest.setdefault(trial.proposal.architecture, trial)
    best = [trial for trial in trials if furthest[trial.proposal.architecture] is trial][:N_BEST]
    rows = [Cells(_row(trial, "★ " if trial.id == snapshot.selection.winner else "", snapshot)) for trial in best]
    return FittingTable((Column("trial", 7), Column("fidelity", 6), *metric_columns(snapshot), *BEST), rows)


def _no_model(snapshot: Snapshot) -> Text:
    """Say why there is no trained winner, or not yet."""
    if snapshot.selection.winner is None or snapshot.phase == "done":
        return Text.assemble(("No trained winner", "bold"), f" ({snapshot.phase}): {snapshot.selection.reason}")
    return Text.assemble(("No trained winner yet", "bold"), f": the search is {snapshot.phase}.")


def _row(trial: Trial, mark: str, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the cells of a trial; a metric that it lacks is blank."""
    m = trial.metrics
    return (
        f"{mark}{'look ' * trial.proposal.is_look}{trial.proposal.number}",
        reached(trial) if len(snapshot.search.ladder) > 1 else "",
        *metric_cells(trial, snapshot),
        *(f"{m[name]:,.0f}" if name in m else "" for name in ("n_params", "flops")),
        f"{1e3 * m['latency_s']:.2f} ms" if "latency_s" in m else "",
        f"{trial.seconds:.1f} s",
        sparkline(trial.curve),
    )


def _looked_up(search: Search, winner: UntrainedWinner) -> Text:
    """Say what is known of a winner that was not trained, as there are no images."""
    known, source = "is not trained", search.spec.estimation.name
    for name, test in winner.metrics.items():
        reached = f"{test:.2%} on the test images" if name == "test_accuracy" else f"a {name.replace('_', ' ')} of {test:,.6g}"
        known = f"reaches {reached}, as the {source} has it"
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


def _worth(worth: Worth, folder: SearchFolder) -> Iterator[Text]:
    """Say what the search has gained over simple networks, and over which of them nothing."""
    if worth.line:
        yield Text(f"It is {worth.line}.", style="green" if worth.gained else "")
    root = folder.uri("references").removesuffix("references")
    yield from (Text(said, style="yellow") for said in (*worth.advice(root), *worth.failures))


def _is_chain(graph: Graph) -> bool:
    """Tell whether each layer reads the one before it and nothing else."""
    return [(e.source, e.target) for e in graph.edges] == list(pairwise(node.id for node in graph.nodes))
