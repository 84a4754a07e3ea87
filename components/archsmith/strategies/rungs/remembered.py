"""What was worked out of a value before, found again by which object that is."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """A pure function of one value, which a call after the other asks for nearly the same ones. It is a cache and no memory.

    Histories of a search hold the same objects from call to call, and to compare or hash these takes longer than most of
    what is made of them. What the last call did not ask for is forgotten.

    Args:
        make: The function.
    """

    def __init__(self, make: Callable[[K], V]) -> None:
        self._make = make
        self._now: dict[int, tuple[K, V]] = {}
        self._before: dict[int, tuple[K, V]] = {}

    def begin(self) -> None:
        """Begin a call."""
        self._before, self._now = self._now, {}

    def __call__(self, value: K) -> V:
        """Return what the function makes of `value`."""
        key = id(value)
        known = self._now.get(key) or self._before.get(key)
        if known is None or known[0] is not value:  # the id of an object that is no more goes to another one
            known = value, self._make(value)
        self._now[key] = known
        return known[1]
