"""What a trained network costs to run: time and memory, measured."""

import resource
import statistics
import sys
import time

import torch
from torch import nn

from archsmith.evaluation.device import Device

WARM_UP, RUNS, AT_MOST_S = 3, 30, 0.5


@torch.inference_mode()
def latency_s(network: nn.Module, input_shape: tuple[int, int, int], device: Device) -> float:
    """Return the median time of one image through `network`, in seconds, after it has warmed up.

    It takes 30 runs, or as many as half a second holds (at least 3).
    """
    network.eval()
    x = torch.zeros(1, *input_shape, device=device.torch).to(memory_format=torch.channels_last)
    for _ in range(WARM_UP):
        network(x)
    times: list[float] = []
    while len(times) < RUNS and (len(times) < WARM_UP or sum(times) < AT_MOST_S):
        device.synchronize()
        start = time.perf_counter()
        network(x)
        device.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_memory_mb(device: Device) -> float:
    """Return the most memory, in MB, that tensors took on the GPU, or that this process had on a CPU."""
    if device.is_cuda:
        return torch.cuda.max_memory_allocated(device.torch) / 1e6
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
