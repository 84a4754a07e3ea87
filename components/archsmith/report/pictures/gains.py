"""The winner beside the simple networks that it is held to, on the test images."""

import math

from matplotlib.figure import Figure

from archsmith.report.data import ReportData
from archsmith.report.numbers import percent
from archsmith.report.pictures.axes import note, plot
from archsmith.report.pictures.pointing import point_out
from archsmith.report.style import BLUE, FAINT, INK, styled
from archsmith.values.references import Worth

_ROW = 0.42
"""Inches of a bar with the room around it."""
_ROOM = 1.6
"""Times the longest bar: the room for the number behind it."""


@styled
def gains(data: ReportData) -> Figure:
    """Draw how many test images the winner and the references do not know, with binomial standard errors.

    Where accuracies are high, bars of them would all look alike, and those of what is left tell more.
    """
    if data.worth is None or not data.worth.held:
        return note("Nothing to compare with", "No reference was trained.")
    names, known, n = _bars(data.worth)
    figure, axes = plot(_title(data.worth), height=1.3 + _ROW * len(names))
    missed = [100 * (1 - share) for share in known]
    errors = [100 * math.sqrt(share * (1 - share) / n) for share in known]
    axes.barh(range(len(names)), missed, 0.58, color=[BLUE, *[FAINT] * (len(names) - 1)])
    axes.errorbar(missed, range(len(names)), xerr=errors, fmt="none", ecolor=INK, capsize=3, elinewidth=1.1)
    longest = max(m + e for m, e in zip(missed, errors, strict=True)) or 1.0
    for y, (m, e, share) in enumerate(zip(missed, errors, known, strict=True)):
        axes.text(m + e + 0.02 * longest, y, f"knows {percent(share)}", va="center", color=INK)
    point_out(
        axes,
        [
            (m, y, f"{name}: knows {round(n * share):,} of {n:,} test images, {percent(share)}")
            for y, (m, name, share) in enumerate(zip(missed, names, known, strict=True))
        ],
    )
    axes.set_xlim(0, _ROOM * longest)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= min(100, _ROOM * longest)])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("test images that it does not know (%) ± standard error")
    return figure


def _bars(worth: Worth) -> tuple[list[str], list[float], int]:
    """Return names, shares of test images that each knows, the winner's first, then the best reference's; and their number."""
    held = worth.ranked
    first = held[0].gain
    known = [first.winner / first.n, *(h.gain.reference / h.gain.n for h in held)]
    return ["winner", *(h.reference.name for h in held)], known, first.n


def _title(worth: Worth) -> str:
    """Say what was gained over the best reference."""
    best = worth.best
    assert best is not None
    gained, error = 100 * best.gain.difference, 100 * best.gain.error
    name = {"linear": "a linear model", "residual": "a residual network by hand"}[best.reference.name]
    match best.gain.verdict:
        case "better":
            return f"{gained:.1f} points (± {error:.1f}) better than {name}"
        case "worse":
            return f"{-gained:.1f} points (± {error:.1f}) worse than {name}"
        case "alike":
            return f"No better than {name}: {gained:+.1f} points (± {error:.1f})"
