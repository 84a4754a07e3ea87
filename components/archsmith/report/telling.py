"""What is said of a trial to whoever points at it in a picture."""

import textwrap
from collections.abc import Callable

from archsmith.report.data import ReportData
from archsmith.report.facts import heading, headings, measured, notes, number
from archsmith.values import Trial

_MOST = 160
"""Characters of an error."""


def teller(data: ReportData) -> Callable[[Trial], str]:
    """Return what says of a trial of this search which one it is, what it was trained for, and what was measured: a line each."""
    metrics = headings(data)

    def told(trial: Trial) -> str:
        first = f"trial {number(trial)}{''.join(f', {note}' for note in notes(data, trial))}: {trial.proposal.fidelity.words}"
        if trial.status == "failed":
            return f"{first}\nfailed: {textwrap.shorten(trial.error or '', _MOST, placeholder=' …')}"
        return "\n".join([first, *(f"{heading(m)} {measured(m, trial.metrics)}" for m in metrics if m in trial.metrics)])

    return told
