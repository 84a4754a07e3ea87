"""What a search does with weights that all of its architectures share: a strategy says it, or an estimator."""

from dataclasses import dataclass

from archsmith.spec.supernets import SupernetSettings


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a search does with shared weights."""

    supernet: SupernetSettings
    """How they are trained."""
    top: int
    """How many of what they like best are trained alone, >= 1."""
    looks: int | None = 0
    """How many architectures are measured with them before that; as many as the budget of trials has where it is None."""
