"""How values are said to people, wherever they are shown."""

from collections.abc import Callable

from archsmith.values.spending import Amount, Spending

Duration = Callable[[float], str]
"""Writes seconds as the place does in which they are read."""

SPENDING_HEADINGS = (
    "fidelity", "trials", "promoted", "stopped", "failed", "epochs", "time",
    "avoided by rungs", "avoided by stopping", "not again",
)  # fmt: skip
"""Columns of the table of `spending_rows`."""


def epochs(number: float) -> str:
    """Write a number of epochs, which is no whole one where an epoch had less of the images: `1,234`, `12.5`."""
    return f"{number:,.0f}" if abs(number) >= 100 or float(number).is_integer() else f"{number:,.3g}"


def counted(done: float, most: float | None) -> str:
    """Write how much of a budget is used: `24 of 60`, `3.67 of 40`, or `24` where there is no end to it."""
    said = f"{done:,.0f}" if float(done).is_integer() else f"{done:,.3g}"
    return said if most is None else f"{said} of {most:,.10g}"


def spending_line(found: Spending, duration: Duration) -> str:
    """Say in a line what a search has spent on training and what it has avoided; nothing where that is all there is to it."""
    if found.is_plain:
        return ""
    reasons = {"rungs": found.by_rungs, "stopping early": found.by_stopping}
    avoided = [f"{epochs(amount.epochs)} by {how}" for how, amount in reasons.items() if amount.epochs]
    seconds, again = sum(amount.seconds for amount in reasons.values()), found.by_going_on.epochs
    time = f", about {duration(seconds)}" if seconds > 0 else ""
    said = [
        *([f"avoided {', '.join(avoided)}{time}"] if avoided else []),
        *([f"{epochs(again)} not trained again, going on from checkpoints"] if again else []),
    ]
    of = "1 architecture in full takes" if found.architectures == 1 else f"{found.architectures:,} architectures in full take"
    return (
        f"trained {epochs(found.spent.epochs)} of the {epochs(found.full)} epochs that {of} "
        f"({100 * found.spent.epochs / found.full:.3g} %), in {duration(found.spent.seconds)}; {'; '.join(said)}"
    )


def spending_rows(found: Spending, duration: Duration) -> list[tuple[str, ...]]:
    """Return a table of it: a row a rung and one in all, as `SPENDING_HEADINGS` are; a cell is empty where there is nothing."""
    rows = [
        (
            rung.fidelity.words,
            *map(_some, (rung.trials, rung.promoted, rung.stopped, rung.failed)),
            epochs(rung.spent.epochs),
            duration(rung.spent.seconds),
            *map(_avoided, (rung.by_rungs, rung.by_stopping, rung.by_going_on)),
        )
        for rung in found.rungs
    ]
    totals = (sum(getattr(rung, name) for rung in found.rungs) for name in ("trials", "promoted", "stopped", "failed"))
    whole = (
        "in all", *map(_some, totals), epochs(found.spent.epochs), duration(found.spent.seconds),
        *map(_avoided, (found.by_rungs, found.by_stopping, found.by_going_on)),
    )  # fmt: skip
    return [*rows, whole]


def _some(n: int) -> str:
    return f"{n:,}" if n else ""


def _avoided(amount: Amount) -> str:
    return epochs(amount.epochs) if amount.epochs else ""
