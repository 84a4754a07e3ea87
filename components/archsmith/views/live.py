"""The live view of a search in a terminal: a pure function from a snapshot to a picture."""

import math
from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.text import Text

from archsmith.values import Born, EpochRecord, Orphan, Proposal, SupernetEpoch, Trial, words
from archsmith.values.metrics import METRICS, SPREAD
from archsmith.values.references import CALLED
from archsmith.views.columns import Cells, Column, FittingTable
from archsmith.views.snapshot import Snapshot

BARS = "▁▂▃▄▅▆▇█"
N_LATEST = 10
"""Finished trials that are shown."""
N_EPOCHS = 16
"""Characters of a sparkline."""
AROUND = 14
"""Lines of the view that are not those of trials, where the incumbent's description takes a few."""
BEFORE = (Column("trial", 7), Column("status", 6, "left"), Column("epochs", 3))
AFTER = (Column("params", 5), Column("s", 4), Column("curve", 2, "left"), Column("why", 1, "left", may_be_cut=True))
"""Columns of the trials before and after their metrics, which have the last ones of narrow terminals."""
SHARED = (
    Column("epoch", 9), Column("loss", 8), Column("validation loss", 4), Column("accuracy", 7), Column("entropy", 6),
    Column("skips", 5), Column("temperature", 2), Column("eigenvalue", 3), Column("s", 1),
)  # fmt: skip
"""Columns of the epochs of shared weights."""


def view(snapshot: Snapshot, height: int = 40, seconds: float | None = None) -> RenderableType:
    """Return the whole live view, for a terminal of so many lines and any width; `seconds` is how long it is shown already."""
    title = Text(f" {snapshot.search.name} ", style="bold")
    table = _epochs if snapshot.phase == "sharing" else _trials
    parts = (_header(snapshot, seconds), "", table(snapshot, height - AROUND), "", _incumbent(snapshot))
    return Panel(Group(*parts), title=title, title_align="left")


def line(trial: Trial, *, rung: bool = False) -> str:
    """Say a finished trial in a line, for where there is no terminal; its fidelity too, where the search has rungs."""
    name = words.trial_name(trial)
    if trial.status == "failed":
        return f"{name}  failed  {trial.error}"
    at = f"{reached(trial)}  " if rung else ""
    forms = {"accuracy": ".4f", "n_params": ".0f", **dict.fromkeys((m for m in trial.metrics if m not in METRICS), ".6g")}
    forms.pop(SPREAD, None)
    metrics = "".join(f"{name} {trial.metrics[name]:{form}}  " for name, form in forms.items() if name in trial.metrics)
    why = f"  {stopped(trial)}" if trial.stop else ""
    return f"{name}  {trial.status}  {at}{metrics}{trial.seconds:.1f} s{why}{_began(trial)}"


def _began(trial: Trial) -> str:
    """Say what a trial that was to inherit weights began with; nothing of any other."""
    match trial.birth:
        case Born(accuracy=accuracy):
            return f"  born with {accuracy:.4f}"
        case Orphan(parent=parent, why=why):
            return f"  from scratch, as it can't inherit from {parent}: {why}"
        case None:
            return ""


def reached(trial: Trial) -> str:
    """Say a trial's fidelity, and after how many epochs it went on: `3 → 9 epochs`."""
    before = trial.proposal.epochs_before
    return f"{before} → {trial.proposal.fidelity.words}" if before else trial.proposal.fidelity.words


def stopped(trial: Trial) -> str:
    """Say where and why a trial was stopped early; nothing of any other."""
    if trial.stop is None:
        return ""
    stop, epochs = trial.stop, trial.proposal.fidelity.epochs
    expected = f"{stop.predicted:.4g} ± {words.rounded(stop.deviation)}"
    return f"after {stop.epoch} of {epochs} epochs by {stop.rule}, which expected {expected}"


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


def status(snapshot: Snapshot, seconds: float | None = None) -> str:
    """Say in a line how a search stands: what it does, how far it is, and about how long it will be."""
    return "   ".join(_facts(snapshot, seconds))


