"""An ensemble of neural predictors: small networks that differ in their first weights, and agree where they have learned.

Reference: White, Neiswanger, Savani 2021, BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture
Search (arXiv:1910.11858), section 4: five feedforward networks, their mean and their standard deviation.

Where this deviates: two hidden layers of 32 units and not ten of 20, trained by all trials at once for the squared error on
standardised targets; the five are trained side by side in numpy, as one network with a dimension more.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from archsmith.strategies.bayesian.gaussian_process import Array

HIDDEN = (32, 32)
"""Units of the hidden layers."""
LEARNING_RATE = 0.01
DECAYS = (0.9, 0.999)
"""Adam's beta_1 and beta_2 (Kingma, Ba 2014, arXiv:1412.6980)."""
WEIGHT_DECAY = 1e-3
"""Decay of weights a step, as a share of the learning rate: keeps what was not learned near what it was."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Networks with ReLU between their layers."""

    weights: tuple[Array, ...]
    """Of each layer, (n_members, n_in, n_out)."""
    biases: tuple[Array, ...]
    """Of each layer, (n_members, 1, n_out)."""

    @classmethod
    def untrained(cls, n_members: int, n_features: int, n_outputs: int, rng: np.random.Generator) -> Self:
        """Make one with random weights (He et al. 2015, arXiv:1502.01852)."""
        sizes = list(pairwise((n_features, *HIDDEN, n_outputs)))
        weights = tuple(rng.normal(0, np.sqrt(2 / n), size=(n_members, n, m)) for n, m in sizes)
        return cls(weights, tuple(np.zeros((n_members, 1, m)) for _, m in sizes))

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation of the members, of (n, n_features): two of (n, n_outputs)."""
        outputs = self.layers(features)[-1]
        return outputs.mean(axis=0), np.maximum(outputs.std(axis=0, ddof=1), 1e-6)

    def layers(self, features: Array) -> list[Array]:
        """Return the features and what comes out of each layer, (n_members, n, n_out)."""
        found = [features]
        for k, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            out = found[-1] @ weights + biases
            found.append(out if k == len(self.weights) - 1 else np.maximum(out, 0.0))
        return found

    def gradient(self, features: Array, targets: Array) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Return the gradient of each member's halved mean squared error, by its weights and by its biases.

        Args:
            features: (n, n_features).
            targets: (n, n_outputs).
        """
        layers = self.layers(features)
        back = (layers[-1] - targets) / len(features)
        by_weights, by_biases = list[Array](), list[Array]()
        for weights, before in zip(self.weights[::-1], layers[-2::-1], strict=True):
            by_weights.append(before.swapaxes(-1, -2) @ back)
            by_biases.append(back.sum(axis=1, keepdims=True))
            back = (back @ weights.swapaxes(-1, -2)) * (before > 0)
        return tuple(by_weights[::-1]), tuple(by_biases[::-1])


def trained(ensemble: Ensemble, features: Array, targets: Array, steps: int) -> Ensemble:
    """Return the ensemble after `steps` steps of Adam with decoupled weight decay, each on all trials.

    Args:
        ensemble: Where to begin.
        features: (n, n_features).
        targets: (n, n_outputs), standardised.
        steps: >= 0.
    """
    n_layers = len(ensemble.weights)
    values = [v.copy() for v in (*ensemble.weights, *ensemble.biases)]
    first, second = [np.zeros_like(v) for v in values], [np.zeros_like(v) for v in values]
    a, b = DECAYS
    for t in range(1, steps + 1):
        by_weights, by_biases = Ensemble(tuple(values[:n_layers]), tuple(values[n_layers:])).gradient(features, targets)
        for k, gradient in enumerate((*by_weights, *by_biases)):
            first[k] = a * first[k] + (1 - a) * gradient
            second[k] = b * second[k] + (1 - b) * gradient**2
            if k < n_layers:
                values[k] *= 1 - LEARNING_RATE * WEIGHT_DECAY
            values[k] -= LEARNING_RATE * (first[k] / (1 - a**t)) / (np.sqrt(second[k] / (1 - b**t)) + 1e-8)
    return Ensemble(tuple(values[:n_layers]), tuple(values[n_layers:]))
