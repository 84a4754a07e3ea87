"""Runs a module on a device, and tells how long that took.

- The input has just been written, as that of a layer in a network has.
- On one thread of a CPU, the clock is that of the thread: it stands still while another process has the core.
- What takes less than a millisecond is repeated until one has passed, so that the clock itself does not count.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from archsmith.evaluation.device import Device

WARM_UP = 2
"""Runs before the first measurement: they allocate memory and choose kernels."""
SHORTEST_S = 1e-3
"""Seconds of a measurement, at least: of several runs where one is shorter."""


def device_name(device: Device) -> str:
    """Return the name of a device's model, as far as the system tells it: that of a CPU, too."""
    if device.is_cuda:
        return device.name
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return device.name
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), device.name)


class Stopwatch:
    """Runs modules on a device, and tells how long they took.

    Args:
        device: Where to run.
        threads: Threads of a CPU to run on.
        clock: What tells the time in seconds; where left out, that of the thread where there is one only, else that of the wall.
    """

    def __init__(self, device: Device, threads: int = 1, *, clock: Callable[[], float] | None = None) -> None:
        self.device = device
        self.threads = threads
        alone = threads == 1 and not device.is_cuda
        self._clock = clock or (time.thread_time if alone else time.perf_counter)

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Let torch use the threads that are measured on, and no gradients."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with torch.inference_mode():
                yield
        finally:
            torch.set_num_threads(before)

    def seconds(self, module: nn.Module, arguments: Any, runs: int = 1) -> float:
        """Return how long one run took, of several on the same arguments, which have just been written."""
        for leaf in tree_leaves(arguments):
            if isinstance(leaf, Tensor):
                leaf.fill_(0.5)
        self.device.synchronize()
        start = self._clock()
        for _ in range(runs):
            module(*arguments)
        self.device.synchronize()
        return (self._clock() - start) / runs


@dataclass(slots=True)
class Runner:
    """An operation or a network on the device, ready to be measured."""

    module: nn.Module
    """With tensors of its own."""
    arguments: Any
    """What it is called with."""
    runs: int
    """Runs of a measurement."""

    @classmethod
    def of(cls, module: nn.Module, arguments: Any, stopwatch: Stopwatch) -> "Runner":
        """Give a module and what it is called with memory on the device, and run it warm."""
        runner = cls(materialised(module, stopwatch.device), tree_map(_on(stopwatch.device), arguments), 1)
        for _ in range(WARM_UP):
            shortest = max(stopwatch.seconds(runner.module, runner.arguments), 1e-7)
        runner.runs = max(1, math.ceil(SHORTEST_S / shortest))
        return runner

    def measure(self, stopwatch: Stopwatch) -> float:
        """Return how long one run takes, in seconds."""
        return stopwatch.seconds(self.module, self.arguments, self.runs)


def materialised(module: nn.Module, device: Device) -> nn.Module:
    """Return a copy of a module with memory on a device, and numbers in it that no kernel is slow or quick with."""
    made = copy.deepcopy(module).to_empty(device=device.target)
    generator = torch.Generator(device.target).manual_seed(0)
    with torch.no_grad():
        for tensor in (*made.parameters(), *made.buffers()):
            if tensor.is_floating_point():
                tensor.uniform_(0.01, 0.1, generator=generator)
            else:
                tensor.zero_()
    return device.place(made).eval()


def _on(device: Device) -> Callable[[Any], Any]:
    """Return what gives tensors memory on the device, in the format that maps have there."""

    def give(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        made = torch.empty(value.shape, dtype=value.dtype, device=device.target)
        return made.to(memory_format=torch.channels_last) if made.dim() == 4 else made

    return give
