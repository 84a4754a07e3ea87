from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.evaluation.export import export
from archsmith.models import build
from archsmith.models.branch import Branches, Join, Shape
from archsmith.models.cost import FULL, cost, cost_of
from archsmith.spaces.macro.branch import BranchConfig, BranchSpace
from archsmith.spaces.macro.wiring import read_wiring
from archsmith.values import Architecture, Choice, Fidelity

Check = Callable[[nn.Module, tuple[int, int, int]], None]

SHAPES = [(1, 8, 8), (3, 32, 32), (1, 28, 28)]


def wide_space() -> BranchSpace:
    """Every operation, kernels larger than the images, and branches that run side by side."""
    settings = {"layers": {"min": 1, "max": 8}, "filters": [1, 5, 8], "kernels": [1, 3, 7], "strides": [1, 2, 4], "branches": 3}
    return BranchConfig.model_validate({**settings, "stem": 6}).build()


def plain_space(layers: int, branches: int = 1) -> BranchSpace:
    settings = {"layers": {"min": layers, "max": layers}, "operations": ["conv"], "filters": [8, 16], "kernels": [1, 3]}
    return BranchConfig.model_validate({**settings, "strides": [1, 2], "stem": 8, "branches": branches}).build()


def conv(i: int, filters: int = 8, kernel: int = 3, stride: int = 1) -> dict[str, Choice]:
    return {f"op_{i}": "conv", f"filters_{i}": filters, f"kernel_{i}": kernel, f"stride_{i}": stride}


def reads(reader: str | int, main: int, skips: set[int], join: str) -> dict[str, Choice]:
    """Return the decisions of a reader on the outputs before its main input."""
    flags: dict[str, Choice] = {f"skip_{reader}_{j}": j in skips for j in range(main)} if main > 1 and join != "none" else {}
    return {f"join_{reader}": join, **flags}


def relu_conv_norm(c_in: int, c_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(c_out))


