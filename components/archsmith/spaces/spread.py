"""A range of numbers as choices: evenly apart, in themselves or in their logarithms, and round."""

import math
from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
from pydantic import Discriminator, Field, model_validator

from archsmith.spec import Config

OFF = 0.05
"""How far a round number may lie from its place, as a share of the distance between two places."""
DIGITS = 17
"""Digits by which any two numbers can be told apart."""

ListOrRange = Discriminator(lambda given: "range" if isinstance(given, dict | Spread) else "list")
"""Tells a list from a range; what is wrong with one is not said to be wrong with the other."""

Steps = Annotated[int, Field(ge=2, le=100)]


class Spread(Config):
    """Numbers from `min` to `max`, both among them; the others lie evenly between them, and are round."""

    min: float
    """The least."""
    max: float
    """The greatest."""
    log: bool = False
    """Whether they lie evenly in their logarithms, so that each number is so many times the one before it."""
    steps: Steps = 9
    """How many numbers."""

    @model_validator(mode="after")
    def _has_numbers(self) -> Self:
        if self.min >= self.max:
            raise ValueError(f"`min` is {self.min:g}, but must be less than `max`, which is {self.max:g}")
        if self.log and self.min <= 0:
            raise ValueError(f"`min` is {self.min:g}, but must be > 0 with `log`; give the least number that is of use")
        if (n := len(set(self.choices))) < self.steps:
            raise ValueError(
                f"`steps` is {self.steps}, but from {self.min:g} to {self.max:g} these are only {n} different numbers; take fewer"
            )
        return self

    @property
    def choices(self) -> Sequence[float]:
        """The numbers, in ascending order."""
        return spread(self.min, self.max, self.steps, log=self.log)


class Positive(Spread):
    """Numbers above 0, from `min` to `max`, both among them; the others lie evenly between them, and are round."""

    min: Annotated[float, Field(gt=0)]
    """The least."""
    max: Annotated[float, Field(gt=0)]
    """The greatest."""


class NotNegative(Spread):
    """Numbers from 0, from `min` to `max`, both among them; the others lie evenly between them, and are round."""

    min: Annotated[float, Field(ge=0)]
    """The least."""
    max: Annotated[float, Field(ge=0)]
    """The greatest."""


class Share(Spread):
    """Shares, from `min` to `max`, both among them; the others lie evenly between them, and are round."""

    min: Annotated[float, Field(ge=0, lt=1)]
    """The least."""
    max: Annotated[float, Field(ge=0, lt=1)]
    """The greatest."""


class Numbers(Spread):
    """Numbers from `min` to `max`, both among them; the others lie evenly between them, as whole numbers where these two are."""

    min: int | float
    """The least."""
    max: int | float
    """The greatest."""

    @property
    def choices(self) -> Sequence[float]:
        """The numbers, in ascending order."""
        if isinstance(self.min, int) and isinstance(self.max, int):
            return [round(place) for place in _places(self.min, self.max, self.steps, log=self.log)]
        return spread(float(self.min), float(self.max), self.steps, log=self.log)


class Whole(Numbers):
    """Whole numbers from `min` to `max`, both among them; the others lie evenly between them, as far as they can."""

    min: Annotated[int, Field(ge=1)]
    """The least."""
    max: Annotated[int, Field(ge=1)]
    """The greatest."""


def spread(low: float, high: float, n: int, *, log: bool) -> Sequence[float]:
    """Return `n` numbers from `low` to `high`, of as few digits as leave each of them near its place."""
    places = _places(low, high, n, log=log)
    of = math.log if log else float
    near = OFF * (of(high) - of(low)) / (n - 1)
    for digits in range(DIGITS):
        found = [low, *(float(f"{place:.{digits}e}") for place in places[1:-1]), high]
        if all(abs(of(a) - of(b)) <= near for a, b in zip(found, places, strict=True)):
            return found
    return places


def _places(low: float, high: float, n: int, *, log: bool) -> list[float]:
    """Return `n` numbers from `low` to `high`, evenly apart."""
    between = (np.geomspace if log else np.linspace)(low, high, n).tolist()
    return [low, *between[1:-1], high]
