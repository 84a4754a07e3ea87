"""Objects of a store that do not hold what they should: a torn write, a full disk, an editor, another version of Archsmith.

Whoever reads one gets a `CorruptObjectError` that names it and says what to do. Whoever can do without it passes it over.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from archsmith.errors import CorruptObjectError

T = TypeVar("T")

AGAIN = "`archsmith run` with the search's file makes it anew."
"""What to do about an object that follows from others."""

_RAISED = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)
"""What making a value of bytes raises where they are not what they should be."""


@contextmanager
def named(uri: str, hint: str) -> Iterator[None]:
    """Turn what the body raises for wrong content into an error that names the object.

    Args:
        uri: Where the object is.
        hint: What to do about it, as a sentence.
    """
    try:
        yield
    except _RAISED as error:
        said = f"The object {uri} is damaged, or of another version of Archsmith ({type(error).__name__}: {error})."
        raise CorruptObjectError(f"{said} {hint}") from None


def passed_over(read: Callable[[], T], note: Callable[[str], object]) -> T | None:
    """Return what `read` does, or None where an object is damaged; `note` is then called with what is said of it."""
    try:
        return read()
    except CorruptObjectError as error:
        note(str(error))
        return None
