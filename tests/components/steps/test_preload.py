"""How workers are started, in processes of all kinds."""

import subprocess
import sys

import pytest

AFTER_AN_EXPORT = """
import torch
torch.set_num_threads(1)
torch.export.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),))
torch.ones(1, requires_grad=True).sum().backward()
"""

AFTER_TWO_THREADS = """
import torch
torch.set_num_threads(2)
torch.ones(1 << 20).sum()
torch.set_num_threads(1)
"""


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
@pytest.mark.parametrize(("before", "method"), [("", "fork"), (AFTER_AN_EXPORT, "spawn"), (AFTER_TWO_THREADS, "spawn")])
def test_workers_are_started_afresh_where_a_fork_could_not_train(before: str, method: str) -> None:
    code = f"{before}from archsmith.steps.preload import preload\nprint(preload(), preload(gradients=True))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{method} {method}\n"
