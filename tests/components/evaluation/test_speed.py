from typing import Any

import pytest
import torch

from archsmith.errors import UnbuildableError
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.speed import speed
from archsmith.spaces.chain import ChainSpace
from archsmith.spec import TrainingSpec
from archsmith.values import Architecture, Fidelity

SETTINGS = TrainingSpec(batch_size=20)


def test_a_step_takes_as_long_as_its_network_and_so_does_an_image_of_validation(
    few: Dataset, slow_space: Any, cpu: Device
) -> None:
    quick = slow_space.architecture({"seconds": 0.02})
    found = speed(few, slow_space, quick, SETTINGS, fidelity=Fidelity(1, resolution=0.5), device=cpu, limit_s=0.3)
    assert found.step_s >= 0.02
    assert found.image_s >= 0.01 / 40  # two batches' worth at a time
    assert (found.steps, found.images) == (160 // 20, 60)
    assert slow_space.built[-1].shapes == {torch.Size((n, 1, 4, 4)) for n in (20, 40)}
    assert found.fixed_s > 0
    assert found.leaving_s > 0


def test_of_a_slow_network_a_few_steps_are_taken_and_no_more(few: Dataset, slow_space: Any, cpu: Device) -> None:
    found = speed(
        few, slow_space, slow_space.architecture({"seconds": 0.3}), SETTINGS, fidelity=Fidelity(1), device=cpu, limit_s=0.2
    )
    assert found.step_s >= 0.3
    assert slow_space.built[-1].calls <= 6  # four steps, one of them to warm up, and two looks


def test_steps_are_counted_as_batches_are_made(few: Dataset, space: ChainSpace, architecture: Architecture, cpu: Device) -> None:
    from archsmith.evaluation.at_fidelity import at_fidelity

    fidelity = Fidelity(3, data=0.4, width=0.5)
    found = speed(few, space, architecture, SETTINGS, fidelity=fidelity, device=cpu, limit_s=0.05)
    assert found.steps == len(Batches(at_fidelity(few, fidelity, 7).train, 20))


def test_what_has_no_network_is_none_to_measure(few: Dataset, slow_space: Any, cpu: Device) -> None:
    with pytest.raises(UnbuildableError, match="takes no images"):
        speed(few, slow_space, slow_space.architecture({"seconds": -1.0}), SETTINGS, fidelity=Fidelity(1), device=cpu)
