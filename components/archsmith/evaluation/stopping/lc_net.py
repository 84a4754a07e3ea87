"""Neural networks that tell a curve from the architecture: their last layer weighs parametric basis functions.

An ensemble of small networks maps an architecture to weights of basis functions of the epoch, and the curve is their sum. What
was seen of a curve corrects its weights: they are normal around what the networks say, as far off as they were for curves that a
network had not seen.

Reference: Klein, Falkner, Springenberg, Hutter 2017, Learning Curve Prediction with Bayesian Neural Networks (ICLR), section 4:
the basis-function layer and its five families. There a Bayesian network is sampled by SGHMC, trained anew with each look's
points; here an ensemble of bootstrapped networks (Lakshminarayanan 2017, arXiv:1612.01474) stands for its posterior and the
points condition the last layer exactly, so that a look needs no training. The families' parameters are fixed at several values
each, where there the network sets them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.evaluation.stopping.conformal import ConformalStopper
from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.stopper import PredictingConfig

STEPS = 300
RATE = 0.01
DECAY = 1e-3
"""Of the weights, in the loss."""
FLOOR = 1e-4
"""The least variance of a weight, and of the noise."""


class LCNetConfig(PredictingConfig):
    """Neural networks that tell a curve of basis functions from the architecture, corrected by what was seen (Klein 2017)."""

    networks: Annotated[int, Field(ge=2, le=64)] = 8
    """Networks of the ensemble."""
    units: Annotated[int, Field(ge=2, le=512)] = 32
    """Units of each of the two hidden layers."""

    def build(self) -> ConformalStopper:
        """Make the stopper."""
        return ConformalStopper(LCNet(self.networks, self.units), self.chance)


@dataclass(frozen=True, slots=True)
class LCNet:
    """The model."""

    networks: int
    """How many."""
    units: int
    """Units of a hidden layer."""

    def learn(self, curves: Curves, looks: Sequence[int]) -> "CurveNets":
        """Train the ensemble, each network on a bootstrap sample; how far it is off, the others tell."""
        del looks
        rng = np.random.default_rng(0)
        basis = basis_functions(curves.horizon)
        mean = np.median(curves.values, axis=0)
        residuals = curves.values - mean
        centre, spread = curves.features.mean(0), curves.features.std(0)
        spread[spread < 1e-9] = 1.0
        inputs = (curves.features - centre) / spread
        n = len(curves)
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=self.networks).astype(float)
        nets = _train(
            Networks.draw(rng, self.networks, (inputs.shape[1], self.units, basis.shape[1])), inputs, residuals, basis, drawn
        )
        own = residuals @ basis  # the basis is orthonormal: these are the least squares
        off = _out_of_bag(own, nets.weights(inputs), drawn)
        k = basis.shape[1]
        covariance = (off.T @ off + FLOOR * k * np.eye(k)) / (n + k)
        left = residuals - own @ basis.T
        noise = float(np.sum(left**2)) / max(n * (curves.horizon - k), 1) + FLOOR
        return CurveNets(nets, basis, mean, (centre, spread), covariance + FLOOR * np.eye(k), noise)


def basis_functions(horizon: int) -> np.ndarray:
    """Return an orthonormal basis, (horizon, k), of what the paper's families and a constant span, without its faintest part."""
    x = np.arange(1.0, horizon + 1)
    h = float(horizon)
    columns = [
        np.ones(horizon),
        *(np.exp(-b / x + 0.1 * np.log(x)) for b in (0.5, 3.0)),  # vapor pressure
        *(-(x**-a) for a in (0.3, 1.0, 2.0)),  # power
        *(1 / (1 + (x / b) ** -2.0) for b in (h / 10, h / 3)),  # log power
        *(-np.exp(-a * x / h) for a in (1.0, 4.0, 12.0)),  # exponential
        *(x**e / ((h / 2) ** e + x**e) for e in (1.5, 4.0)),  # hill3
    ]
    left, sizes, _ = np.linalg.svd(np.stack(columns, axis=1), full_matrices=False)
    basis: np.ndarray = left[:, sizes > 5e-3 * sizes[0]]
    return basis


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """Several networks of two hidden layers at once."""

    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    """Weights (m, n_in, n_out) and biases (m, 1, n_out) of each layer."""

    @classmethod
    def draw(cls, rng: np.random.Generator, m: int, sizes: tuple[int, int, int]) -> "Networks":
        """Draw weights as Glorot does; the last layer begins small."""
        n_in, units, n_out = sizes
        shapes = ((n_in, units, 1.0), (units, units, 1.0), (units, n_out, 0.1))
        return cls(tuple(
            (rng.normal(0, size * np.sqrt(2 / (a + b)), (m, a, b)), np.zeros((m, 1, b))) for a, b, size in shapes
        ))  # fmt: skip

    def weights(self, inputs: np.ndarray) -> np.ndarray:
        """Return the weights of the basis functions, (n, n_in) -> (m, n, k)."""
        return self.activations(inputs)[-1]

    def activations(self, inputs: np.ndarray) -> list[np.ndarray]:
        """Return what each layer makes of the inputs, the inputs first."""
        (w1, b1), (w2, b2), (w3, b3) = self.layers
        first = np.tanh(inputs[None] @ w1 + b1)
        second = np.tanh(first @ w2 + b2)
        return [np.broadcast_to(inputs, (len(w1), *inputs.shape)), first, second, second @ w3 + b3]


