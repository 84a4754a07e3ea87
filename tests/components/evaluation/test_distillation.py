import copy
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.distillation import distil

PIXELS = 64


@pytest.fixture
def batches(few: Dataset) -> Batches:
    """Return digits whose labels are all wrong: they are of no class that there is."""
    return Batches(replace(few.train, labels=torch.full_like(few.train.labels, -1)), 32)


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))


def taught(batches: Batches, epochs: float, teacher: nn.Module | None = None) -> tuple[nn.Module, nn.Module]:
    """Return a teacher and a student that has learned from it."""
    teacher, student = teacher or network(0), network(1)
    distil(teacher, student, batches, epochs=epochs, generator=torch.Generator().manual_seed(2))
    return teacher, student.eval()


def images(batches: Batches) -> Tensor:
    return torch.cat([x for x, _ in batches.evaluation()])


def weights(network: nn.Module) -> dict[str, list[float]]:
    return {name: value.tolist() for name, value in network.state_dict().items()}


def test_a_student_comes_to_compute_what_its_teacher_does_and_looks_at_no_label(batches: Batches) -> None:
    def distance(pair: tuple[nn.Module, nn.Module]) -> float:
        teacher, student = pair
        return (teacher(images(batches)) - student(images(batches))).square().mean().item()

    assert distance(taught(batches, 60)) < 0.2 * distance(taught(batches, 0))


def test_a_teacher_is_left_as_it_is(batches: Batches) -> None:
    before = copy.deepcopy(network(0)).eval()
    teacher, _ = taught(batches, 1)
    assert weights(teacher) == weights(before)
    assert not teacher.training


def test_the_same_generator_teaches_the_same(batches: Batches) -> None:
    assert weights(taught(batches, 1)[1]) == weights(taught(batches, 1)[1]) != weights(network(1))


@pytest.mark.parametrize(("epochs", "steps"), [(0.0, 0), (0.1, 1), (0.5, 3), (1.0, 5), (1.3, 7)])
def test_a_part_of_a_pass_is_as_many_steps_of_it(batches: Batches, epochs: float, steps: int) -> None:
    seen = 0

    class Counting(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            nonlocal seen
            seen += 1
            return torch.zeros(len(x), 3)

    taught(batches, epochs, Counting())
    assert (len(batches), seen) == (5, steps)


def test_the_steps_are_those_of_adam_on_the_mean_squared_error_of_the_logits(batches: Batches) -> None:
    teacher, student = taught(batches, 1)
    alone, generator = network(1).train(), torch.Generator().manual_seed(2)
    optimizer = torch.optim.Adam(alone.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=5)
    for x in drawn(batches, generator):
        optimizer.zero_grad()
        (alone(x) - teacher(x)).square().mean().backward()
        optimizer.step()
        schedule.step()
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(student.state_dict()[name], value, msg=name)


def drawn(batches: Batches, generator: torch.Generator) -> Iterator[Tensor]:
    return (x for x, _ in batches.epoch(generator))