def _facts(snapshot: Snapshot, seconds: float | None) -> Iterator[str]:
    spec, history = snapshot.search.spec, snapshot.history
    failed = len(history.failed)
    yield snapshot.phase
    if snapshot.phase == "starting":
        yield "loading torch and the images" if snapshot.search.retrains else "reading the table"
        if seconds is not None:
            yield duration(seconds)
        return
    if snapshot.phase == "sharing":
        yield from _sharing(snapshot)
        return
    if snapshot.rounds is not None and spec.budget.rounds is not None:
        yield f"round {max(snapshot.rounds, 1)} of {max(snapshot.rounds, spec.budget.rounds)}"
    looked = words.looked_and_trained(history)
    counts = f": {looked}" * bool(looked) + f", {failed} failed" * bool(failed)
    yield f"trials {words.counted(len(history), snapshot.most_trials)}{counts}"
    if snapshot.most_trainings is not None:
        yield f"trainings {words.counted(snapshot.trainings, snapshot.most_trainings)}"
    yield f"time {duration(history.busy_s() + snapshot.shared_s)}"
    if snapshot.phase == "searching":
        yield f"left about {duration(snapshot.left_s())}"
    yield from _training(snapshot)


def _sharing(snapshot: Snapshot) -> Iterator[str]:
    """Say how far the training of shared weights is."""
    if not snapshot.records:
        yield f"shared weights: epoch 0 of {snapshot.epochs_to_share}"
        return
    yield words.epoch_line(snapshot.records[-1], snapshot.epochs_to_share, brief=True)
    yield f"time {duration(snapshot.shared_s)}"
    yield f"left about {duration(snapshot.left_s())}"


def _training(snapshot: Snapshot) -> Iterator[str]:
    """Say how far what trains is."""
    if snapshot.referring:
        epochs, curve = snapshot.referring.epochs, snapshot.referring.curve
        reached = f", accuracy {curve[-1].val_accuracy:.4f}" if curve else ""
        yield f"{CALLED[snapshot.referring.name]} to compare with: epoch {len(curve)} of {epochs}{reached}"
    elif snapshot.phase == "retraining" and snapshot.winner and snapshot.search.retrains:
        for proposal, curve in snapshot.running.values() or [(snapshot.winner.proposal, ())]:
            reached = f", accuracy {curve[-1].val_accuracy:.4f}" if curve else ""
            yield f"trial {proposal.number}: epoch {len(curve)} of {snapshot.epochs_in_full}{reached}"
    elif snapshot.running:
        yield f"{len(snapshot.running)} running"


def _header(snapshot: Snapshot, seconds: float | None) -> RenderableType:
    phase, *facts = _facts(snapshot, seconds)
    spent = words.spending_line(snapshot.spending, duration)
    known = [Text(text, style="dim") for text in (snapshot.data.summary()[:1] if snapshot.data else ())]
    if snapshot.expected and snapshot.phase in {"sharing", "searching"}:
        known += [Text(snapshot.expected.words, style="dim", no_wrap=True, overflow="ellipsis")]
    known += [Text(spent, style="dim", no_wrap=True, overflow="ellipsis")] if spent and snapshot.phase != "sharing" else []
    inherited = words.family_line(snapshot.families, duration)
    known += [Text(inherited, style="dim", no_wrap=True, overflow="ellipsis")] if inherited else []
    known += [Text(verdict.said, style="yellow") for verdict in snapshot.verdicts]
    return Group(Text.assemble((phase, "bold"), *(f"   {fact}" for fact in facts)), *known, _Progress(snapshot))


