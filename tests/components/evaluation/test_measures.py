import time

import pytest
import torch
from torch import Tensor, nn

from archsmith.evaluation.device import Device
from archsmith.evaluation.measures import latency_s, peak_memory_mb


class Sleeper(nn.Module):
    """Takes a given time for an image, and a long one for the first few."""

    def __init__(self, seconds: float, first: float = 0.0, slow: int = 0) -> None:
        super().__init__()
        self.seconds, self.first, self.slow, self.calls = seconds, first, slow, 0

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape == (1, 3, 4, 5)
        assert not self.training
        time.sleep(self.first if self.calls < self.slow else self.seconds)
        self.calls += 1
        return x


def test_the_latency_is_that_of_an_image_once_it_is_warm(cpu: Device) -> None:
    network = Sleeper(0.002, first=0.05, slow=3)
    assert latency_s(network, (3, 4, 5), cpu) == pytest.approx(0.002, rel=0.8)
    assert network.calls == 3 + 30


def test_a_slow_network_is_run_three_times_at_least_and_no_more_than_time_allows(cpu: Device) -> None:
    slow = Sleeper(0.3)
    assert latency_s(slow, (3, 4, 5), cpu) >= 0.3
    assert slow.calls == 3 + 3


def test_the_peak_memory_grows_by_what_is_allocated(cpu: Device) -> None:
    before = peak_memory_mb(cpu)
    held = torch.ones(round(2 * before * 1e6 / 4))  # more than this process ever had at once
    assert peak_memory_mb(cpu) >= 2 * before
    del held
    assert peak_memory_mb(cpu) >= 2 * before
