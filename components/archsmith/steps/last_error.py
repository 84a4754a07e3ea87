"""The error that a pod leaves in the store: KFP does not keep it, and whoever submits must know whether to try again."""

import contextlib
from collections.abc import Sequence
from typing import Any

from archsmith import errors
from archsmith.errors import ArchsmithError, CorruptObjectError, PermanentError, SearchConflictError
from archsmith.search import parse
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder

FILE = "error.json"

HINT = "A run has failed, and why can't be read; submit the search again."
"""What is said of an error that is damaged."""


def leave_error(step: str, arguments: Sequence[Any], error: ArchsmithError) -> None:
    """Write the error of a step into its search's folder, if the same step would fail with it again.

    Args:
        step: The step.
        arguments: What it was called with: the search's name, or its file for the first step, and the store.
        error: What it raised.
    """
    if not isinstance(error, PermanentError) or isinstance(error, SearchConflictError) or step == "begin_series":
        return  # of a conflict, the folder is another search's; and a series has none
    with contextlib.suppress(ArchsmithError):
        given, store = arguments[:2]
        name = parse(given).name if step == "sample_space" else given
        SearchFolder(open_store(store), name).write_json(FILE, errors.to_dict(error))


def read_error(folder: SearchFolder) -> ArchsmithError | None:
    """Return the error that the latest run has left; None where it has left none. One that is damaged is an error too."""
    try:
        return folder.read_value(FILE, lambda raw: raw if raw is None else errors.from_dict(raw), hint=HINT)
    except CorruptObjectError as error:
        return error


def clear_error(folder: SearchFolder) -> None:
    """Forget the error of former runs."""
    if folder.read(FILE) is not None:
        folder.write_json(FILE, None)
