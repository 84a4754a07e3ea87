"""The live view of a search in a terminal: a pure function from a snapshot to a picture."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from archsmith.snapshot import Snapshot
from archsmith.values import EpochRecord, Trial

BARS = "▁▂▃▄▅▆▇█"
N_LATEST = 10


def view(snapshot: Snapshot) -> RenderableType:
    """Return the whole live view."""
    title = Text(f" {snapshot.search.name} ", style="bold")
    return Panel(Group(_header(snapshot), "", _trials(snapshot), "", _incumbent(snapshot)), title=title, title_align="left")


def line(trial: Trial) -> str:
    """Say a finished trial in a line, for where there is no terminal."""
    if trial.status == "failed":
        return f"trial {trial.proposal.number:04d}  failed  {trial.error}"
    m = trial.metrics
    return (
        f"trial {trial.proposal.number:04d}  {trial.status}  accuracy {m.get('accuracy', float('nan')):.4f}  "
        f"n_params {m.get('n_params', 0):.0f}  {trial.seconds:.1f} s"
    )


def sparkline(curve: Sequence[EpochRecord]) -> str:
    """Draw the validation accuracies of a curve, from 0 to 1, a character an epoch, the last 16."""
    values = [min(max(r.val_accuracy, 0.0), 1.0) for r in curve[-16:]]
    return "".join(BARS[min(int(v * len(BARS)), len(BARS) - 1)] for v in values)


def duration(seconds: float | None) -> str:
    """Write a duration as people do."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _header(snapshot: Snapshot) -> RenderableType:
    spec, history = snapshot.search.spec, snapshot.history
    failed = len(history) - len(history.completed)
    grid = Table.grid(padding=(0, 3))
    grid.add_row(
        f"[b]{snapshot.phase}[/b]",
        f"round {max(snapshot.rounds, 1)} of {spec.budget.n_rounds}",
        f"trials {len(history)} of {spec.budget.trials}" + (f", [red]{failed} failed[/red]" if failed else ""),
        f"time {duration(history.busy_s())}",
        f"left about {duration(snapshot.left_s())}" if snapshot.phase == "searching" else "",
    )
    return Group(grid, ProgressBar(total=spec.budget.trials, completed=len(history), width=72))


def _trials(snapshot: Snapshot) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (("trial", "right"), ("status", "left"), ("accuracy", "right"), ("params", "right"), ("s", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("curve", no_wrap=True)
    table.add_column("why", overflow="ellipsis", no_wrap=True)
    for trial in snapshot.history.trials[-N_LATEST:]:
        table.add_row(*_row(trial), style="bold green" if trial is snapshot.winner else "red" if trial.error else "")
    known = {t.id for t in snapshot.history}
    for id_, (proposal, curve) in sorted(snapshot.running.items(), key=lambda item: item[1][0].number):
        what = "retraining" if id_ in known else "running"
        last = f"{curve[-1].val_accuracy:.4f}" if curve else ""
        seconds = f"{curve[-1].seconds:.1f}" if curve else ""
        row = (str(proposal.number), what, last, "", seconds, sparkline(curve), proposal.reason)
        table.add_row(*(Text(cell) for cell in row), style="cyan")
    return table


def _row(trial: Trial) -> tuple[str | Text, ...]:
    m = trial.metrics
    return (
        str(trial.proposal.number),
        trial.status,
        f"{m['accuracy']:.4f}" if "accuracy" in m else "",
        f"{m['n_params']:,.0f}" if "n_params" in m else "",
        f"{trial.seconds:.1f}",
        sparkline(trial.curve),
        Text(trial.error or trial.proposal.reason),
    )


def _incumbent(snapshot: Snapshot) -> RenderableType:
    if snapshot.winner is None:
        return Text(f"no incumbent: {snapshot.selection.reason}", style="dim")
    trial = snapshot.winner
    m = trial.metrics
    said = f"incumbent: trial {trial.proposal.number}, accuracy {m['accuracy']:.4f}, {m['n_params']:,.0f} parameters\n"
    return Text.assemble(said, (snapshot.search.describe(trial.proposal.architecture), "dim"))
