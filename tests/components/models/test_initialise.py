import math

import pytest
import torch
from torch import nn

from archsmith.models.blocks import ConvBlock, GlobalPool
from archsmith.models.initialise import initialise


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network() -> nn.Sequential:
    dense = (nn.Linear(128, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU())
    return nn.Sequential(ConvBlock(64, 128, 3, 1), GlobalPool(), *dense, nn.Linear(256, 100))


def weights(seed: int) -> list[torch.Tensor]:
    made = network()
    initialise(made, seeded(seed))
    return [p.detach().clone() for p in made.parameters()]


def test_the_generator_alone_decides_the_weights() -> None:
    torch.manual_seed(1)
    first = weights(5)
    torch.manual_seed(2)
    again, other = weights(5), weights(6)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_the_global_random_state_is_not_touched() -> None:
    made = network()
    before = torch.get_rng_state()
    initialise(made, seeded(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_variances_are_those_of_he() -> None:
    made = network()
    initialise(made, seeded(0))
    convolution, first, second, last = (m for m in made.modules() if isinstance(m, nn.Conv2d | nn.Linear))
    assert convolution.weight.var().item() == pytest.approx(2 / (128 * 3 * 3), rel=0.03)
    assert first.weight.var().item() == pytest.approx(2 / 128, rel=0.03)
    assert second.weight.var().item() == pytest.approx(2 / 512, rel=0.03)
    assert last.weight.var().item() == pytest.approx(1 / (3 * 256), rel=0.03)  # uniform up to 1 / sqrt(256)
    assert last.weight.abs().max().item() <= 1 / math.sqrt(256)
    assert all(abs(m.weight.mean().item()) < 3e-3 for m in (convolution, first, second, last))


def test_biases_are_zero_and_normalisation_is_the_identity() -> None:
    made = network()
    norm = next(m for m in made.modules() if isinstance(m, nn.BatchNorm2d))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.fill_(7)
        norm.running_mean.fill_(7)  # type: ignore[union-attr]
    initialise(made, seeded(0))
    assert all(m.bias.eq(0).all() for m in made.modules() if isinstance(m, nn.Linear))
    x = torch.rand(2, 128, 3, 3)
    torch.testing.assert_close(norm.eval()(x), x / math.sqrt(1 + norm.eps))


def test_a_hidden_layer_keeps_the_size_of_the_activations() -> None:
    made = nn.Sequential(*(nn.Sequential(nn.Linear(512, 512), nn.ReLU()) for _ in range(10)), nn.Linear(512, 10))
    initialise(made, seeded(0))
    x = torch.randn(256, 512, generator=seeded(1))
    size = made[:-1](x).square().mean().item()  # E[x^2] is 1 at the start
    assert size == pytest.approx(1, rel=0.3)


def test_the_first_loss_of_a_classifier_is_near_that_of_guessing() -> None:
    made = network()
    initialise(made, seeded(0))
    loss = nn.functional.cross_entropy(made(torch.rand(64, 64, 8, 8)), torch.arange(64) % 100)
    assert loss.item() == pytest.approx(math.log(100), rel=0.1)


def test_masks_and_filters_of_somebody_elses_stay_as_they_are() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, groups=4, bias=False).requires_grad_(False), nn.Flatten())
    network[1].weight.data.fill_(1 / 9)
    network[2].register_buffer("bias", torch.tril(torch.ones(3, 3)))
    initialise(network, torch.Generator().manual_seed(0))
    assert torch.equal(network[1].weight, torch.full((4, 1, 3, 3), 1 / 9))
    assert torch.equal(network[2].bias, torch.tril(torch.ones(3, 3)))
