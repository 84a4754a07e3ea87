"""Processes that train together, against one process with the whole batch."""

from pathlib import Path

import pytest
import torch
import torch._dynamo  # every optimizer imports it at its first use, for seconds: here once, and not in each process
from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data.dataset import Images
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.sharing.group import ALONE, Group, joined
from archsmith.steps.pool import Limits, Pool

CPU = choose_device(gpu=0, fallback="cpu")


def network(dtype: torch.dtype) -> nn.Module:
    """Return a network with batch normalisation of every kind, on (B, 2, 6, 6)."""
    generator = torch.Generator().manual_seed(1)
    made = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, affine=False), nn.ReLU(), nn.Conv2d(4, 3, 3, stride=2), nn.BatchNorm2d(3),
        nn.Flatten(), nn.Linear(3, 5), nn.BatchNorm1d(5, track_running_stats=False), nn.ReLU(), nn.Linear(5, 3),
    ).to(dtype)  # fmt: skip
    with torch.no_grad():
        for p in made.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64) / 2)
    return made


def images() -> Images:
    generator = torch.Generator().manual_seed(2)
    return Images(torch.randint(200, 256, (35, 2, 6, 6), generator=generator, dtype=torch.uint8), torch.arange(35) % 3)


def trained(group: Group, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return weights and running statistics after three batches of ten images, and the losses of all of them."""
    net, losses = network(dtype), []
    optimizer = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9)
    batches = group.part(Batches(images(), 10, augment=("flip", "crop")))
    with group.whole_batches():
        for x, y in batches.epoch(torch.Generator().manual_seed(3)):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(20 * x.to(dtype)), y)  # far from zero, so that rounding shows
            loss.backward()
            losses.append(loss.detach())
            group.average([p.grad for p in net.parameters() if p.grad is not None])
            optimizer.step()
    group.average(losses)
    found = {name: value.detach().double() for name, value in net.state_dict().items()}
    return {**found, "losses": torch.stack(losses).double()}


def together(meeting: Path, dtype: torch.dtype) -> list[dict[str, Tensor]]:
    """Return the same of two processes."""

    def work(rank: int, slot: int) -> dict[str, list[float]]:
        torch.set_num_threads(1)
        with joined(rank, 2, str(meeting), CPU) as group:
            return {name: value.tolist() for name, value in trained(group, dtype).items()}

    pool = Pool[int, dict[str, list[float]]](work, workers=2, limits=Limits(), attempts=1)
    found = [result for _, result in pool.run(range(2))]
    return [{name: torch.tensor(value, dtype=torch.float64) for name, value in r.items()} for r in found]  # type: ignore[union-attr]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12), (torch.bfloat16, 0.1)])
def test_two_processes_end_as_one_with_the_whole_batch(tmp_path: Path, dtype: torch.dtype, tolerance: float) -> None:
    alone = trained(ALONE, dtype)
    for found in together(tmp_path, dtype):
        assert found.keys() == alone.keys()
        for name, value in alone.items():
            torch.testing.assert_close(
                found[name], value, atol=tolerance, rtol=tolerance, msg=lambda m, name=name: f"{name}: {m}"
            )


def test_alone_everything_is_as_it_was() -> None:
    batches, x = Batches(images(), 10), torch.ones(3)
    assert ALONE.part(batches) is batches
    ALONE.average([x])
    assert torch.equal(x, torch.ones(3))
    assert ALONE.agreed(True)
    assert not ALONE.agreed(False)
    assert ALONE.leads
    with joined(0, 1, "", CPU) as group:
        assert group is ALONE
