"""What a trained network costs to run: time and memory, measured."""

import resource
import statistics
import time
from pathlib import Path

import torch
from torch import nn

from archsmith.evaluation.device import Device

STATUS = Path("/proc/self/status")
"""What Linux says of this process."""

WARM_UP = 3
"""Runs before the clock starts: the first ones allocate memory and choose kernels."""
RUNS_AT_LEAST, RUNS_AT_MOST, SECONDS = 3, 30, 0.5


@torch.inference_mode()
def latency_s(network: nn.Module, input_shape: tuple[int, int, int], device: Device) -> float:
    """Return the median time of one image through `network`, in seconds, after it has warmed up.

    It takes 30 runs, or as many as half a second holds (at least 3). A CPU runs it on one thread, so that trials
    compare with each other and with the retrained winner, however many threads each was trained on.

    Args:
        network: On `device`; it is left in evaluation mode.
        input_shape: Channels, height and width.
        device: Where to run.
    """
    network.eval()
    x = torch.zeros(1, *input_shape, device=device.target).to(memory_format=torch.channels_last)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(WARM_UP):
            network(x)
        return statistics.median(_times(network, x, device))
    finally:
        torch.set_num_threads(threads)


def _times(network: nn.Module, x: torch.Tensor, device: Device) -> list[float]:
    """Return the seconds of each run."""
    times: list[float] = []
    while len(times) < RUNS_AT_MOST and (len(times) < RUNS_AT_LEAST or sum(times) < SECONDS):
        device.synchronize()
        start = time.perf_counter()
        network(x)
        device.synchronize()
        times.append(time.perf_counter() - start)
    return times


def peak_memory_mb(device: Device) -> float:
    """Return the most memory, in MB, that tensors took on the GPU, or that this process had on a CPU."""
    if device.is_cuda:
        return torch.cuda.max_memory_allocated(device.target) / 1e6
    if STATUS.exists():
        # On Linux, getrusage counts what the process before exec had: that of a large parent, in a small child.
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes, on macOS
