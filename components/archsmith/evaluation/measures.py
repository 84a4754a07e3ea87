"""What a trained network costs to run: time and memory of one image."""

import itertools
import statistics
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archsmith.evaluation.device import Device
from archsmith.values.metrics import SPREAD

WARM_UP = 3
"""Runs before the clock starts: the first ones allocate memory and choose kernels."""
REPEATS = 5
"""Measurements of a latency, apart from each other: what another process does to one of them shows in their spread."""
RUNS_AT_MOST, SECONDS = 10, 0.1
"""Runs of a measurement, at least one, and the seconds after which it takes no more of them."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one image takes, as far as that can be told."""

    median_s: float
    """Median of the measurements, in seconds."""
    spread_s: float
    """Half of the range of the measurements, in seconds: a smaller difference between two networks is noise."""

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of a trial."""
        return {"latency_s": self.median_s, SPREAD: self.spread_s}


@torch.inference_mode()
def latency(
    network: nn.Module, input_shape: tuple[int, int, int], device: Device, *, clock: Callable[[], float] = time.perf_counter
) -> Latency:
    """Measure one image's time through `network` five times over, after it has warmed up.

    Each measurement is the median of ten runs, or of as many as a tenth of a second holds. A CPU runs them on one thread, so
    that trials compare with each other and with the retrained winner, however many threads each was trained on.

    Args:
        network: On `device`; it is left in evaluation mode.
        input_shape: Channels, height and width.
        device: Where to run.
        clock: Seconds from any moment on.
    """
    network.eval()
    x = torch.zeros(1, *input_shape, device=device.target).to(memory_format=torch.channels_last)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(WARM_UP):
            network(x)
        found = [statistics.median(_times(network, x, device, clock)) for _ in range(REPEATS)]
    finally:
        torch.set_num_threads(threads)
    return Latency(statistics.median(found), (max(found) - min(found)) / 2)


def _times(network: nn.Module, x: torch.Tensor, device: Device, clock: Callable[[], float]) -> list[float]:
    """Return the seconds of each run of a measurement."""
    times: list[float] = []
    while len(times) < RUNS_AT_MOST and (not times or sum(times) < SECONDS):
        device.synchronize()
        start = clock()
        network(x)
        device.synchronize()
        times.append(clock() - start)
    return times


@torch.no_grad()
def peak_memory_mb(network: nn.Module, input_shape: tuple[int, int, int], device: Device) -> float:
    """Return the most memory, in MB, that the network's tensors take at once while one image goes through it.

    Its weights, the image and what is computed from it count; what the process, torch's libraries and the kernels' own scratch
    space take does not. So it is a property of the network: the same on a laptop and a GPU, and in each run.

    Args:
        network: On `device`; it is left in evaluation mode.
        input_shape: Channels, height and width.
        device: Where it lies.
    """
    network.eval()
    x = torch.zeros(1, *input_shape, device=device.target).to(memory_format=torch.channels_last)
    with _Living(itertools.chain(network.parameters(), network.buffers(), [x])) as living:
        network(x)
    return float(living.peak / 1e6)


class _Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the bytes of the storages that live, those given included; views share theirs."""

    def __init__(self, given: Iterable[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._now = 0
        self._known: dict[int, int] = {}
        for tensor in given:
            self._add(tensor)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Compute, and take note of what has come out."""
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self._add(leaf)
        return out

    def _add(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key = id(storage)  # torch keeps one object for a storage as long as it lives
        if key in self._known:
            return
        self._known[key] = storage.nbytes()
        self._now += storage.nbytes()
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._drop, key).atexit = False

    def _drop(self, key: int) -> None:
        self._now -= self._known.pop(key)
