import subprocess
import sys
import time

import pytest
import torch
from torch import Tensor, nn

from archsmith.evaluation.device import Device
from archsmith.evaluation.measures import latency_s


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
    network = Sleeper(0.001, first=0.2, slow=3)
    assert 0.001 <= latency_s(network, (3, 4, 5), cpu) < 0.1
    assert 3 + 3 <= network.calls <= 3 + 30


def test_a_slow_network_is_run_three_times_at_least_and_no_more_than_time_allows(cpu: Device) -> None:
    slow = Sleeper(0.3)
    assert latency_s(slow, (3, 4, 5), cpu) >= 0.3
    assert slow.calls == 3 + 3


def test_the_peak_memory_is_the_most_that_the_process_ever_had() -> None:
    code = """
import pytest
import torch
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.measures import peak_memory_mb
cpu = choose_device(gpu=0, fallback="cpu")
before = peak_memory_mb(cpu)
held = torch.ones(100_000_000)
during = peak_memory_mb(cpu)
del held
print(before, during, peak_memory_mb(cpu))
"""
    held = torch.ones(300_000_000)  # this process has more than the one that is measured
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(held)
    before, during, after = map(float, done.stdout.split())
    assert before < 1000  # and not what the process had that started this one
    assert 200 < during - before < 410  # 400 MB of floats, of which an import had held a part before
    assert after == pytest.approx(during, rel=0.01)  # and it does not fall; the kernel counts roughly
