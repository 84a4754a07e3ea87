"""Progress, on standard error: standard output has the figures, as JSON."""

from collections.abc import Iterable
from typing import TypeVar

import rich.progress
from rich.console import Console

T = TypeVar("T")

CONSOLE = Console(stderr=True)


def track(items: Iterable[T], description: str = "Working", *, total: float | None = None) -> Iterable[T]:
    """Yield the items, and show how far that has come; `total` where they have no length."""
    return rich.progress.track(items, description, total, console=CONSOLE)