class Handwritten(nn.Module):
    """Stem, body, classifier."""

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8))
        self.body = body
        self.classifier = nn.Linear(channels, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(F.relu(self.body(self.stem(x))).mean((2, 3)))  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """Two blocks of two convolutions with an identity beside them, then one that halves the image, with a projection."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(relu_conv_norm(8, 8), relu_conv_norm(8, 8))
        self.second = nn.Sequential(relu_conv_norm(8, 8), relu_conv_norm(8, 8))
        self.shortcut = relu_conv_norm(8, 16, kernel=1, stride=2)
        self.third = nn.Sequential(relu_conv_norm(8, 16, stride=2), relu_conv_norm(16, 16))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.first(x)
        x = x + self.second(x)
        return self.shortcut(x) + self.third(x)  # type: ignore[no-any-return]


class DenseBlock(nn.Module):
    """Each convolution reads all that was there before it."""

    def __init__(self, n: int, growth: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(relu_conv_norm(8 + k * growth, growth) for k in range(n))

    def forward(self, x: Tensor) -> Tensor:
        for convolution in self.convolutions:
            x = torch.cat([convolution(x), x], 1)
        return x


def assert_the_same(space: BranchSpace, chosen: Mapping[str, Choice], handwritten: nn.Module) -> None:
    """Check that the architecture's network, with the handwritten one's weights, is the same function, trained or not."""
    network = build(space, space.architecture(chosen), (3, 12, 12), 5, fidelity=FULL)[1:]  # without the normalisation
    ours, theirs = network.state_dict(), handwritten.state_dict()
    network.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    x = torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    for training in (True, False):
        torch.testing.assert_close(network.train(training)(x), handwritten.train(training)(x))


def test_a_chain_is_a_special_case() -> None:
    chosen = {"layers": 4, **conv(1, 16), **conv(2, 16, stride=2), **conv(3, kernel=1), **conv(4, 16)}
    for reader, main in [(2, 1), (3, 2), (4, 3), ("output", 4)]:
        chosen |= reads(reader, main, set(), "none")
    body = nn.Sequential(relu_conv_norm(8, 16), relu_conv_norm(16, 16, stride=2), relu_conv_norm(16, 8, 1), relu_conv_norm(8, 16))
    assert_the_same(plain_space(4), chosen, Handwritten(body, 16))


def test_a_residual_network_is_a_special_case() -> None:
    space = plain_space(7, branches=2)
    chosen: dict[str, Choice] = {"layers": 7, **conv(1), **conv(2), **conv(3), **conv(4), **conv(5, 16, kernel=1, stride=2)}
    chosen |= {**conv(6, 16, stride=2), **conv(7, 16)}
    chosen |= {"input_2": 1, "input_3": 2, "input_4": 3, "input_5": 4, "input_6": 4, "input_7": 6}
    for reader in (2, 4, 7):
        chosen |= reads(reader, reader - 1, set(), "none")
    chosen |= reads(3, 2, {0}, "sum")
    chosen |= {**reads(5, 4, {0, 2}, "sum"), **reads(6, 4, {0, 2}, "sum")}
    chosen |= reads("output", 7, {5}, "sum")
    assert_the_same(space, chosen, Handwritten(ResNet(), 16))


def test_a_dense_network_is_a_special_case() -> None:
    n = 5
    chosen: dict[str, Choice] = {"layers": n}
    for i in range(1, n + 1):
        chosen |= {**conv(i), **(reads(i, i - 1, set(range(i - 1)), "concat") if i > 1 else {})}
    chosen |= reads("output", n, set(range(n)), "concat")
    assert_the_same(plain_space(n), chosen, Handwritten(DenseBlock(n, 8), 8 + n * 8))


def two_branches() -> tuple[BranchSpace, Architecture]:
    """A convolution to 32 at full size and a pooling to half of it, side by side, summed; and that with the stem, for the end."""
    space = BranchConfig.model_validate({"layers": {"min": 3, "max": 3}}).build()
    text = (
        "layers=3 op_1=conv filters_1=32 kernel_1=3 stride_1=1 op_2=maxpool stride_2=2 input_2=0 "
        "op_3=sepconv filters_3=64 kernel_3=5 stride_3=1 input_3=2 join_3=sum skip_3_0=False skip_3_1=True "
        "join_output=concat skip_output_0=True skip_output_1=False skip_output_2=False"
    )
    return space, space.from_text(text)


def test_parameters_and_multiply_adds_are_those_of_the_closed_form() -> None:
    space, architecture = two_branches()
    counted = cost_of(space, architecture, (3, 32, 32), 10)
    stem, first, projected = (
        9 * 3 * 16,
        9 * 16 * 32,
        32 * 16,
    )  # layer 1 is brought to the 16 channels of the pooling, after pooling
    third = (25 * 16 + 16 * 16) + (25 * 16 + 16 * 64)
    classifier = (64 + 16) * 10
    norms = 2 * (16 + 32 + 16 + 16 + 64)
    assert counted.n_params == stem + first + projected + third + norms + classifier + 10
    assert counted.flops == 32 * 32 * (stem + first) + 16 * 16 * (projected + third) + classifier


def test_a_join_brings_all_to_the_smallest_sides_by_the_mean_of_each_window() -> None:
    join = Join({"small": Shape(2, 4), "large": Shape(2, 1)}, "concat")
    assert join.shape == Shape(4, 4)
    small, large = torch.rand(2, 2, 2, 2), torch.rand(2, 2, 5, 7)
    windows = [[large[:, :, r : r + 4, c : c + 4].mean((2, 3)) for c in (0, 4)] for r in (0, 4)]
    pooled = torch.stack([torch.stack(row, -1) for row in windows], -2)
    torch.testing.assert_close(join([small, large]), torch.cat([small, pooled], 1))


def test_a_sum_projects_only_what_has_other_channels_than_its_main_input() -> None:
    join = Join({"a": Shape(4, 1), "b": Shape(6, 1), "c": Shape(4, 1)}, "sum").eval()
    convolutions = [m for m in join.modules() if isinstance(m, nn.Conv2d)]
    assert [(m.in_channels, m.out_channels) for m in convolutions] == [(6, 4)]
    a, b, c = torch.rand(2, 4, 3, 3), torch.rand(2, 6, 3, 3), torch.rand(2, 4, 3, 3)
    torch.testing.assert_close(join([a, b, c]), a + c + join["b"](b))


@pytest.mark.parametrize("shape", [*SHAPES, (2, 1, 1), (3, 5, 7)], ids=str)
def test_any_architecture_takes_images_of_any_size_and_learns(shape: tuple[int, int, int], assert_learns: Check) -> None:
    space, rng = wide_space(), np.random.default_rng(0)
    for fidelity in (FULL, Fidelity(1, width=0.5, depth=0.4)):
        for _ in range(15):
            assert_learns(build(space, space.sample(rng), shape, 4, fidelity=fidelity), shape)


def test_a_sample_is_exported() -> None:
    # Strides of 4 on 28 pixels give sides of 7 and 2, so joins pool windows that jut out.
    shape = (1, 28, 28)
    space = BranchConfig.model_validate({"layers": {"min": 3, "max": 3}, "filters": [8], "strides": [2, 4]}).build()
    images = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    network = build(space, space.sample(np.random.default_rng(1)), shape, 4, fidelity=FULL)
    assert max(export(network, images, {}).agreement.values()) < 1e-4


def test_a_canonical_architecture_is_the_same_network() -> None:
    space, rng = wide_space(), np.random.default_rng(0)
    x = torch.rand(2, 3, 9, 9)
    changed = 0
    for _ in range(40):
        architecture = space.sample(rng)
        canonical = space.canonical(architecture)
        changed += canonical != architecture
        one, other = (build(space, a, (3, 9, 9), 4, fidelity=FULL).eval() for a in (architecture, canonical))
        other.load_state_dict(one.state_dict())
        assert other(x).equal(one(x))
    assert changed > 10


def test_the_width_scales_filters_and_the_stem() -> None:
    space, architecture = two_branches()
    network = build(space, architecture, (1, 8, 8), 10, fidelity=Fidelity(1, width=0.5))
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert {m.out_channels for m in convolutions} == {8, 16, 32}
    assert network[-1].in_features == 32 + 8


@pytest.mark.parametrize("depth", [0.1, 0.34, 0.5, 0.8, 1.0])
def test_a_shallower_network_is_no_larger(depth: float) -> None:
    space, rng = wide_space(), np.random.default_rng(0)
    for _ in range(20):
        architecture = space.sample(rng)
        shallow = build(space, architecture, (1, 8, 8), 4, fidelity=Fidelity(1, depth=depth))
        convolutions = len(read_wiring(space.assignment(architecture)).layers)
        (branches,) = (part for part in shallow if isinstance(part, Branches))
        assert len(branches.wiring.layers) == max(1, round(depth * convolutions))
        assert cost(shallow, (1, 8, 8)).n_params > 0
