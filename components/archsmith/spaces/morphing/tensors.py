"""What is known of a tensor of two networks that compute the same: which channels of one are copies of which of the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a network, and what it is in a larger one."""

    n: int
    """Channels in the network."""
    copied: tuple[int, ...]
    """For each channel in the larger one, which of these it is."""
    not_negative: bool = False
    """Whether it follows a ReLU, so that another one changes nothing."""

    @property
    def is_aligned(self) -> bool:
        """Whether the channels are what layers make of more filters: all of them, then again from the first on."""
        return self.copied == replicated(self.n, len(self.copied)).copied

    def negative(self) -> "Tensor":
        """Return the tensor as one that may be negative somewhere."""
        return replace(self, not_negative=False)


IMAGE = Tensor(0, ())
"""The network's input, whose channels are not known here."""


def replicated(n: int, larger: int, *, not_negative: bool = False) -> Tensor:
    """Return what a layer gives that has more filters: copies of the first ones come after the last."""
    return Tensor(n, tuple(k % n for k in range(larger)) if n else (), not_negative)


def projected(x: Tensor, n: int, larger: int) -> Tensor | None:
    """Return what comes of a tensor that is brought to so many channels by a 1x1 convolution where it has others.

    None where the larger network does not need the convolution that the other one has. Where it alone needs one, that hands
    on what comes in.
    """
    if x == IMAGE:
        return replicated(n, larger) if n == larger else None
    had, has = x.n != n, len(x.copied) != larger
    if had:
        return replicated(n, larger) if has else None
    return passed(x, larger).negative() if has else x


def passed(x: Tensor, larger: int) -> Tensor:
    """Return what an identity gives that has so many channels: each of those that come in once, then again from the first on."""
    distinct = list(dict.fromkeys(x.copied))[:larger]
    return replace(x, copied=tuple(distinct[k % len(distinct)] for k in range(larger)))


def concatenated(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors one after the other."""
    copied = tuple(sum(t.n for t in tensors[:k]) + j for k, tensor in enumerate(tensors) for j in tensor.copied)
    return Tensor(sum(t.n for t in tensors), copied, all(t.not_negative for t in tensors))


def summed(tensors: Sequence[Tensor]) -> Tensor | None:
    """Return the sum of tensors, brought to the channels of the first; None where it is not a sum of copies of the same."""
    first = tensors[0]
    others = [projected(tensor, first.n, len(first.copied)) for tensor in tensors[1:]]
    if any(other is None or other.copied != first.copied for other in others):
        return None
    return replace(first, not_negative=all(t is not None and t.not_negative for t in (first, *others)))
