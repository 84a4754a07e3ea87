"""Trying again what may succeed later: exponential backoff with full jitter (Brooker 2015)."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from archsmith.errors import TransientError

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Tries a call again when it raises a `TransientError`, after pauses that grow.

    A pause is drawn evenly between 0 and its bound, so that many pods that were refused at the same
    moment do not come back at the same moment.
    """

    attempts: int = 12
    """Calls in all, >= 1."""
    base_s: float = 0.2
    """Bound of the first pause in seconds; each next one is twice as long."""
    cap_s: float = 10.0
    """Bound of the longest pause in seconds. With the defaults all pauses together last half a minute on average."""
    sleep: Callable[[float], None] = time.sleep
    """Waits for so many seconds."""
    uniform: Callable[[float, float], float] = random.SystemRandom().uniform
    """Draws a number between two; it differs between processes, whatever they were seeded with."""

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"The value of `attempts` is {self.attempts}, but must be >= 1.")

    def run(self, call: Callable[[], T]) -> T:
        """Return what `call` returns.

        Raises:
            TransientError: The last attempt's, which says how often it was tried.
        """
        for attempt in range(self.attempts):
            try:
                return call()
            except TransientError as error:
                if self.attempts == 1:
                    raise
                if attempt + 1 == self.attempts:
                    raise type(error)(f"{error} (tried {self.attempts} times)") from None
                _log.warning("%s Trying again.", error)
                self.pause(attempt)
        raise AssertionError("the loop returns or raises")

    def pause(self, attempt: int) -> None:
        """Wait after an attempt that failed; the first one is 0."""
        self.sleep(self.uniform(0, min(self.cap_s, self.base_s * 2**attempt)))
