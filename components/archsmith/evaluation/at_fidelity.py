"""The images of a data set at a lower fidelity."""

from dataclasses import replace

from archsmith.evaluation.data import Dataset, resized, subset
from archsmith.values import Fidelity


def at_fidelity(dataset: Dataset, fidelity: Fidelity, seed: int) -> Dataset:
    """Return the data set with fewer training images, and with smaller ones to train and to validate with.

    Args:
        dataset: All images; those to test with are left as they are.
        fidelity: Its `data` and its `resolution` count.
        seed: Of the part of the data.
    """
    train = resized(subset(dataset.train, fidelity.data, seed), fidelity.resolution)
    return replace(dataset, train=train, validation=resized(dataset.validation, fidelity.resolution))
