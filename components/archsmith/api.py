"""What Python users call: `archsmith.run` and `archsmith.load`."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archsmith import runner
from archsmith.runner import Watcher
from archsmith.views import notebook, terminal
from archsmith.views.result import Result
from archsmith.views.searches import load

log = logging.getLogger(__name__)

__all__ = ["load", "run"]


def run(
    search: str | Path | Mapping[str, Any],
    *,
    store: str | Path | None = None,
    watch: Watcher | None = None,
    warn: Callable[[str], None] | None = None,
    progress: bool = True,
) -> Result:
    """Run a search to its end; where it was begun before, go on, and where nothing is left to do, return at once.

    Args:
        search: Path of the search file, or what such a file says as a mapping.
        store: Folder or URI of the store; that of the file, ARCHSMITH_STORE, or ./runs where it is left out.
        watch: Called about once a second with how the search stands, in place of showing it.
        warn: Called for each thing that is hardly meant, or should be known of the data; else it is a warning in the log.
        progress: Whether to show it: below the cell of a notebook, else on standard error.

    Raises:
        SpecError: The file is wrong, or no architecture keeps its limits.
        DataError: The images are missing or can't be used.
        SearchConflictError: The store holds another search of this name, or it is running now.
        NoWinnerError: No trial is complete and within the limits; there is a report all the same.
    """
    warn, store = warn or log.warning, str(store) if store is not None else None
    if watch is not None or not progress:
        return runner.run(search, store=store, watch=watch, warn=warn)
    with notebook.watching() if notebook.is_here() else terminal.watching(stderr=True) as show:
        return runner.run(search, store=store, watch=show, warn=warn)
