"""What a trained network costs to run: time and memory, measured."""

import resource
import statistics
import sys
import time

import torch
from torch import nn

from archsmith.evaluation.device import Device

WARM_UP = 3
"""Runs before the clock starts: the first ones allocate memory and choose kernels."""
RUNS_AT_LEAST, RUNS_AT_MOST, SECONDS = 3, 30, 0.5


@torch.inference_mode()
def latency_s(network: nn.Module, input_shape: tuple[int, int, int], device: Device) -> float:
    """Return the median time of one image through `network`, in seconds, after it has warmed up.

    It takes 30 runs, or as many as half a second holds (at least 3).

    Args:
        network: On `device`; it is left in evaluation mode.
        input_shape: Channels, height and width.
        device: Where to run.
    """
    network.eval()
    x = torch.zeros(1, *input_shape, device=device.target).to(memory_format=torch.channels_last)
    for _ in range(WARM_UP):
        network(x)
    times: list[float] = []
    while len(times) < RUNS_AT_MOST and (len(times) < RUNS_AT_LEAST or sum(times) < SECONDS):
        device.synchronize()
        start = time.perf_counter()
        network(x)
        device.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_memory_mb(device: Device) -> float:
    """Return the most memory, in MB, that tensors took on the GPU, or that this process had on a CPU."""
    if device.is_cuda:
        return torch.cuda.max_memory_allocated(device.target) / 1e6
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
