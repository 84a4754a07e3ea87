import numpy as np
import pytest

from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.lc_net import DECAY, CurveNets, LCNet, LCNetConfig, Networks, _slopes, basis_functions
from archsmith.testing.stoppers import StopperConformance, saturating


class TestLCNet(StopperConformance):
    @pytest.fixture
    def config(self) -> LCNetConfig:
        return LCNetConfig(networks=2, units=8)


def test_the_basis_is_orthonormal_and_holds_the_papers_families() -> None:
    basis = basis_functions(27)
    x = np.arange(1.0, 28)
    assert basis.T @ basis == pytest.approx(np.eye(basis.shape[1]))
    for curve in (np.ones(27), 1 - x**-0.7, 1 - np.exp(-0.2 * x), x**2 / (9**2 + x**2), 1 / (1 + (x / 5) ** -2.0)):
        assert np.abs(curve - basis @ (basis.T @ curve)).max() < 0.03


def test_the_gradient_is_that_of_finite_differences() -> None:
    rng = np.random.default_rng(0)
    networks = Networks.draw(rng, 2, (3, 4, 2))
    inputs, target = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    share = np.array([[1.0, 2, 0, 1, 1], [0, 1, 1, 1, 2]])[:, :, None] / 5

    def loss(changed: Networks) -> float:
        off = share * (changed.weights(inputs) - target) ** 2
        return float(off.sum() + DECAY * sum((w**2).sum() for w, _ in changed.layers)) / 2

    flat = [array for layer in networks.layers for array in layer]
    for k, slope in enumerate(_slopes(networks, inputs, target, share)):
        for index in np.ndindex(flat[k].shape):
            before = flat[k][index]
            flat[k][index] = before + 1e-5
            above = loss(networks)
            flat[k][index] = before - 1e-5
            below = loss(networks)
            flat[k][index] = before
            assert slope[index] == pytest.approx((above - below) / 2e-5, abs=1e-7)


def test_what_was_seen_corrects_the_weights_as_bayes_has_it() -> None:
    rng = np.random.default_rng(0)
    basis, mean = basis_functions(8), rng.uniform(size=8)
    k = basis.shape[1]
    covariance, noise = np.diag(rng.uniform(0.5, 1, k)), 0.1
    nets = Networks.draw(rng, 1, (2, 3, k))
    features, curve = rng.normal(size=(1, 2)), rng.normal(size=(1, 5))
    told = nets.weights(features)[0, 0]
    # in terms of precisions: Bishop 2006, equations 3.50 and 3.51
    precision = np.linalg.inv(covariance) + basis[:5].T @ basis[:5] / noise
    weights = np.linalg.solve(precision, np.linalg.solve(covariance, told) + basis[:5].T @ (curve[0] - mean[:5]) / noise)
    variance = basis[-1] @ np.linalg.solve(precision, basis[-1]) + noise
    made = CurveNets(nets, basis, mean, (np.zeros(2), np.ones(2)), covariance, noise)
    (end,), (deviation,) = made.ends(curve, features)
    assert end == pytest.approx(mean[-1] + weights @ basis[-1])
    assert deviation == pytest.approx(np.sqrt(variance))


def test_the_architecture_tells_the_end_before_the_curve_does() -> None:
    rng = np.random.default_rng(0)
    ends = rng.uniform(0, 1, 60)
    curves = Curves(saturating(ends, np.full(60, 0.4)), np.stack([ends, rng.uniform(size=60)], axis=1))
    told, _ = LCNet(4, 16).learn(curves.take(np.arange(40)), (1,)).ends(curves.values[40:, :1], curves.features[40:])
    assert np.abs(told - ends[40:]).mean() < 0.05
    blind, _ = (
        LCNet(4, 16).learn(Curves(curves.values[:40], np.zeros((40, 1))), (1,)).ends(np.full((20, 1), 0.3), np.zeros((20, 1)))
    )
    assert np.abs(blind - ends[40:]).mean() > 0.15
