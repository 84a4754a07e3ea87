"""Where what the command prints and writes goes, and what is said where it can't go there."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from archsmith.errors import PermanentError

_LOST = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EDQUOT)
"""What the system says of an output that takes no more."""


@contextmanager
def writable_output() -> Iterator[None]:
    """Run the command; an output that takes no more ends it without a traceback, and one that nobody reads without a word."""
    try:
        yield
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in _LOST:
            raise
        _discard()
        if error.errno == errno.EPIPE:
            sys.exit(1)  # as click does, without a word: `archsmith list | head -1` is no mistake
        raise PermanentError(f"The output can't be written: {error.strerror}.") from error


@contextmanager
def written(place: str | Path, option: str) -> Iterator[None]:
    """Write a file that the user named with `option`; raises `PermanentError` where that can't be."""
    try:
        yield
    except OSError as error:
        hint = f"Give a place that you may write to, in `{option}`."
        raise PermanentError(f"{str(place)!r} can't be written: {error.strerror or error}. {hint}") from error


def confirmed(question: str) -> bool:
    """Ask a question, and tell whether the answer is yes; where there is nobody to answer, it is wrong use."""
    click.echo(f"{question} [y/N]: ", nl=False)
    answer = sys.stdin.readline() if sys.stdin is not None else ""
    if not answer:
        click.echo()
        raise click.UsageError("There is nobody to answer that, so nothing is deleted; --yes deletes without asking.")
    return answer.strip().lower() in {"y", "yes"}


def _discard() -> None:
    """Have Python, which writes what is left when it ends, write that to nowhere."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
