"""What a notebook shows of a search that runs: a bar and a few words, in place, without a package of its own."""

import html
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from archsmith.views.live import status
from archsmith.views.snapshot import Snapshot

Display = Callable[[str], Callable[[str], None]]
"""Shows HTML below a cell, and returns what replaces it."""


def is_here() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")  # a kernel has imported it
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


@contextmanager
def watching(display: Display | None = None) -> Iterator[Callable[[Snapshot], None]]:
    """Give a function that shows a snapshot below the cell that runs; `display` is what shows it, IPython's where left out."""
    replace: Callable[[str], None] | None = None

    def show(snapshot: Snapshot) -> None:
        nonlocal replace
        if replace is None:
            replace = (display or _display)(page(snapshot))
        else:
            replace(page(snapshot))

    yield show


def page(snapshot: Snapshot) -> str:
    """Return how a search stands, as HTML."""
    total, done = snapshot.progress
    winner = snapshot.winner
    best = f"best: trial {winner.proposal.number}, {snapshot.said(winner)}" if winner else snapshot.selection.reason
    doubts = [verdict.said for verdict in snapshot.verdicts]
    lines = (snapshot.search.name, f'<progress max="{total}" value="{done}"></progress>', status(snapshot), best, *doubts)
    name, bar, *said = lines
    return f"<b>{html.escape(name)}</b> {bar}<br>" + "<br>".join(map(html.escape, said))


def _display(text: str) -> Callable[[str], None]:
    shown = importlib.import_module("IPython.display")
    handle = shown.display(shown.HTML(text), display_id=True)
    return lambda new: handle.update(shown.HTML(new))
