"""The settings that an architecture is trained with, where it decides some of them itself."""

from archsmith.spaces.space import Space
from archsmith.spaces.training import chosen
from archsmith.spec import TrainingSpec
from archsmith.values import Architecture


def settled(training: TrainingSpec, space: Space, architecture: Architecture) -> TrainingSpec:
    """Return `training` with what `architecture` has decided in place of the search file's settings.

    Reference: Zela, Klein, Falkner, Hutter 2018 (arXiv:1807.06906), section 3.
    """
    return training.model_copy(update=chosen(space.assignment(architecture)))
