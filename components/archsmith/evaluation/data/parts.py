"""The three parts of a data set: those that its source has, and those that are set aside from its training images."""

from collections.abc import Callable

import torch

from archsmith.evaluation.data.cleaning import cleaned
from archsmith.evaluation.data.dataset import Numbered, Part, Splits
from archsmith.evaluation.data.stratify import set_aside
from archsmith.spec import DataSpec
from archsmith.values.findings import Finding

TEST_SEED = 0
"""Seed of the test images, the same for every search: results of different seeds stay comparable, and
an image that one search tests with is never one that another has trained on."""


Share = Callable[[int], float]
"""From the number of images to train and to validate with to the share of them that validate."""


def parted(
    splits: Splits, spec: DataSpec, *, seed: int, validation: Share | None = None
) -> tuple[dict[str, Part], torch.Tensor, tuple[Finding, ...]]:
    """Part the images.

    Args:
        splits: Those of the source.
        spec: The section `data`.
        seed: Of the validation images.
        validation: Says which share of the images they are; that of the section where it is left out.

    Returns:
        The parts `train`, `validation` and `test`; which training images of the source are in any of them, (n,), int64, sorted:
        not all where `data.clean` leaves some out; and what is told of that.
    """
    parts = {
        name: Part(images, splits.names.get(name) or Numbered(name, range(len(images)))) for name, images in splits.named.items()
    }
    kept = torch.arange(len(splits.train))
    findings: tuple[Finding, ...] = ()
    if "test" not in parts:
        rest, aside = set_aside(splits.train, spec.test, seed=TEST_SEED, classes=splits.classes, held="test")
        parts |= {"train": parts["train"].take(rest), "test": parts["train"].take(aside)}
        kept = rest
    if spec.clean:
        clean, findings = cleaned(parts, splits.classes, least=1 if "validation" in parts else 2)
        parts["train"], kept = parts["train"].take(clean), kept[clean]
    if "test" not in splits.named:
        kept = torch.cat([kept, aside]).sort().values
    if "validation" not in parts:
        share = spec.validation if validation is None else validation(len(parts["train"].images))
        rest, aside = set_aside(parts["train"].images, share, seed=seed, classes=splits.classes, held="validation")
        parts |= {"train": parts["train"].take(rest), "validation": parts["train"].take(aside)}
    return parts, kept, findings
