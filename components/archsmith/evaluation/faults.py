"""What is wrong with a candidate, and what with everything else: the one fails its trial, the other ends the search."""

import re
import time
from collections.abc import Callable

import torch

from archsmith.errors import CandidateError, OutOfMemoryError
from archsmith.evaluation.device import Device
from archsmith.values import Proposal, Trial


def measured(proposal: Proposal, measure: Callable[[], dict[str, float]], *, seed: int, device: Device) -> Trial:
    """Return the trial of a candidate that is measured in one go, without epochs; a failed one where the fault is its own."""
    begun, metrics, fault = time.perf_counter(), dict[str, float](), None
    try:
        metrics = measure()
    except Exception as error:
        if not (fault := candidate_fault(error)):
            raise
    return Trial(
        proposal, "failed" if fault else "complete", metrics, error=fault, seconds=time.perf_counter() - begun,
        finished_at=time.time(), seed=seed, device=device.name,
    )  # fmt: skip


def candidate_fault(error: Exception) -> str | None:
    """Say what is wrong with the candidate, or None where the fault lies elsewhere."""
    if isinstance(error, CandidateError):
        return f"{type(error).__name__}: {error}"
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error):
        hint = "take a smaller `batch_size`, fewer `workers`, or more `resources.memory`"
        return f"{OutOfMemoryError.__name__}: {_wanted(error)}; {hint}."
    if isinstance(error, RuntimeError | ValueError | IndexError):  # what torch raises for shapes that do not fit
        return f"{type(error).__name__}: {error}"
    return None


def _wanted(error: Exception) -> str:
    """Say what there was no memory for; torch's own words for the memory of the machine are about the place in its source."""
    asked = re.search(r"you tried to allocate (\d+) bytes", str(error))
    if asked:
        return f"There was no memory for {int(asked[1]) / 1e6:.0f} MB more"
    return str(error).splitlines()[0].rstrip(".") if str(error) else "There was no memory left"
