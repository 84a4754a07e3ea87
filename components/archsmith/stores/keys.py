"""What a key may look like: the same rule for every store, so that a search can move between them."""

from archsmith.errors import PermanentError

_RULE = (
    "a key is a relative path of segments joined by `/`; no segment is empty, begins with a dot, "
    "is longer than 200 bytes, or has a backslash or a control character"
)


def check_key(key: str) -> str:
    """Return `key` if it is one.

    Segments that begin with a dot are kept for the store itself (files that are being written), and
    this refuses `.` and `..` as well, so no key leads out of its store.

    Raises:
        PermanentError: It breaks the rule; the message says which.
    """
    if not all(_is_segment(segment) for segment in key.split("/")):
        raise PermanentError(f"The key {key!r} can't be stored; {_RULE}.")
    return key


def check_prefix(prefix: str) -> str:
    """Return `prefix` if it is the beginning of a key; it may be empty and may end anywhere.

    Raises:
        PermanentError: No key begins with it.
    """
    folder, _, last = prefix.rpartition("/")
    if (folder or prefix.startswith("/")) and not all(_is_segment(segment) for segment in folder.split("/")):
        raise PermanentError(f"No key begins with {prefix!r}; {_RULE}.")
    if last and not _is_segment(last):
        raise PermanentError(f"No key begins with {prefix!r}; {_RULE}.")
    return prefix


def _is_segment(text: str) -> bool:
    if not text or text[0] == "." or "\\" in text or not text.isprintable():
        return False  # what is no text, as bytes on a command line may be, is not printable either
    return len(text.encode()) <= 200
