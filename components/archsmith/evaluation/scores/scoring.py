"""Scores of architectures: their networks are built, scored and forgotten."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import torch

from archsmith.errors import UnbuildableError, UnscorableError
from archsmith.evaluation.config import InputShape
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.scores import computed
from archsmith.evaluation.scores.batch import Batch
from archsmith.evaluation.seeding import seeded
from archsmith.models import build
from archsmith.models.cost import cost_of
from archsmith.models.initialise import initialise
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Fidelity, seed_from
from archsmith.values.scores import SIZES, ScoreName

Scores = Callable[[Architecture], Mapping[str, float]]
"""From an architecture to its scores by name; NaN where it has no network, or that has no such score."""

SMALL = Fidelity(epochs=1, width=0.5)
"""Networks are scored so, on images of `SIDE` pixels at most: what scores rank by is how layers follow each other."""
SIDE = 16
BATCH = 32
"""Images of a batch."""
KNOWN = 100_000
"""Architectures whose scores a process remembers; a few numbers each."""
DIGITS = 6
"""Significant digits that are kept, so that processors which round otherwise tell the same."""


def scoring(
    space: Space,
    names: Sequence[ScoreName],
    input_shape: InputShape,
    n_classes: int,
    *,
    batch: Batch | None = None,
    seed: int = 0,
) -> Scores:
    """Return what scores the architectures of a space: a pure function, which remembers what it has scored.

    Args:
        space: Where they come from.
        names: Which scores; `n_params` and `flops` are those of the network at full fidelity, counted without any memory, and
            all others those of a smaller one.
        input_shape: Channels, height and width of an image.
        n_classes: Number of classes.
        batch: What other scores look at; noise where it is left out.
        seed: Of weights and noise.
    """
    sizes, others = [name for name in names if name in SIZES], [name for name in names if name not in SIZES]
    channels, *sides = input_shape
    height, width = (min(side, SIDE) for side in sides)
    looked_at = batch or Batch.noise((channels, height, width), n_classes, BATCH, seed)

    @lru_cache(maxsize=KNOWN)
    def scores(architecture: Architecture) -> Mapping[str, float]:
        try:
            counted = cost_of(space, architecture, input_shape, n_classes) if sizes else None
        except UnbuildableError:
            return dict.fromkeys(names, math.nan)
        counts = {name: float(getattr(counted, name)) for name in sizes}
        known = counts | scored(space.canonical(architecture))  # however a network is spelled, its weights are the same
        return {name: known[name] for name in names}

    @lru_cache(maxsize=KNOWN)
    def scored(architecture: Architecture) -> dict[ScoreName, float]:
        if not others:
            return {}
        channels, height, width = looked_at.images.shape[1:]
        own = seed_from(f"{seed}/{architecture.id}")
        try:
            with seeded(own, choose_device(gpu=0, fallback="cpu")):
                network = build(space, architecture, (channels, height, width), n_classes, fidelity=SMALL)
        except UnbuildableError:
            return dict.fromkeys(others, math.nan)
        initialise(network, torch.Generator().manual_seed(own))
        return {name: _told(name, network, looked_at) for name in others}

    return scores


def _told(name: ScoreName, network: torch.nn.Module, batch: Batch) -> float:
    """Return a score, rounded; NaN where there is none, or the images are too small for the network."""
    try:
        return float(f"{computed(name, network, batch.images, batch.labels):.{DIGITS}g}")
    except (UnscorableError, RuntimeError, ValueError):
        return math.nan
