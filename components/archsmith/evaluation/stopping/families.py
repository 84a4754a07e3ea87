"""The parametric families of learning curves, as shapes: increasing functions of the epoch, drawn from a prior.

Each family of the paper is an affine function of a shape that its other parameters decide. Where the paper has but one of the
two, a factor (vapor pressure, hill3, log power) or an offset (log log linear), curves here have both.

Reference: Domhan, Springenberg, Hutter 2015, Speeding up Automatic Hyperparameter Optimization of Deep Neural Networks by
Extrapolation of Learning Curves, table 1, with its names. There x is the step; here it is the epoch, from 1.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

Shape = Callable[[np.random.Generator, Array], Array]
"""Draws the parameters and returns the values at x, (n, t), for x of (n, t)."""


def _uniform(rng: np.random.Generator, x: Array, low: float, high: float) -> Array:
    return rng.uniform(low, high, (len(x), 1))


def _log_uniform(rng: np.random.Generator, x: Array, low: float, high: float) -> Array:
    return np.exp(_uniform(rng, x, np.log(low), np.log(high)))


def vapor_pressure(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of exp(a + b / x + c log x)."""
    return np.exp(-_log_uniform(rng, x, 0.05, 5.0) / x + _uniform(rng, x, 0.0, 0.3) * np.log(x))


def pow3(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of c - a x^-alpha."""
    return -(x ** -_log_uniform(rng, x, 0.05, 3.0))


def log_log_linear(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of log(a log x + b)."""
    return np.log(np.log(x) + _log_uniform(rng, x, 0.05, 5.0))


def hill3(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of ymax x^eta / (kappa^eta + x^eta)."""
    power = x ** _log_uniform(rng, x, 0.3, 4.0)
    return power / (_log_uniform(rng, x, 0.2, 30.0) + power)


def log_power(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of a / (1 + (x / e^b)^c)."""
    return 1 / (1 + (x / np.exp(_uniform(rng, x, -1.0, 3.5))) ** -_log_uniform(rng, x, 0.3, 4.0))


def pow4(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of c - (a x + b)^-alpha."""
    return -((x + _log_uniform(rng, x, 0.05, 20.0)) ** -_log_uniform(rng, x, 0.1, 4.0))


def mmf(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of alpha - (alpha - beta) / (1 + (kappa x)^delta)."""
    return -1 / (1 + (_log_uniform(rng, x, 0.03, 3.0) * x) ** _log_uniform(rng, x, 0.3, 4.0))


def exp4(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of c - exp(-a x^alpha + b)."""
    return -np.exp(-_log_uniform(rng, x, 0.02, 2.0) * x ** _log_uniform(rng, x, 0.3, 2.0))


def janoschek(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of alpha - (alpha - beta) exp(-kappa x^delta)."""
    return -np.exp(-_log_uniform(rng, x, 0.01, 1.0) * x ** _log_uniform(rng, x, 0.5, 3.0))


def weibull(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of alpha - (alpha - beta) exp(-(kappa x)^delta)."""
    return -np.exp(-((_log_uniform(rng, x, 0.02, 2.0) * x) ** _log_uniform(rng, x, 0.3, 3.0)))


def ilog2(rng: np.random.Generator, x: Array) -> Array:
    """Return the shape of c - a / log(x + 1)."""
    del rng
    return -1 / np.log(x + 1)


FAMILIES: Mapping[str, Shape] = {
    "vapor pressure": vapor_pressure, "pow3": pow3, "log log linear": log_log_linear, "hill3": hill3, "log power": log_power,
    "pow4": pow4, "mmf": mmf, "exp4": exp4, "janoschek": janoschek, "weibull": weibull, "ilog2": ilog2,
}  # fmt: skip
"""All of the paper's table 1."""


def draw_shapes(rng: np.random.Generator, n: int, horizon: int) -> Array:
    """Return shapes of learning curves, (n, horizon), each from 0 at the first epoch to 1 at the last.

    A shape is a weighted mean of up to three families: the paper's ensemble, of which most families have no weight after a fit.
    """
    epochs = np.arange(1.0, horizon + 1)
    shape = np.zeros((n, horizon))
    mixed = rng.integers(1, 4, n)
    weights = np.where(np.arange(3) < mixed[:, None], rng.exponential(size=(n, 3)), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    for part in range(3):
        which = rng.integers(len(FAMILIES), size=n)
        for k, family in enumerate(FAMILIES.values()):
            rows = which == k
            shape[rows] += weights[rows, part, None] * _from_0_to_1(family(rng, np.tile(epochs, (int(rows.sum()), 1))))
    return shape


def _from_0_to_1(values: Array) -> Array:
    first, last = values[:, :1], values[:, -1:]
    return (values - first) / np.maximum(last - first, 1e-12)
