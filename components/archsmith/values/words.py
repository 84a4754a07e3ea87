"""How values are said to people, wherever they are shown."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

from archsmith.values.families import Child, Families
from archsmith.values.spending import Amount, Shared, Spending
from archsmith.values.supernets import SupernetEpoch
from archsmith.values.trials import History, Trial

Duration = Callable[[float], str]
"""Writes seconds as the place does in which they are read."""

SPENDING_HEADINGS = (
    "fidelity", "trials", "promoted", "stopped", "failed", "epochs", "time",
    "avoided by sharing", "avoided by rungs", "avoided by stopping", "not again",
)  # fmt: skip
"""Columns of the table of `spending_rows`."""

FAMILY_HEADINGS = (
    "trial", "parent", "generation", "epochs before", "born with", "trained to", "exact", "approximate", "same", "saved",
)  # fmt: skip
"""Columns of the table of `family_rows`."""

Table = list[tuple[str, ...]]
"""Rows of cells."""

NOTHING_MORE = "The search ended before its budget was spent, as its strategy had nothing more to propose"
"""Of a search over a small space or table, or within narrow limits."""


def epochs(number: float) -> str:
    """Write a number of epochs, which is no whole one where an epoch had less of the images: `1,234`, `12.5`."""
    return f"{number:,.0f}" if abs(number) >= 100 or float(number).is_integer() else f"{number:,.3g}"


def counted(done: float, most: float | None) -> str:
    """Write how much of a budget is used: `24 of 60`, `3.67 of 40`, or `24` where there is no end to it."""
    said = epochs(done)
    return said if most is None else f"{said} of {most:,.10g}"


def trial_name(trial: Trial) -> str:
    """Name a trial by its number, in a way that tells looks with shared weights from trainings: `look 0012`."""
    return f"{'look' if trial.proposal.is_look else 'trial'} {trial.proposal.number:04d}"


def epoch_line(record: SupernetEpoch, epochs: int | None, *, brief: bool = False) -> str:
    """Say an epoch of shared weights in a line: which of how many, and what it has come to."""
    found = {"loss": record.train_loss, "accuracy": record.val_accuracy, "entropy": record.entropy}
    if not brief:
        found |= {"validation loss": record.val_loss, "temperature": record.temperature, "eigenvalue": record.eigenvalue}
    known = [f"{name} {value:.4g}" for name, value in found.items() if value is not None and math.isfinite(value)]
    return "   ".join([f"epoch {counted(record.epoch, epochs)}", *known])


def shared_line(records: Sequence[SupernetEpoch], duration: Duration) -> str:
    """Say in a line how shared weights were trained, and what they have come to; nothing where there are none."""
    if not records:
        return ""
    last = records[-1]
    said = [f"trained for {_n(last.epoch, 'epoch')} in {duration(last.seconds)}"]
    said += [f"entropy of the choices {last.entropy:.2f} of 1"] if last.entropy is not None else []
    if math.isfinite(last.val_accuracy):
        said.append(f"{last.val_accuracy:.2%} accuracy of what is derived, with them")
    return ", ".join(said)


def looked_and_trained(history: History) -> str:
    """Say how many trials looked with shared weights, and how many trained; nothing where none looked."""
    if not history.looks:
        return ""
    return f"{len(history.looks):,} looked at with shared weights, {len(history.alone):,} trained"


def spending_line(found: Spending, duration: Duration) -> str:
    """Say in a line what a search has spent on training and what it has avoided; nothing where that is all there is to it."""
    if found.is_plain:
        return ""
    if found.shared:
        return _sharing_line(found, found.shared, duration)
    reasons = {"rungs": found.by_rungs, "stopping early": found.by_stopping}
    avoided = [f"{epochs(amount.epochs)} by {how}" for how, amount in reasons.items() if amount.epochs]
    seconds, again = sum(amount.seconds for amount in reasons.values()), found.by_going_on.epochs
    said = [
        *([f"avoided {', '.join(avoided)}{_about(seconds, duration)}"] if avoided else []),
        *([f"{epochs(again)} not trained again, going on from checkpoints"] if again else []),
    ]
    return f"trained {_of_all(found)}, in {duration(found.spent.seconds)}; {'; '.join(said)}"


def _sharing_line(found: Spending, shared: Shared, duration: Duration) -> str:
    """Say what was spent on shared weights and after them; what was looked at is held against training all of it."""
    alone = found.spent - shared.spent
    n = sum(rung.trials for rung in found.rungs)
    said = [
        *([f"trained shared weights for {_n(shared.epochs, 'epoch')}"] if shared.epochs else []),
        *([f"looked at {_n(shared.looks, 'architecture')} with them"] if shared.looks else []),
        *([f"trained {n:,} alone for {epochs(alone.epochs)} epochs"] if n else []),
    ]
    line = f"{', '.join(said)}, in {duration(found.spent.seconds)}"
    if not shared.looks:
        return line
    return f"{line}: {_of_all(found)}{_about(found.by_sharing.seconds, duration, 'avoided ')}"


def _of_all(found: Spending) -> str:
    """Say what was spent as a part of what training all in full would have taken."""
    of = "1 architecture in full takes" if found.architectures == 1 else f"{found.architectures:,} architectures in full take"
    share = 100 * found.spent.epochs / found.full
    return f"{epochs(found.spent.epochs)} of the {epochs(found.full)} epochs that {of} ({share:.3g} %)"


def _about(seconds: float, duration: Duration, what: str = "") -> str:
    return f", {what}about {duration(seconds)}" if seconds > 0 else ""


def _n(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def spending_rows(found: Spending, duration: Duration) -> Table:
    """Return a table of it: a row a rung and one in all, as `SPENDING_HEADINGS` are; a cell is empty where there is nothing.

    Shared weights come first: a row for their training, and one for what was looked at with them.
    """
    rows = [
        (
            rung.fidelity.words,
            *map(_some, (rung.trials, rung.promoted, rung.stopped, rung.failed)),
            epochs(rung.spent.epochs),
            duration(rung.spent.seconds),
            "",
            *map(_avoided, (rung.by_rungs, rung.by_stopping, rung.by_going_on)),
        )
        for rung in found.rungs
    ]
    totals = [sum(getattr(rung, name) for rung in found.rungs) for name in ("trials", "promoted", "stopped", "failed")]
    first: Table = []
    by_sharing = found.by_sharing if found.shared and found.shared.looks else Amount()  # else there is nothing to compare with
    if shared := found.shared:
        first = _sharing_rows(shared, duration)
        totals = [a + b for a, b in zip(totals, (shared.looks, 0, 0, shared.failed), strict=True)]
    whole = (
        "in all", *map(_some, totals), epochs(found.spent.epochs), duration(found.spent.seconds),
        *map(_avoided, (by_sharing, found.by_rungs, found.by_stopping, found.by_going_on)),
    )  # fmt: skip
    return [*first, *rows, whole]


def _sharing_rows(shared: Shared, duration: Duration) -> Table:
    trained = ("shared weights", *[""] * 4, epochs(shared.trained.epochs), duration(shared.trained.seconds), *[""] * 4)
    if not shared.looks:
        return [trained]
    counts = map(_some, (shared.looks, 0, 0, shared.failed))
    spent = epochs(shared.looked.epochs), duration(shared.looked.seconds)
    return [trained, ("looks", *counts, *spent, _avoided(shared.avoided), *[""] * 3)]


def family_line(found: Families, duration: Duration) -> str:
    """Say in a line how many trials inherited weights, and what that did for them; nothing where none was to."""
    if found.are_none:
        return ""
    said = [f"{len(found.children):,} of {_n(len(found.trials), 'trial')} inherited"]
    if found.children:
        saved = f", {duration(found.saved_s)} saved" if found.saved_s > 0 else ""
        said.append(f"born with {_share(found.born_accuracy)} on average{saved}")
    if n := len(found.orphans):
        said.append(f"{n:,} could not, and began from scratch")
    return "; ".join(said)


def orphan_lines(found: Families) -> list[str]:
    """Say of each trial that was to inherit and could not, why."""
    numbers = {trial.id: f"trial {trial.proposal.number:04d}" for trial in found.trials}
    return [
        f"{trial_name(trial)} was to inherit from {numbers.get(orphan.parent, orphan.parent)}, but {orphan.why}."
        for trial, orphan in found.orphans
    ]


def family_rows(found: Families, duration: Duration) -> Table:
    """Return a table of births, in the order of the trials, as `FAMILY_HEADINGS` are."""
    return [_birth_row(child, duration) for child in found.children]


def _birth_row(child: Child, duration: Duration) -> tuple[str, ...]:
    birth = child.birth
    return (
        f"#{child.trial.proposal.number}",
        f"#{child.parent.proposal.number}" if child.parent else birth.parent,
        str(child.generation),
        str(birth.epochs),
        _share(birth.accuracy),
        "failed" if child.trial.status == "failed" else _share(child.accuracy),
        _share(birth.exact),
        _share(birth.approximate),
        "yes" if birth.same else "no",
        duration(child.saved_s) if child.saved_s >= 0 else f"-{duration(-child.saved_s)}",
    )


def _share(share: float) -> str:
    """Write a share in percent, with no more digits than tell anything."""
    return f"{100 * share:.3g} %"


def filled(headings: tuple[str, ...], rows: Table) -> Table:
    """Return a table with its headings as its first row, without the columns that are empty in every row."""
    kept = [k for k in range(len(headings)) if any(row[k] for row in rows)]
    return [tuple(row[k] for k in kept) for row in (headings, *rows)]


def _some(n: int) -> str:
    return f"{n:,}" if n else ""


def _avoided(amount: Amount) -> str:
    return epochs(amount.epochs) if amount.epochs else ""


def rounded(number: float) -> str:
    """Write a finite number by its first two figures, and never with an exponent: 0.0412 is `0.041`, and 552 is `550`."""
    return f"{Decimal(f'{number:.2g}'):,f}"
