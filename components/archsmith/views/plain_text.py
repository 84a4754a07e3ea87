"""Text for whatever encoding an output has: a character that it lacks is written in others, and nothing fails for it."""

import codecs
import io
from typing import TextIO

PLAIN = {
    **dict(zip("▁▂▃▄▅▆▇█", "_.-~=+*#", strict=True)),
    **dict(zip("★±×↓≤≥·…→", ("*", "+-", "x", "v", "<=", ">=", ".", "...", "->"), strict=True)),
    **dict(zip("\u2013\u2014\u2018\u2019\u201c\u201d", "--''\"\"", strict=True)),
}
"""What to write for characters of our own where an encoding lacks them, in ASCII."""

ERRORS = "archsmith-plain"
"""The name of this way to encode, for `errors=`. What is not in `PLAIN` is escaped, as Python's `ascii` does."""


def tolerate(stream: TextIO | None) -> None:
    """Have `stream` write whatever text it is given, in its own encoding; a stream that can't be told to stays as it is."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=ERRORS)


def plain(text: str, encoding: str | None) -> str:
    """Return `text` with what `encoding` lacks written in other characters."""
    return text.encode(encoding or "ascii", ERRORS).decode(encoding or "ascii")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(PLAIN.get(character) or ascii(character)[1:-1] for character in missing), error.end


codecs.register_error(ERRORS, _replaced)
