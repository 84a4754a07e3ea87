"""The interface of a score."""

from collections.abc import Callable

from torch import Tensor, nn

Score = Callable[[nn.Module, Tensor, Tensor], float]
"""From a network in training mode, images (B, C, H, W), float32, normalised, and labels (B,), int64, to a number.

The network is the score's own: it may change what it likes. Where nothing can be said, it is infinite or not a number."""
