"""Scores against closed forms, brute force, and the formulas as their authors' code has them."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.errors import UnscorableError
from archsmith.evaluation.scores import SCORES, computed
from archsmith.models import build
from archsmith.models.blocks import ConvBlock
from archsmith.models.initialise import initialise
from archsmith.spaces.cells.cell import CellConfig
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.mobile import MobileConfig
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spaces.space import SpaceConfig
from archsmith.values import Fidelity
from archsmith.values.scores import ZERO_COST

SPACES: dict[str, SpaceConfig] = {
    "chain": ChainConfig.model_validate({"layers": {"min": 4, "max": 4}, "filters": [16, 32]}),
    "cell": CellConfig(cells=3, channels=4),
    "mobile": MobileConfig(),
    "nas-bench-201": NasBench201Config(channels=4, cells=1),
}


def batch(n: int = 6, channels: int = 2, side: int = 5, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(n, channels, side, side, generator=generator), torch.arange(n) % classes


def drawn(network: nn.Module) -> nn.Module:
    initialise(network, torch.Generator().manual_seed(0))
    return network


def linear(*units: int) -> nn.Module:
    """Return linear layers on images of (2, 5, 5), without biases or activations."""
    layers = [nn.Linear(a, b, bias=False) for a, b in zip((50, *units), units, strict=False)]
    return drawn(nn.Sequential(nn.Flatten(), *layers))


def convolutional() -> nn.Module:
    return drawn(
        nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(3, 3, 3, bias=False), nn.ReLU(),
            nn.Flatten(), nn.Linear(27, 3),
        )
    )  # fmt: skip


def weights(network: nn.Module) -> list[Tensor]:
    return [module.weight for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def score(name: str, network: nn.Module, images: Tensor, labels: Tensor) -> float:
    return computed(name, network, images, labels)  # type: ignore[arg-type]


def test_every_score_is_described() -> None:
    assert list(SCORES) == list(ZERO_COST)
    assert all(facts.doc for facts in ZERO_COST.values())


@pytest.mark.parametrize("space", SPACES)
def test_every_score_is_finite_and_repeats_and_leaves_the_network_as_it_was(space: str) -> None:
    made, (images, labels) = SPACES[space].build(), batch(4, 3, 8, 10)
    architecture = made.sample(np.random.default_rng(3))
    network = drawn(build(made, architecture, (3, 8, 8), 10, fidelity=Fidelity(1, width=0.25, depth=0.5))).eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for name in SCORES:
        value = score(name, network, images, labels)
        assert math.isfinite(value)
        assert score(name, network, images, labels) == value
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any(module.training or module._forward_hooks for module in network.modules())
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("name", ["synflow", "jacov", "naswot", "snip", "fisher", "grad_norm", "expressivity"])
def test_what_is_not_finite_is_an_error_that_names_the_score(name: str) -> None:
    network = convolutional()
    with torch.no_grad():
        next(network.parameters()).fill_(math.inf)
    with pytest.raises(UnscorableError, match=name):
        score(name, network, *batch())


def test_what_flows_through_linear_layers_is_the_product_of_their_absolute_weights_once_a_layer() -> None:
    network = linear(7, 4, 3)
    flow = torch.ones(50, dtype=torch.float64)
    for w in weights(network):
        flow = w.detach().double().abs() @ flow
    assert score("synflow", network, *batch()) == pytest.approx(math.log(3 * float(flow.sum())), rel=1e-6)


def test_flow_does_not_overflow_single_precision() -> None:
    network = linear(*[50] * 40)
    with torch.no_grad():
        for w in weights(network):
            w.fill_(1.0)
    assert score("synflow", network, *batch(classes=50)) == pytest.approx(math.log(40) + 41 * math.log(50))


def softmax_gradient(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits and their gradient, (B, 3), of a single linear layer."""
    (w,) = weights(network)
    logits = images.flatten(1) @ w.detach().T
    return logits, (logits.softmax(1) - F.one_hot(labels, 3)) / len(labels)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("grad_norm", lambda w, g: g.norm()),
        ("plain", lambda w, g: (w * g).sum()),
        ("snip", lambda w, g: (w * g).abs().sum()),
        ("l2_norm", lambda w, _: w.norm()),
    ],
)
def test_of_a_single_layer_the_gradient_is_known(name: str, expected: Callable[[Tensor, Tensor], Tensor]) -> None:
    network, (images, labels) = linear(3), batch()
    _, slope = softmax_gradient(network, images, labels)
    known = expected(weights(network)[0].detach(), slope.T @ images.flatten(1))
    assert score(name, network, images, labels) == pytest.approx(float(known), rel=1e-4)


def test_fisher_of_a_single_layer_counts_a_channel_once_a_weight() -> None:
    network, (images, labels) = linear(3), batch()
    logits, slope = softmax_gradient(network, images, labels)
    known = 50 * float((0.5 * (logits * slope).square().mean(0)).sum())
    assert score("fisher", network, images, labels) == pytest.approx(known, rel=1e-4)


def test_grasp_is_minus_weight_times_hessian_times_gradient() -> None:
    network, (images, labels) = linear(2, 3), batch()
    shapes = [w.shape for w in weights(network)]
    flat = torch.cat([w.detach().flatten() for w in weights(network)]).double()

    def loss(v: Tensor) -> Tensor:
        a, b = (part.view(shape) for part, shape in zip(v.split([s.numel() for s in shapes]), shapes, strict=True))
        return F.cross_entropy(images.flatten(1).double() @ a.T @ b.T, labels)

    h, g = torch.autograd.functional.hessian(loss, flat), torch.autograd.functional.jacobian(loss, flat)
    assert score("grasp", network, images, labels) == pytest.approx(-float(flat @ h @ g), rel=1e-3)


