from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from archsmith.evaluation.device import Device, choose_device
from archsmith.evaluation.measures import latency, peak_memory_mb

SHAPE = (3, 4, 5)


class Sleeper(nn.Module):
    """Takes the given times for one image after the other, and the last of them for all that follow, by a clock of its own."""

    def __init__(self, *seconds: float) -> None:
        super().__init__()
        self.seconds, self.calls, self.now = seconds, 0, 0.0

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape == (1, *SHAPE)
        assert not self.training
        self.now += self.seconds[min(self.calls, len(self.seconds) - 1)]
        self.calls += 1
        return x

    def clock(self) -> float:
        return self.now


def test_the_latency_is_that_of_an_image_once_it_is_warm(cpu: Device) -> None:
    network = Sleeper(0.05, 0.05, 0.05, 0.001)
    assert latency(network, SHAPE, cpu, clock=network.clock).median_s == pytest.approx(0.001)
    assert network.calls == 3 + 5 * 10


def test_a_slow_network_is_run_once_a_measurement(cpu: Device) -> None:
    slow = Sleeper(0.11)
    assert latency(slow, SHAPE, cpu, clock=slow.clock).median_s == pytest.approx(0.11)
    assert slow.calls == 3 + 5


def test_the_latency_is_the_median_of_the_measurements_and_its_spread_half_of_their_range(cpu: Device) -> None:
    # One measurement of five is disturbed for a while, as by another process.
    network = Sleeper(*[0.0] * 3, 0.12, 0.12, 0.32, 0.14, 0.12)
    found = latency(network, SHAPE, cpu, clock=network.clock)
    assert found.median_s == pytest.approx(0.12)
    assert found.spread_s == pytest.approx((0.32 - 0.12) / 2)
    assert found.metrics == {"latency_s": found.median_s, "latency_spread_s": found.spread_s}


def dense(*units: int) -> nn.Sequential:
    """Return dense layers without biases, each followed by a ReLU."""
    pairs = [(nn.Linear(a, b, bias=False), nn.ReLU()) for a, b in pairwise(units)]
    return nn.Sequential(nn.Flatten(), *(layer for pair in pairs for layer in pair))


@pytest.mark.parametrize("units", [(60, 1000, 10), (60, 10, 2000, 3000), (60, 7)])
def test_the_peak_memory_is_that_of_weights_and_of_what_lives_at_once(cpu: Device, units: Sequence[int]) -> None:
    weights = sum(a * b for a, b in pairwise(units))
    # A layer's input and output live at once, and so do those of the ReLU behind it. The image is there all the time, and
    # the first layer reads a flat copy of it.
    floats = weights + 60 + max(max(a, b) + b for a, b in pairwise(units))
    assert peak_memory_mb(dense(*units), SHAPE, cpu) == pytest.approx(4 * floats / 1e6)


class Branches(nn.Module):
    """Holds what a first layer computes until the last one adds it; views and changes in place take nothing."""

    def forward(self, x: Tensor) -> Tensor:
        kept = x.repeat(1, 1, 100, 1)
        wide = x.repeat(1, 1, 300, 1).flatten().view(1, -1).relu_()
        return kept.sum() + wide.sum()


def test_the_peak_memory_agrees_with_torchs_profiler(cpu: Device) -> None:
    network, x = Branches(), torch.zeros(1, *SHAPE)
    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        network(x)
    held = most = x.nbytes
    for event in profiled.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    assert peak_memory_mb(network, SHAPE, cpu) == pytest.approx(most / 1e6, rel=0.01)


def test_the_peak_memory_is_the_same_in_a_process_that_holds_more(cpu: Device) -> None:
    network = dense(60, 100)
    before = peak_memory_mb(network, SHAPE, cpu)
    held = torch.ones(10_000_000)
    assert peak_memory_mb(network, SHAPE, cpu) == before < 1
    assert len(held)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_the_peak_memory_agrees_with_torchs_allocator() -> None:
    gpu = choose_device(gpu=1, fallback="none")
    network = dense(60, 1000, 3000, 10).to(gpu.target)
    with torch.no_grad():
        network(torch.zeros(1, *SHAPE, device=gpu.target))  # cuBLAS keeps a workspace from its first call on
    before = torch.cuda.memory_allocated() - sum(p.nbytes for p in network.parameters())
    torch.cuda.reset_peak_memory_stats()
    counted = peak_memory_mb(network, SHAPE, gpu)
    assert counted == pytest.approx((torch.cuda.max_memory_allocated() - before) / 1e6, rel=0.01)