class _Progress:
    """How many trials of the budget have ended, or epochs of the retraining, as a bar that fits."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._total, self._done = snapshot.progress

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        """Show it."""
        yield ProgressBar(total=self._total, completed=self._done, width=min(72, options.max_width))


def _trials(snapshot: Snapshot, height: int) -> RenderableType:
    """Show what runs and, above that, the latest trials that have ended, in so many lines."""
    known = {t.id for t in snapshot.history}
    running = sorted(snapshot.running.items(), key=lambda item: item[1][0].number)[: max(height - 1, 1)]
    room = min(N_LATEST, max(height - 1 - len(running), 0))
    rows = [_finished(trial, snapshot) for trial in snapshot.history.trials[max(len(snapshot.history) - room, 0) :]]
    for id_, (proposal, curve) in running:
        if id_ in known:
            rows.append(_unfinished(proposal, curve, "retraining", snapshot, snapshot.epochs_in_full))
        else:
            rows.append(_unfinished(proposal, curve, "running", snapshot, proposal.fidelity.epochs))
    return FittingTable((*BEFORE, *metric_columns(snapshot), *AFTER), rows) if rows else Text("no trial yet", style="dim")


def _epochs(snapshot: Snapshot, height: int) -> RenderableType:
    """Show the last epochs of shared weights, in so many lines."""
    records = snapshot.records[-max(1, min(N_LATEST, height - 1)) :]
    rows = [Cells(_epoch(record, snapshot)) for record in records]
    return FittingTable(SHARED, rows) if rows else Text("no epoch yet", style="dim")


def _epoch(record: SupernetEpoch, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the cells of an epoch; what is not known is blank."""
    skips = snapshot.skips(record.derived) if record.derived else ()
    return (
        str(record.epoch),
        *(_cell(value) for value in (record.train_loss, record.val_loss, record.val_accuracy, record.entropy)),
        f"{sum(s.n for s in skips)} of {sum(s.of for s in skips)}" if skips else "",
        _cell(record.temperature, ".4g"),
        _cell(record.eigenvalue, ".4g"),
        f"{record.seconds:.1f}",
    )


def _cell(value: float | None, form: str = ".4f") -> str:
    return "" if value is None or math.isnan(value) else f"{value:{form}}"


def metric_columns(snapshot: Snapshot) -> tuple[Column, ...]:
    """Return the columns of the metrics that people are told of every trial."""
    return tuple(Column(name, 8) for name in snapshot.search.told_metrics)


def metric_cells(trial: Trial, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the cells of these columns; blank where a trial lacks the metric."""
    values = ((name, trial.metrics.get(name)) for name in snapshot.search.told_metrics)
    return tuple("" if v is None else f"{v:.4f}" if name == "accuracy" else f"{v:,.6g}" for name, v in values)


def _finished(trial: Trial, snapshot: Snapshot) -> Cells:
    """Return the row of a finished trial."""
    m = trial.metrics
    style = "bold green" if trial.id == snapshot.selection.winner else "red" if trial.error else ""
    cells = (
        str(trial.proposal.number),
        "look" if trial.proposal.is_look and trial.status == "complete" else trial.status,
        f"{len(trial.curve)}" if trial.curve else "",
        *metric_cells(trial, snapshot),
        f"{m['n_params']:,.0f}" if "n_params" in m else "",
        f"{trial.seconds:.1f}",
        sparkline(trial.curve),
        trial.error or stopped(trial) or trial.proposal.reason,
    )
    return Cells(cells, style)


def _unfinished(proposal: Proposal, curve: Sequence[EpochRecord], status: str, snapshot: Snapshot, epochs: int) -> Cells:
    """Return the row of a trial that runs."""
    accuracy, seconds = (f"{curve[-1].val_accuracy:.4f}", f"{curve[-1].seconds:.1f}") if curve else ("", "")
    metrics = (accuracy if name == "accuracy" else "" for name in snapshot.search.told_metrics)
    begun = (str(proposal.number), status, f"{len(curve)}/{epochs}", *metrics)
    return Cells((*begun, "", seconds, sparkline(curve), proposal.reason), "cyan")


def _incumbent(snapshot: Snapshot) -> RenderableType:
    derived = snapshot.records[-1].derived if snapshot.records else None
    if snapshot.phase == "sharing" and derived:
        return Text.assemble("would be derived now\n", (snapshot.search.describe(derived), "dim"))
    if snapshot.winner is None:
        return Text(f"no incumbent: {snapshot.selection.reason}", style="dim")
    trial = snapshot.winner
    described = (snapshot.search.describe(trial.proposal.architecture), "dim")
    return Text.assemble(f"incumbent: trial {trial.proposal.number}, {snapshot.said(trial)}\n", described)
