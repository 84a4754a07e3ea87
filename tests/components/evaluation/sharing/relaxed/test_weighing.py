"""Samples of the concrete distribution against torch's own density of it, and hard ones against probabilities."""

import pytest
import torch
from torch import Tensor
from torch.distributions import RelaxedOneHotCategorical

from archsmith.evaluation.sharing.relaxed import WEIGHINGS
from archsmith.evaluation.sharing.relaxed.alphas import SPREAD, Alphas
from archsmith.evaluation.sharing.relaxed.concrete import relaxed_sample
from archsmith.evaluation.sharing.relaxed.temperature import annealed
from archsmith.models.mixed.network import Point
from archsmith.spec.supernets import Weights


def alphas_of(values: list[float], *sizes: int) -> Alphas:
    alphas = Alphas([Point(f"p{k}", tuple(map(str, range(n)))) for k, n in enumerate(sizes)], torch.Generator())
    alphas.values = torch.tensor(values, dtype=torch.float64).requires_grad_()
    return alphas


def loss(z: Tensor) -> Tensor:
    """Return anything that is not linear: (..., 2) -> (...)."""
    return (3 * z[..., 0] - 1).sin() + z[..., 1] ** 3


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_gradient_of_concrete_samples_is_that_of_their_relaxed_objective(temperature: float) -> None:
    """The objective is an integral over torch's density; ours is an integral over the noise that makes the samples."""
    alphas, ours, step = alphas_of([0.4, -0.3], 2), torch.zeros(2, dtype=torch.float64), 0.1
    for difference in torch.arange(-40, 40, step, dtype=torch.float64):  # of two Gumbel variables: logistic, and all that matters
        sample = relaxed_sample(alphas, torch.stack([difference, torch.zeros_like(difference)]), temperature)
        density = torch.sigmoid(difference) * torch.sigmoid(-difference)
        ours += step * density * torch.autograd.grad(loss(sample), [alphas.values])[0]
    torch.testing.assert_close(ours, _by_density(alphas.values, temperature), rtol=1e-6, atol=1e-8)


def _by_density(values: Tensor, temperature: float) -> Tensor:
    logit = torch.arange(-60, 60, 0.01, dtype=torch.float64)
    z = torch.stack([torch.sigmoid(logit), torch.sigmoid(-logit)], -1)
    density = RelaxedOneHotCategorical(torch.tensor(temperature, dtype=torch.float64), logits=values).log_prob(z)
    weights = 0.01 * (density + z.log().sum(-1)).exp()  # dz = z (1 - z) d(logit)
    assert weights.sum().item() == pytest.approx(1, abs=1e-9)
    return torch.autograd.grad((weights * loss(z)).sum(), [values])[0]


@pytest.mark.parametrize("name", WEIGHINGS)
def test_weights_are_those_of_what_is_computed_and_add_up_to_one(name: Weights) -> None:
    alphas, generator = alphas_of([0.4, -0.3, 0.2, 1.0, 0.1], 2, 3), torch.Generator().manual_seed(0)
    for draw in (WEIGHINGS[name].for_weights, WEIGHINGS[name].for_alphas):
        drawn = draw(alphas, 0.7, generator)
        for point, mix in drawn.mixes(alphas, drawn.weights).items():
            assert mix.weights.sum().item() == pytest.approx(1)
            left = set(range(len(mix.weights))) - set(mix.active)
            assert not mix.weights[sorted(left)].any()
            assert len(mix.active) == (len(mix.weights) if name in ("softmax", "concrete") else 1)
            assert len(mix.watched) == (name == "gates" and draw.__name__ == "for_alphas")
            assert drawn.shares.split([2, 3])[int(point[1])].tolist() == pytest.approx(alphas.probabilities()[point].tolist())


def test_hard_samples_are_as_probable_as_the_alphas_say_and_learn_as_soft_ones() -> None:
    alphas, counts, n = alphas_of([1.0, 0.0, -1.0], 3), torch.zeros(3, dtype=torch.float64), 3000
    generator, twin = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    for _ in range(n):
        drawn = WEIGHINGS["gumbel"].for_alphas(alphas, 0.5, generator)
        counts += drawn.weights.detach()
        assert sorted(drawn.weights.tolist()) == [0, 0, 1]
    p = torch.from_numpy(alphas.probabilities()["p0"])
    assert ((counts / n - p).abs() <= 3.5 * (p * (1 - p) / n).sqrt()).all()

    hard = WEIGHINGS["gumbel"].for_alphas(alphas, 0.5, twin).weights
    soft = WEIGHINGS["concrete"].for_alphas(alphas, 0.5, torch.Generator().manual_seed(0)).weights
    assert hard.argmax() == soft.argmax()
    for k in range(3):
        (a,), (b,) = (torch.autograd.grad(w[k], [alphas.values], retain_graph=True) for w in (hard, soft))
        torch.testing.assert_close(a, b)


def test_alphas_begin_as_good_as_equal() -> None:
    alphas = Alphas([Point("p", tuple(map(str, range(1000))))], torch.Generator().manual_seed(0))
    assert alphas.values.std().item() == pytest.approx(SPREAD, rel=0.1)


def test_the_temperature_falls_by_equal_steps_or_by_equal_ratios() -> None:
    assert [annealed((10.0, 0.1), "linear", share) for share in (0, 0.5, 1)] == pytest.approx([10, 5.05, 0.1])
    assert [annealed((4.0, 1.0), "exponential", share) for share in (0, 0.5, 1)] == pytest.approx([4, 2, 1])
