"""A convolution of one pixel with a stride is torch's, and stays within its memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from archsmith.models.convolution import Conv2d

GUARD = Path("/lib/x86_64-linux-gnu/libc_malloc_debug.so.0")
"""With it, glibc looks at the ends of a block when it is freed."""

TRAIN = """
import itertools, torch
from archsmith.models.convolution import Conv2d
torch.set_num_threads(2)
for c_in, side, batch, stride in itertools.product((2, 3, 12), (14, 28), (1, 3, 16), (2, 3)):
    layer = Conv2d(c_in, 2, 1, stride, bias=False).to(memory_format=torch.channels_last)
    for _ in range(3):
        x = torch.randn(batch, c_in, side, side).contiguous(memory_format=torch.channels_last).requires_grad_()
        layer(x).sum().backward()
"""


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"groups": 2}, {"padding": 1}, {"kernel_size": 3}, {"stride": (2, 3)}])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_it_is_torchs_number_by_number(options: dict, memory: torch.memory_format) -> None:
    settings = {"kernel_size": 1, "stride": 2, **options}
    torch.manual_seed(0)
    ours, theirs = Conv2d(4, 6, **settings), nn.Conv2d(4, 6, **settings)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 4, 7, 8)
    mine, other = (x.clone().to(memory_format=memory).requires_grad_() for _ in range(2))
    y, z = ours(mine), theirs(other)
    torch.testing.assert_close(y, z)
    weights = torch.randn_like(y)
    (y * weights).sum().backward()
    (z * weights).sum().backward()
    torch.testing.assert_close(mine.grad, other.grad)
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, dict(theirs.named_parameters())[name].grad)


@pytest.mark.cluster  # for its length; it needs none
@pytest.mark.skipif(not GUARD.exists(), reason="glibc's guard of memory is not installed")
def test_its_gradients_stay_within_their_memory() -> None:
    env = {**os.environ, "LD_PRELOAD": str(GUARD), "MALLOC_CHECK_": "3"}
    done = subprocess.run([sys.executable, "-c", TRAIN], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
