"""Processes that train the same weights together, one a GPU: each computes its share of every batch.

All of them draw the same batches and the same choices from generators of the same seed, and take the same steps. So they hold the
same weights all the time, and whatever is not a gradient, such as an evaluation, each computes for itself. Batch normalisation
takes the mean and variance of the whole batch, forward and backward: a step is that of one process with the whole batch, but for
rounding.

Reference: Li et al. 2020, PyTorch Distributed: Experiences on Accelerating Data Parallel Training (arXiv:2006.15704).
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.device import Device


@dataclass(frozen=True, slots=True)
class Group:
    """The processes that train together, of which this is one."""

    rank: int = 0
    """The number of this one, from 0."""
    size: int = 1
    """How many there are."""

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes what all of them know."""
        return self.rank == 0

    def part(self, batches: Batches) -> Batches:
        """Return batches of which an epoch yields this process's part."""
        return batches if self.size == 1 else batches.part(self.rank, self.size)

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors, such as gradients, in place by their means over the processes; all give as many of the same shapes."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([t.detach().reshape(-1) for t in tensors])
        dist.all_reduce(flat)
        with torch.no_grad():
            means = torch.split(flat / self.size, [t.numel() for t in tensors])
            for tensor, mean in zip(tensors, means, strict=True):
                tensor.copy_(mean.reshape(tensor.shape))

    def agreed(self, said: bool) -> bool:
        """Return what the first process says: clocks differ, and all must do the same."""
        if self.size == 1:
            return said
        device = torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")
        told = torch.tensor([said], dtype=torch.uint8, device=device)
        dist.broadcast(told, 0)
        return bool(told.item())

    def whole_batches(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context in which batch normalisation takes the statistics of the batches of all processes together."""
        return contextlib.nullcontext() if self.size == 1 else _WholeBatches(self.size)


ALONE = Group()
"""One process that trains by itself."""


@contextlib.contextmanager
def joined(rank: int, size: int, meeting: str, device: Device) -> Iterator[Group]:
    """Join the processes that train together, and leave them when the body ends; a single one joins nobody.

    Args:
        rank: The number of this one, from 0.
        size: How many there are.
        meeting: A folder that all of them see, in which they find each other.
        device: Where this one computes.
    """
    if size == 1:
        yield ALONE
        return
    if device.is_cuda:
        torch.cuda.set_device(device.target)
    where = (Path(meeting) / "meeting").absolute().as_uri()
    dist.init_process_group("nccl" if device.is_cuda else "gloo", init_method=where, rank=rank, world_size=size)
    try:
        yield Group(rank, size)
    finally:
        dist.destroy_process_group()


class _WholeBatches(TorchFunctionMode):
    """Takes the place of `batch_norm` wherever it is called in training, by whatever module of whatever network."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func is F.batch_norm:
            return _batch_norm(*args, **given)
        return func(*args, **given)


def _batch_norm(
    x: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None, bias: Tensor | None = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalise by the mean and variance over the batches of all processes; the arguments are those of `F.batch_norm`."""
    if not training:
        return F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
    kind, dims = x.dtype, [0, *range(2, x.dim())]
    if kind in (torch.float16, torch.bfloat16):  # sums of many values, as torch's own has them
        x = x.float()
    n = _sum(x.new_tensor([x.numel() / x.shape[1]]))
    # The mean first, and then the squares about it: their difference would lose the digits that a small variance has.
    mean = _sum(x.sum(dims)) / n
    centred = x - _along(mean, x)
    variance = _sum(centred.square().sum(dims)) / n
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_((variance * n / (n - 1)).to(running_var.dtype), momentum)
    y = centred * _along(torch.rsqrt(variance + eps), x)
    if weight is not None:
        y = y * _along(weight, x)
    return (y if bias is None else y + _along(bias, x)).to(kind)


class _Sum(torch.autograd.Function):
    """The sum over processes. What a process's tensor does to the losses of all of them is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004 -- nothing is kept
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return _sum(gradient)


def _sum(x: Tensor) -> Tensor:
    """Return the sum of a tensor over the processes; it can be differentiated, twice as well."""
    total: Tensor = _Sum.apply(x)
    return total


def _along(values: Tensor, x: Tensor) -> Tensor:
    """Shape a value a channel as `x` is: (C,) -> (1, C, 1, ...)."""
    return values.reshape(1, -1, *[1] * (x.dim() - 2))