def test_jacov_is_that_of_its_authors_code() -> None:
    network, (images, labels) = convolutional(), batch()
    x = images.clone().requires_grad_()
    network(x).sum().backward()
    v = np.linalg.eig(np.corrcoef(x.grad.flatten(1).double().numpy()))[0].real  # type: ignore[union-attr]
    assert score("jacov", network, images, labels) == pytest.approx(-float(np.sum(np.log(v + 1e-5) + 1 / (v + 1e-5))), rel=1e-3)


def test_jacov_is_least_where_all_images_have_the_same_slope() -> None:
    n, k = 6, 1e-5
    least = -(math.log(n + k) + 1 / (n + k) + (n - 1) * (math.log(k) + 1 / k))
    assert score("jacov", linear(3), *batch(n)) == pytest.approx(least, rel=1e-3)


def test_naswot_counts_the_units_on_which_each_pair_agrees() -> None:
    network, (images, labels) = convolutional(), batch()
    signs: list[Tensor] = []
    x = images
    for module in network:  # type: ignore[attr-defined]
        signs += [(x > 0).flatten(1)] if isinstance(module, nn.ReLU) else []
        x = module(x)
    codes = torch.cat(signs, 1)
    kernel = np.array([[float((a == b).sum()) for b in codes] for a in codes])
    assert score("naswot", network, images, labels) == pytest.approx(np.linalg.slogdet(kernel)[1], rel=1e-6)


def test_units_count_whether_they_are_modules_or_functions() -> None:
    class Functional(nn.Module):
        def __init__(self, layers: nn.Module) -> None:
            super().__init__()
            self.layers = layers

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:  # type: ignore[attr-defined]
                x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
            return x

    network = convolutional()
    assert score("naswot", Functional(network), *batch()) == score("naswot", network, *batch())


def test_zico_is_that_of_its_authors_code() -> None:
    network, (images, labels) = convolutional(), batch()
    halves = []
    for part in (slice(0, 3), slice(3, 6)):
        loss = F.cross_entropy(network(images[part]), labels[part])
        halves.append([g.flatten().numpy() for g in torch.autograd.grad(loss, weights(network))])
    known = 0.0
    for layer in zip(*halves, strict=True):
        deviation = np.std(layer, axis=0)
        there = np.nonzero(deviation)[0]
        known += np.log(np.sum(np.mean(np.abs(layer), axis=0)[there] / deviation[there]))
    assert score("zico", network, images, labels) == pytest.approx(float(known), rel=1e-4)


def entropies(network: nn.Module, images: Tensor) -> list[float]:
    """Return the entropy of the principal components of each convolution's output."""
    found, x = [], images
    for module in network:  # type: ignore[attr-defined]
        x = module(x)
        if isinstance(module, nn.Conv2d):
            values = np.linalg.svd(np.cov(x.detach().double().transpose(0, 1).flatten(1).numpy(), bias=True))[1]
            shares = values / values.sum()
            found.append(float(-(shares * np.log(shares + 1e-8)).sum()))
    return found


def test_expressivity_and_progressivity_are_entropies_of_principal_components() -> None:
    network, (images, labels) = convolutional(), batch()
    first, second = entropies(network, images)
    assert score("expressivity", network, images, labels) == pytest.approx(first + second, rel=1e-4)
    assert score("progressivity", network, images, labels) == pytest.approx(second - first, rel=1e-3)


@pytest.mark.parametrize("gain", [1.0, 3.0, 0.25])
def test_a_block_that_scales_its_input_trains_as_the_gain_says(gain: float) -> None:
    stem, block = nn.Conv2d(2, 4, 1), nn.Conv2d(4, 4, 1, bias=False)
    with torch.no_grad():
        block.weight.copy_(gain * torch.eye(4)[:, :, None, None])
    network = nn.Sequential(stem, block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    images, labels = batch(64, 2, 16)
    found = score("trainability", network[:2], images, labels)  # the random signs are nearly orthogonal, over 16,384 places
    assert found == pytest.approx(2 - gain - 1 / gain, abs=0.05 * max(gain, 1 / gain))


def test_an_odd_side_that_is_halved_trains_about_as_an_even_one() -> None:
    blocks = drawn(nn.Sequential(ConvBlock(1, 16, 3, 1), *(ConvBlock(16, 16, 3, 2) for _ in range(3)))).train()
    found = [score("trainability", blocks, *batch(32, 1, side)) for side in (32, 30, 28)]  # 30, 15, 8, 4 and 28, 14, 7, 4
    assert max(found) - min(found) < 0.05


def test_sizes_are_those_of_the_network() -> None:
    network, (images, labels) = convolutional(), batch()
    assert score("n_params", network, images, labels) == 2 * 3 * 9 + 3 * 3 * 9 + 27 * 3 + 3
    assert score("flops", network, images, labels) == 25 * 2 * 3 * 9 + 9 * 3 * 3 * 9 + 27 * 3


def test_synflow_of_capped_activations_is_that_of_the_same_network_without_caps() -> None:
    def network(activation: Callable[[], nn.Module]) -> nn.Module:
        layers = [nn.Conv2d(2, 32, 3), activation(), nn.Sequential(nn.Conv2d(32, 32, 3), activation()), nn.Flatten()]
        return drawn(nn.Sequential(*layers, nn.Linear(32, 3)))

    images, labels = batch()
    assert SCORES["synflow"](network(nn.ReLU6), images, labels) == SCORES["synflow"](network(nn.ReLU), images, labels)
