"""With how many threads torch computes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """Have torch compute with so many threads while the body runs.

    A process that has computed with more than one must not fork any more: those threads would be missing there.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