def _train(networks: Networks, inputs: np.ndarray, curves: np.ndarray, basis: np.ndarray, drawn: np.ndarray) -> Networks:
    """Minimize the squared error of the curves, each network on its sample `drawn`, (m, n), by Adam."""
    flat = [array for layer in networks.layers for array in layer]
    first, second = [np.zeros_like(a) for a in flat], [np.zeros_like(a) for a in flat]
    share = drawn[:, :, None] / drawn.sum(axis=1)[:, None, None]
    target = curves @ basis
    for step in range(1, STEPS + 1):
        networks = Networks(((flat[0], flat[1]), (flat[2], flat[3]), (flat[4], flat[5])))
        rate = RATE * min(1.0, 2 * (1 - step / (STEPS + 1)))
        for k, slope in enumerate(_slopes(networks, inputs, target, share)):
            first[k] = 0.9 * first[k] + 0.1 * slope
            second[k] = 0.99 * second[k] + 0.01 * slope**2
            size = np.sqrt(second[k] / (1 - 0.99**step)) + 1e-8
            flat[k] = flat[k] - rate * first[k] / (1 - 0.9**step) / size
    return Networks(((flat[0], flat[1]), (flat[2], flat[3]), (flat[4], flat[5])))


def _slopes(networks: Networks, inputs: np.ndarray, target: np.ndarray, share: np.ndarray) -> list[np.ndarray]:
    """Return the gradient of half the squared error, by backpropagation; as the basis is orthonormal, in terms of its weights."""
    activations = networks.activations(inputs)
    delta = share * (activations[-1] - target)
    found: list[np.ndarray] = []
    for k in (2, 1, 0):
        weights = networks.layers[k][0]
        found = [activations[k].swapaxes(1, 2) @ delta + DECAY * weights, delta.sum(axis=1, keepdims=True), *found]
        delta = (delta @ weights.swapaxes(1, 2)) * (1 - activations[k] ** 2)
    return found


def _out_of_bag(own: np.ndarray, told: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return how far each curve's weights are from what networks say that have not seen it, (n, k)."""
    unseen = (drawn == 0).astype(float)
    count = unseen.sum(axis=0)
    mean = np.einsum("mn,mnk->nk", unseen, told) / np.maximum(count, 1)[:, None]
    off: np.ndarray = own - np.where(count[:, None] > 0, mean, told.mean(0))
    return off


class CurveNets:
    """The ensemble, and how far its weights may be off.

    Args:
        nets: The networks.
        basis: (horizon, k), orthonormal.
        mean: (horizon,): what is added to each curve.
        scale: Mean and deviation of the features.
        covariance: (k, k): of an architecture's weights around what the networks say.
        noise: Variance of an epoch's value around the curve.
    """

    def __init__(
        self, nets: Networks, basis: np.ndarray, mean: np.ndarray, scale: tuple[np.ndarray, np.ndarray],
        covariance: np.ndarray, noise: float,
    ) -> None:  # fmt: skip
        self._nets, self._basis, self._mean, self._scale = nets, basis, mean, scale
        self._covariance, self._noise = covariance, noise

    def ends(self, values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict the ends; see `Extrapolator.ends`."""
        centre, spread = self._scale
        told = self._nets.weights((features - centre) / spread).mean(axis=0)
        t = values.shape[1]
        seen, end = self._basis[:t], self._basis[-1]
        gain = self._covariance @ seen.T @ np.linalg.inv(seen @ self._covariance @ seen.T + self._noise * np.eye(t))
        weights = told + (values - self._mean[:t] - told @ seen.T) @ gain.T
        posterior = self._covariance - gain @ seen @ self._covariance
        deviation = float(np.sqrt(max(end @ posterior @ end, 0.0) + self._noise))
        return self._mean[-1] + weights @ end, np.full(len(values), deviation)
