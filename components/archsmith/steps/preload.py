"""What a worker needs before it is started, and how it is started."""

import sys
from multiprocessing import get_context

from archsmith.steps.pool import StartMethod

FORK_S = 10.0
"""Seconds after which a fork that should have computed a little counts as one that waits for ever."""
PARALLEL = 1 << 17
"""Numbers that torch adds up on several threads."""


def preload(*, gradients: bool = False) -> StartMethod:
    """Import what a worker needs before it is started, and return how to start it.

    A fork shares the imports and the images with this process. But it must not inherit a pool of threads, without which
    torch would wait for ever in it: so this process computes on one thread from now on, and where torch has computed on
    more already, as in a notebook, workers are started afresh. So they are where a fork could compute no gradients, or could not
    use a GPU, as this process has done.

    Args:
        gradients: Whether this process will compute some while workers run; on a machine with GPUs, no fork can after that.
    """
    loaded = sys.modules.get("torch")
    if loaded is not None and loaded.get_num_threads() > 1:
        return "spawn"
    import torch

    torch.set_num_threads(1)
    import torch._dynamo  # every optimizer of torch imports it at its first use, for seconds

    import archsmith.evaluation.train  # noqa: F401

    if gradients:
        _has_gradients()
    used_a_gpu = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return "fork" if not used_a_gpu and _a_fork_can_train() else "spawn"


def _a_fork_can_train() -> bool:
    """Tell whether a fork of this process can train; one is made to try.

    It can't where autograd has threads here, as it has in a process that exported a model before it computed its first gradient,
    nor where torch has computed on several threads, however many it has now: the fork would wait for those that it lacks.
    """
    child = get_context("fork").Process(target=_exit, daemon=True)
    child.start()
    child.join(FORK_S)
    if child.exitcode is None:
        child.kill()
        child.join()
    return child.exitcode == 0


def _exit() -> None:
    """End this process, well where it can compute gradients, and on several threads."""
    import torch

    torch.set_num_threads(2)
    torch.ones(PARALLEL).sum()
    sys.exit(0 if _has_gradients() else 1)


def _has_gradients() -> bool:
    """Compute a gradient; tell whether that can be done."""
    import torch

    try:
        torch.ones(1, requires_grad=True).sum().backward()  # type: ignore[no-untyped-call]
    except RuntimeError:
        return False
    return True
