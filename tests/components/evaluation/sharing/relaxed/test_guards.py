"""What guards against a collapse, and what the choices cost."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
import torch._dynamo
from scipy.special import softmax
from torch import Tensor

from archsmith.evaluation.sharing.relaxed.alphas import Alphas
from archsmith.evaluation.sharing.relaxed.beta_decay import beta_decay
from archsmith.evaluation.sharing.relaxed.cost import ExpectedCost
from archsmith.evaluation.sharing.relaxed.eigenvalue import largest_eigenvalue
from archsmith.evaluation.sharing.relaxed.skips import limited, most_skips
from archsmith.evaluation.sharing.relaxed.supernet import compile_options
from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Point
from archsmith.spaces.cells.cell import CellConfig
from archsmith.values import Fidelity

OPTIONS = ("conv", "skip", "none")


def points(*names: str) -> list[Point]:
    return [Point(name, OPTIONS, frozenset({"skip"})) for name in names]


@pytest.mark.parametrize("n", [2, 3, 12])
def test_the_largest_eigenvalue_is_that_of_the_whole_hessian(n: int) -> None:
    a = torch.randn(n, n, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    at = torch.linspace(-1, 1, n, dtype=torch.float64)

    def loss(x: Tensor) -> Tensor:
        return (a @ x).sin().sum() + (x**4).sum()

    hessian = torch.autograd.functional.hessian(loss, at)
    assert largest_eigenvalue(loss, at) == pytest.approx(np.linalg.eigvalsh(hessian.numpy()).max(), rel=1e-2)


@pytest.mark.parametrize("n", [3, 12])
@pytest.mark.parametrize("slope", [0.0, float("nan")])
def test_of_a_hessian_that_has_none_there_is_no_largest_eigenvalue(n: int, slope: float) -> None:
    found = largest_eigenvalue(lambda x: (slope * x**2).sum(), torch.ones(n, dtype=torch.float64))
    assert found is None or found == 0 == slope


def test_that_of_a_network_is_that_of_its_choices(begin: Any) -> None:
    training = begin()
    next(training.run())
    learner, batch = training._learner, next(training._the_same(training._images.alphas))
    training.network.eval()  # as after a validation
    found = learner.eigenvalue(batch)
    training.network.train()

    def loss(values: Tensor) -> Tensor:
        mixes = learner._weighing.for_weights(training.alphas, 1.0, torch.Generator()).mixes(
            training.alphas, training.alphas.softmax(values)
        )
        with training._supernet.statistics_left_alone():
            return training._supernet.loss(batch, mixes)  # type: ignore[no-any-return]

    hessian = torch.autograd.functional.hessian(loss, training.alphas.values.detach())
    assert found == pytest.approx(torch.linalg.eigvalsh(hessian.double()).max().item(), rel=2e-2)


def test_beta_decay_pulls_an_alpha_by_its_probability() -> None:
    alphas = Alphas(points("a", "b"), torch.Generator().manual_seed(0))
    alphas.values = torch.tensor([3.0, 1, 0, 0, 0, 2], dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(beta_decay(alphas), [alphas.values])
    expected = np.concatenate([alphas.probabilities()[name] for name in "ab"]) / 2  # of the mean over two points
    np.testing.assert_allclose(slope.numpy(), expected, rtol=1e-12)


def test_the_expected_cost_is_one_where_all_is_equally_probable_and_linear_in_the_probabilities() -> None:
    cost = ExpectedCost(points("a", "b", "free"), {"a": torch.tensor([9.0, 0, 0]), "b": torch.tensor([3.0, 0, 0])})
    assert cost(torch.full((9,), 1 / 3)).item() == pytest.approx(1)
    assert cost(torch.tensor([1.0, 0, 0, 0, 1, 0, 1, 0, 0])).item() == pytest.approx(9 / 4)
    with pytest.raises(ValueError, match="All options cost nothing"):
        ExpectedCost(points("a"), {"a": torch.zeros(3)})


def test_the_least_probable_skips_of_each_cell_are_left_out() -> None:
    cells = points("normal.a", "normal.b", "normal.c", "normal.d", "reduce.a", "reduce.b")
    before = {
        "normal.a": np.array([0.2, 0.7, 0.1]),
        "normal.b": np.array([0.31, 0.38, 0.31]),  # the least probable of three skips
        "normal.c": np.array([0.51, 0.49, 0.0]),  # does not skip, though a skip is more probable here than elsewhere
        "normal.d": np.array([0.3, 0.4, 0.3]),
        "reduce.a": np.array([0.4, 0.6, 0.0]),
        "reduce.b": np.array([0.6, 0.4, 0.0]),
    }
    after = limited(cells, before, 2, most_probable)
    derived = {name: OPTIONS[p.argmax()] for name, p in after.items()}
    assert list(derived.values()) == ["skip", "conv", "conv", "skip", "skip", "conv"]
    assert after["normal.b"] == pytest.approx([0.5, 0, 0.5], abs=1e-9)
    assert all(p.sum() == pytest.approx(1) for p in after.values())
    assert most_skips(cells, most_probable(before)) == 3
    assert most_skips(cells, most_probable(after)) == 2
    assert most_skips(cells, most_probable(limited(cells, before, 0, most_probable))) == 0


def most_probable(probabilities: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    return {name: (int(p.argmax()),) for name, p in probabilities.items()}


@pytest.mark.parametrize("most", [0, 1, 2, 5])
@pytest.mark.parametrize("scale", [9, 40, 80])
def test_skips_are_counted_and_left_out_of_what_is_derived(most: int, scale: float) -> None:
    space = CellConfig(nodes=2, output="all").build()
    network = build_mixed(space, (1, 8, 8), 3, fidelity=Fidelity(1))
    rng = np.random.default_rng(most)
    before = {}
    for point in network.points:
        alphas = rng.normal(size=len(point.options))
        alphas[[k for k, option in enumerate(point.options) if option in point.skips]] += scale
        alphas[[k for k, option in enumerate(point.options) if option == "none"]] += 2 * scale  # which is never derived
        before[point.name] = softmax(alphas)

    path = network.likeliest
    n_edges = 4  # of a cell, two a node
    assert most_skips(network.points, path(before)) == n_edges
    after = limited(network.points, before, most, path)
    assert most_skips(network.points, path(after)) == min(most, n_edges)
    for architecture in network.derive(after, 5):
        assert most_skips(network.points, network.path(architecture)) <= most
    for cell in ("normal", "reduce"):  # as many stay as may
        kept = [p.name for p in network.points if p.name.startswith(cell) and after[p.name] is before[p.name]]
        assert len(kept) == min(most, n_edges)


def test_nothing_that_is_derived_has_more_skips_than_the_guard_lets_pass(begin: Any) -> None:
    training = begin(most_skips=1)
    next(training.run())
    derived = training.derived(27)  # of all there are
    assert len(derived) == 20  # 2^3 without a skip, and 3 * 2^2 with one
    assert max(a.choices.count("skip") for a in derived) == 1


def test_each_option_may_be_compiled_however_many_there_are(begin: Any) -> None:
    config: Any = torch._dynamo.config
    with config.patch(recompile_limit=2, accumulated_recompile_limit=3):
        compile_options(begin().network)
        assert min(config.recompile_limit, config.accumulated_recompile_limit) >= 4 * 3  # only convolutions have weights
