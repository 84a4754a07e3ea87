"""Shared weights trained by two processes, each with half of every batch, against one process with the whole batches."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._dynamo  # every optimizer imports it at its first use, for seconds: here once, and not in each process
from torch import Tensor

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.group import ALONE, Group, joined
from archsmith.evaluation.sharing.make import make_training
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import GDAS, Relaxed, Sampled, SupernetSettings
from archsmith.steps.pool import Limits, Pool
from archsmith.values import Fidelity

SPACE = NasBench201Config(cells=1, channels=4).build()

METHODS: dict[str, SupernetSettings] = {
    "single-path": Sampled(1),
    "darts to second order": Relaxed(1, update="second", hessian="exact", alpha_rate=1e-4),
    "gdas": replace(GDAS, alpha_rate=1e-4),
}
"""The alphas move little a step, as in long trainings: of a gradient that is mere rounding, Adam makes a whole step."""


DATA = {"single-path": 0.2, "darts to second order": 0.4, "gdas": 0.4}
"""Shares of the images, for four steps: in some of the next ones a rounding decides on which side of zero a unit is."""


def trained(name: str, dataset: Dataset, device: Device, group: Group) -> dict[str, Tensor]:
    """Return all weights, running statistics and alphas after some steps."""
    training = make_training(
        METHODS[name], space=SPACE, dataset=dataset, fidelity=Fidelity(1, data=DATA[name], resolution=0.5),
        training=TrainingSpec(batch_size=8), device=device, seed=3, group=group,
    )  # fmt: skip
    with group.whole_batches():
        assert next(training.run()).step >= 3
    state = training.state()
    kept = [state["bank"]] if "bank" in state else [state["learner"]["network"], {"alphas": state["learner"]["alphas"]}]
    return dict(found for part in kept for found in _tensors(part))


def _tensors(state: Any, name: str = "") -> list[tuple[str, Tensor]]:
    if isinstance(state, Tensor):
        return [(name, state.double())]
    return [found for key in state for found in _tensors(state[key], f"{name}/{key}")] if isinstance(state, dict) else []


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
@pytest.mark.parametrize("name", METHODS)
def test_two_processes_end_as_one_with_twice_the_batch(name: str, few: Dataset, cpu: Device, tmp_path: Path) -> None:
    def work(rank: int, slot: int) -> dict[str, list[float]]:
        torch.set_num_threads(1)
        with joined(rank, 2, str(tmp_path), cpu) as group:
            return {key: value.tolist() for key, value in trained(name, few, cpu, group).items()}

    alone = trained(name, few, cpu, ALONE)
    pool = Pool[int, dict[str, list[float]]](work, workers=2, limits=Limits(), attempts=1)
    for _, found in pool.run(range(2)):
        assert isinstance(found, dict)
        assert found.keys() == alone.keys()
        for key, value in alone.items():
            tolerance = 1e-4 if "running_" in key else 1e-5  # squares of activations are larger than weights
            torch.testing.assert_close(torch.tensor(found[key], dtype=torch.float64), value, atol=tolerance, rtol=tolerance)
