"""The gradient of binary gates against enumeration: the expected loss is a sum over all that the gates can open."""

from collections.abc import Sequence
from itertools import product

import pytest
import torch
from torch import Tensor

from archsmith.evaluation.sharing.relaxed.alphas import Alphas
from archsmith.evaluation.sharing.relaxed.gates import Gates, gated
from archsmith.models.mixed.network import Point


def alphas_of(*sizes: int, seed: int = 0) -> Alphas:
    generator = torch.Generator().manual_seed(seed)
    alphas = Alphas([Point(f"p{k}", tuple(map(str, range(n)))) for k, n in enumerate(sizes)], generator)
    alphas.values = torch.randn(sum(sizes), generator=generator, dtype=torch.float64).requires_grad_()
    return alphas


def multilinear(sizes: Sequence[int], seed: int = 1) -> Tensor:
    """Return coefficients of a loss that is linear in the gates of each point: (n_0, n_1, ...)."""
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def loss_of(coefficients: Tensor, parts: Sequence[Tensor]) -> Tensor:
    for part in parts:
        coefficients = torch.tensordot(part, coefficients, dims=1)
    return coefficients


@pytest.mark.parametrize("sizes", [(2,), (2, 2, 2, 2, 2, 2)])
def test_with_two_options_the_gradient_is_exact_where_the_loss_is_linear_in_the_gates(sizes: tuple[int, ...]) -> None:
    alphas, coefficients = alphas_of(*sizes), multilinear(sizes)
    parts = [part.softmax(0) for part in alphas.split(alphas.values)]
    (exact,) = torch.autograd.grad(loss_of(coefficients, parts), [alphas.values])

    expected = torch.zeros_like(exact)
    for opened in product((0, 1), repeat=len(sizes)):
        probability = torch.stack([part[k] for part, k in zip(parts, opened, strict=True)]).prod().detach()
        drawn = gated(alphas, [(k, 1 - k) for k in opened])
        (slope,) = torch.autograd.grad(loss_of(coefficients, alphas.split(drawn.weights)), [alphas.values])
        expected += probability * slope
    torch.testing.assert_close(expected, exact, rtol=1e-12, atol=1e-12)


def test_with_more_options_it_is_that_of_the_two_with_the_others_masked() -> None:
    sizes, pair = (4, 3, 5), ((3, 1), (0, 2), (4, 0))
    alphas, coefficients = alphas_of(*sizes), multilinear(sizes)
    split = alphas.split(alphas.values)
    masked = [
        torch.full_like(part, -torch.inf).index_put((torch.tensor(p),), part[list(p)])
        for part, p in zip(split, pair, strict=True)
    ]
    parts = [scores.softmax(0) for scores in masked]
    (exact,) = torch.autograd.grad(loss_of(coefficients, parts), [alphas.values], retain_graph=True)

    expected = torch.zeros_like(exact)
    for opened in product((0, 1), repeat=3):
        pairs = [p if k == 0 else (p[1], p[0]) for p, k in zip(pair, opened, strict=True)]
        probability = torch.stack([part[p[0]] for part, p in zip(parts, pairs, strict=True)]).prod().detach()
        drawn = gated(alphas, pairs)
        (slope,) = torch.autograd.grad(loss_of(coefficients, alphas.split(drawn.weights)), [alphas.values])
        expected += probability * slope
    torch.testing.assert_close(expected, exact, rtol=1e-12, atol=1e-12)


def test_a_step_of_two_leaves_the_probabilities_of_the_others() -> None:
    alphas = alphas_of(4, 5)
    before, probabilities = alphas.values.detach().clone(), alphas.probabilities()
    drawn = gated(alphas, [(0, 2), (4, 1)])
    with torch.no_grad():
        alphas.values += torch.linspace(-1, 2, 9, dtype=torch.float64)  # whatever an optimizer does, momenta of others included
    Gates().settle(before, alphas, drawn)
    after = alphas.probabilities()
    for name, others, pair in (("p0", [1, 3], [0, 2]), ("p1", [0, 2, 3], [1, 4])):
        assert after[name][others] == pytest.approx(probabilities[name][others], rel=1e-12)
        assert after[name][pair] != pytest.approx(probabilities[name][pair], rel=0.1)


def test_gates_are_binary_and_as_probable_as_the_alphas_say() -> None:
    alphas, generator, counts, n = alphas_of(3), torch.Generator().manual_seed(0), torch.zeros(3, dtype=torch.float64), 3000
    for _ in range(n):
        drawn = Gates().for_weights(alphas, 1.0, generator)
        assert sorted(drawn.weights.tolist()) == [0, 0, 1]
        assert drawn.weights.argmax() == drawn.active[0][0]
        counts += drawn.weights.detach()
    p = torch.from_numpy(alphas.probabilities()["p0"])
    assert ((counts / n - p).abs() <= 3.5 * (p * (1 - p) / n).sqrt()).all()


def test_the_expected_cost_of_two_moves_only_these_two() -> None:
    alphas = alphas_of(4)
    prices = torch.tensor([1.0, 5, 2, 7], dtype=torch.float64)
    drawn = gated(alphas, [(1, 3)])
    assert (drawn.shares * prices).sum().item() == pytest.approx((alphas.softmax(alphas.values) * prices).sum().item())
    (slope,) = torch.autograd.grad((drawn.shares * prices).sum(), [alphas.values], retain_graph=True)
    # With the probability of the two together held, the expected cost is linear in that of the first.
    both = alphas.probabilities()["p0"][[1, 3]].sum()
    a = alphas.values.detach()[[1, 3]].clone().requires_grad_()
    (expected,) = torch.autograd.grad(both * (a.softmax(0) * prices[[1, 3]]).sum(), [a])
    torch.testing.assert_close(slope[[1, 3]], expected)
    assert slope[[0, 2]].tolist() == [0, 0]
