"""Where a network is trained, chosen at run time."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from archsmith.errors import PermanentError
from archsmith.spec import ResourcesSpec

Precision = Literal["auto", "float32", "mixed"]
"""Of the forward pass, as in the search file."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device and how to use it well."""

    target: torch.device
    """The device of torch."""
    name: str
    """For people: `cpu`, or the name of the GPU."""

    @property
    def is_cuda(self) -> bool:
        """Whether it is a GPU."""
        return self.target.type == "cuda"

    def place(self, network: nn.Module) -> nn.Module:
        """Move `network` there, in the memory format that its convolutions are fastest in."""
        return network.to(self.target, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def autocast(self, precision: Precision) -> torch.autocast:
        """Return the context of the forward pass."""
        return torch.autocast(self.target.type, dtype=self.low_precision, enabled=self.is_mixed(precision))

    def scaler(self, precision: Precision) -> torch.amp.GradScaler:
        """Return what keeps small gradients from vanishing in float16; it does nothing where no float16 is used."""
        enabled = self.is_mixed(precision) and self.low_precision == torch.float16
        return torch.amp.GradScaler(self.target.type, enabled=enabled)

    def is_mixed(self, precision: Precision) -> bool:
        """Tell whether the forward pass mixes precisions; `auto` does on a GPU only."""
        return precision == "mixed" or (precision == "auto" and self.is_cuda)

    @property
    def low_precision(self) -> torch.dtype:
        """bfloat16 where the device computes in it, else float16, which needs its loss scaled."""
        computes = not self.is_cuda or torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if computes else torch.float16

    def synchronize(self) -> None:
        """Wait for what was started, so that a clock tells the truth."""
        if self.is_cuda:
            torch.cuda.synchronize(self.target)


def choose_device(*, gpu: int, fallback: str, index: int = 0) -> Device:
    """Choose a GPU where GPUs are asked for and there are any, else the CPU.

    Args:
        gpu: GPUs that are asked for.
        fallback: `cpu` or `none`: what to do where there is none.
        index: Which GPU; taken modulo their number.

    Raises:
        PermanentError: GPUs are asked for, there is none, and `fallback` is `none`.
    """
    if gpu and torch.cuda.is_available():
        device = torch.device("cuda", index % torch.cuda.device_count())
        return Device(device, torch.cuda.get_device_name(device))
    if gpu and fallback == "none":
        raise PermanentError(f"`resources.gpu` is {gpu}, but torch finds no GPU; set `resources.fallback: cpu` to go on without.")
    return Device(torch.device("cpu"), "cpu")


def device_of(resources: ResourcesSpec, index: int = 0) -> Device:
    """Choose the device that the resources of a search ask for, as `choose_device` does."""
    return choose_device(gpu=resources.gpu, fallback=resources.fallback, index=index)


def is_built_for_gpus() -> bool:
    """Tell whether torch could use a GPU if there is one; none is woken, as a process must not that forks others."""
    return bool(torch.version.cuda or torch.version.hip)


def to_cpu(state: Any) -> Any:
    """Copy the tensors of a nested state to the CPU, so that no later step of training changes them."""
    if isinstance(state, torch.Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: to_cpu(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(to_cpu(value) for value in state)
    return state
