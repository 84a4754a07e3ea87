"""Whether a new model takes the place of the one that serves: both are held to the same test images.

Reference:
    McNemar, Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages (Psychometrika 12, 1947):
    of two models on the same images, only those count that one knows and the other does not.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

Alias = Literal["champion", "challenger"]
When = Literal["better", "always", "never"]


@dataclass(frozen=True, slots=True)
class Paired:
    """Two models on the same images."""

    n: int
    """Images, >= 1."""
    new: int
    """Those that the new model knows."""
    old: int
    """Those that the old one knows."""
    gained: int
    """Those that the new one knows and the old one does not."""

    def __post_init__(self) -> None:
        if self.n < 1 or not 0 <= self.gained <= self.new <= self.n or not 0 <= self.lost <= self.old <= self.n:
            raise ValueError(f"Two models know parts of at least one image, but these are {self}.")

    @property
    def lost(self) -> int:
        """Those that the old one knows and the new one does not."""
        return self.old - (self.new - self.gained)

    @property
    def difference(self) -> float:
        """By how much the share that the new one knows is larger, in [-1, 1]."""
        return (self.gained - self.lost) / self.n

    @property
    def error(self) -> float:
        """Standard error of the difference: that of a mean of n values, each -1, 0 or 1; infinite for a single image."""
        if self.n == 1:
            return math.inf
        return math.sqrt(((self.gained + self.lost) / self.n - self.difference**2) / (self.n - 1))

    @classmethod
    def of(cls, new: Sequence[bool], old: Sequence[bool]) -> Self:
        """Count what two models know of the same images, in the same order."""
        pairs = list(zip(new, old, strict=True))
        return cls(len(pairs), sum(a for a, _ in pairs), sum(b for _, b in pairs), sum(a and not b for a, b in pairs))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a new model, and why."""

    alias: Alias
    """What it is called from now on."""
    why: str
    """Why, a sentence."""
    against: str
    """The version that had the alias; empty where none had."""
    paired: Paired | None = None
    """How the two compare; None where they were not compared."""
    version: str = ""
    """Its own version in MLflow; empty until it has one."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        paired = Paired(**raw["paired"]) if raw["paired"] else None
        return cls(raw["alias"], raw["why"], raw["against"], paired, raw.get("version", ""))


def judge(when: When, margin: float | None, against: str, compared: Paired | str) -> Judgement:
    """Say whether a new model becomes the champion in the place of version `against`.

    Args:
        when: Whether it does so where it is better, always, or never.
        margin: By how much it must be better; one standard error of the difference where it is None.
        against: The version that is the champion; empty where none is.
        compared: How the two compare, or a clause that says why they can't be compared; it does not count unless `better` asks.
    """
    if when == "never":
        rest = f"Version {against} stays the champion" if against else "There is no champion"
        return Judgement("challenger", f"{rest}, as `promote.when` is never.", against)
    if not against:
        return Judgement("champion", "There was no champion before it.", against)
    if when == "always":
        return Judgement("champion", f"It takes the place of version {against}, as `promote.when` is always.", against)
    if isinstance(compared, str):
        return Judgement("challenger", f"It was not compared with version {against}, the champion: {compared}.", against)
    needed = compared.error if margin is None else margin
    better = compared.difference > needed and not math.isclose(compared.difference, needed)
    least = f"{100 * needed:.2f}{', a standard error' if margin is None else ''}"
    why = (
        f"It knows {compared.new / compared.n:.2%} of the {compared.n:,} test images, and version {against}, the champion, "
        f"{compared.old / compared.n:.2%}: {100 * compared.difference:+.2f} ± {100 * compared.error:.2f} points, "
        f"{'more than the' if better else 'and it takes more than'} {least}."
    )
    return Judgement("champion" if better else "challenger", why, against, compared)
