"""What a network that inherits weights begins with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Born:
    """A network began with the weights of another one, as far as they fit."""

    parent: str
    """Id of the trial that it has them from."""
    epochs: int
    """Epochs that these weights had been trained for, those of the parent's own parents included."""
    exact: float
    """Share of its parameters that came by operations that keep what the network computes, in [0, 1]."""
    approximate: float
    """Share of its parameters that came by others, such as a layer's filters of which some were left out, in [0, 1]."""
    same: bool
    """Whether it computed what its parent does, up to rounding, before its first step."""
    accuracy: float
    """At birth: on the validation images, before its first epoch, and after what it was taught where it was shrunk."""
    seconds: float = 0.0
    """Seconds that its birth took, distillation included."""

    def __post_init__(self) -> None:
        shares = (self.exact, self.approximate, self.accuracy)
        if self.epochs < 1 or not all(0 <= share <= 1 for share in shares) or self.seconds < 0:
            raise ValueError(f"A birth has an epoch at least, shares and an accuracy in [0, 1], and a time >= 0, but is {self}.")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A network was to begin with the weights of another one, which were gone, or could not be used: it began from scratch."""

    parent: str
    """Id of the trial that it was to have them from."""
    why: str
    """What was wrong with them, a clause: `its checkpoint is gone`."""
    seconds: float = 0.0
    """Seconds in which they were looked for."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


Birth = Born | Orphan
"""How a network that inherits began."""


def birth_from_dict(raw: Mapping[str, Any] | None) -> Birth | None:
    """Read the JSON form of a birth; null is that nothing was to be inherited."""
    if raw is None:
        return None
    if "why" in raw:
        return Orphan(**raw)
    return Born(**raw)
