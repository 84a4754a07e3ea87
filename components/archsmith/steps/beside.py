"""The folder of the search file, for the steps: they run in other processes, which have the file's text alone."""

import os
from pathlib import Path

from archsmith.search import Search

BESIDE = "ARCHSMITH_BESIDE"
"""The variable that tells the processes of a local run where the search file lies."""


def beside(search: Search) -> Path | None:
    """Return the folder of the search file; None where nobody has said it, as in the pods of a cluster."""
    told = os.environ.get(BESIDE)
    return search.beside or (Path(told) if told else None)


def told(search: Search) -> dict[str, str]:
    """Return the variable for the processes that are started for a search."""
    folder = beside(search)
    return {BESIDE: str(folder)} if folder else {}
