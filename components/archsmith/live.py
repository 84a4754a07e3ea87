"""The live view of a search in a terminal: a pure function from a snapshot to a picture."""

import math
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from archsmith.snapshot import Snapshot
from archsmith.values import EpochRecord, Proposal, Trial

BARS = "▁▂▃▄▅▆▇█"
N_LATEST = 10
"""Finished trials that are shown."""
N_EPOCHS = 16
"""Characters of a sparkline."""


def view(snapshot: Snapshot) -> RenderableType:
    """Return the whole live view."""
    title = Text(f" {snapshot.search.name} ", style="bold")
    return Panel(Group(_header(snapshot), "", _trials(snapshot), "", _incumbent(snapshot)), title=title, title_align="left")


def line(trial: Trial) -> str:
    """Say a finished trial in a line, for where there is no terminal."""
    if trial.status == "failed":
        return f"trial {trial.proposal.number:04d}  failed  {trial.error}"
    known = (("accuracy", ".4f"), ("n_params", ".0f"))
    metrics = "".join(f"{name} {trial.metrics[name]:{form}}  " for name, form in known if name in trial.metrics)
    return f"trial {trial.proposal.number:04d}  {trial.status}  {metrics}{trial.seconds:.1f} s"


def sparkline(curve: Sequence[EpochRecord]) -> str:
    """Draw the last 16 validation accuracies of a curve, from 0 to 1, a character an epoch; NaN is a blank."""
    values = [r.val_accuracy for r in curve[-N_EPOCHS:]]
    return "".join(" " if math.isnan(v) else BARS[min(max(int(v * len(BARS)), 0), len(BARS) - 1)] for v in values)


def duration(seconds: float | None) -> str:
    """Write a duration as people do; a dash where it is not known."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _header(snapshot: Snapshot) -> RenderableType:
    spec, history = snapshot.search.spec, snapshot.history
    failed = len(history) - len(history.completed)
    grid = Table.grid(padding=(0, 3))
    grid.add_row(
        f"[b]{snapshot.phase}[/b]",
        f"round {max(snapshot.rounds, 1)} of {max(snapshot.rounds, spec.budget.n_rounds)}",
        f"trials {len(history)} of {spec.budget.trials}" + (f", [red]{failed} failed[/red]" if failed else ""),
        f"time {duration(history.busy_s())}",
        f"left about {duration(snapshot.left_s())}" if snapshot.phase == "searching" else "",
    )
    return Group(grid, ProgressBar(total=spec.budget.trials, completed=len(history), width=72))


def _trials(snapshot: Snapshot) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("trial", justify="right")
    table.add_column("status")
    for name in ("accuracy", "params", "s"):
        table.add_column(name, justify="right")
    table.add_column("curve", no_wrap=True)
    table.add_column("why", overflow="ellipsis", no_wrap=True)
    for trial in snapshot.history.trials[-N_LATEST:]:
        style = "bold green" if trial.id == snapshot.selection.winner else "red" if trial.error else ""
        table.add_row(*map(Text, _finished(trial)), style=style)
    known = {t.id for t in snapshot.history}
    for id_, (proposal, curve) in sorted(snapshot.running.items(), key=lambda item: item[1][0].number):
        status = "retraining" if id_ in known else "running"
        table.add_row(*map(Text, _unfinished(proposal, curve, status)), style="cyan")
    return table


def _finished(trial: Trial) -> tuple[str, ...]:
    """Return the cells of a finished trial."""
    m = trial.metrics
    return (
        str(trial.proposal.number),
        trial.status,
        f"{m['accuracy']:.4f}" if "accuracy" in m else "",
        f"{m['n_params']:,.0f}" if "n_params" in m else "",
        f"{trial.seconds:.1f}",
        sparkline(trial.curve),
        trial.error or trial.proposal.reason,
    )


def _unfinished(proposal: Proposal, curve: Sequence[EpochRecord], status: str) -> tuple[str, ...]:
    """Return the cells of a trial that runs."""
    accuracy, seconds = (f"{curve[-1].val_accuracy:.4f}", f"{curve[-1].seconds:.1f}") if curve else ("", "")
    return str(proposal.number), status, accuracy, "", seconds, sparkline(curve), proposal.reason


def _incumbent(snapshot: Snapshot) -> RenderableType:
    if snapshot.winner is None:
        return Text(f"no incumbent: {snapshot.selection.reason}", style="dim")
    trial = snapshot.winner
    metrics = dict.fromkeys([*(o.metric for o in snapshot.search.spec.objectives), "n_params"])
    said = ", ".join(f"{name} {trial.metrics[name]:,.6g}" for name in metrics if name in trial.metrics)
    described = (snapshot.search.describe(trial.proposal.architecture), "dim")
    return Text.assemble(f"incumbent: trial {trial.proposal.number}, {said}\n", described)
