"""Torch's own random numbers, from a seed: layers of somebody else's draw from them, and dropout does."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from archsmith.evaluation.device import Device


@contextmanager
def seeded(seed: int, device: Device) -> Iterator[None]:
    """Have torch draw its own random numbers from a seed while the body runs; after that, they go on as they were.

    Args:
        seed: The seed.
        device: Where something is computed, beside the CPU.
    """
    with torch.random.fork_rng([device.target] if device.is_cuda else []):
        torch.manual_seed(seed)
        yield
