from collections.abc import Callable

import numpy as np
import pytest

from archsmith.models.morphisms.channels import HALF, NEW, ZERO, Channels

N_PIXELS = 6

Value = np.ndarray
"""What a channel holds, (N_PIXELS,), float64."""


def computed(function: object, x: Value) -> Value:
    """Return a function of a channel, by numpy alone."""
    name = function[0] if isinstance(function, tuple) else function
    known: dict[str, Callable[[], Value]] = {
        "relu": lambda: np.maximum(x, 0),
        "ReLU6": lambda: np.clip(x, 0, 6),
        "sigmoid": lambda: 1 / (1 + np.exp(-x)),
        "mean": lambda: np.full(N_PIXELS, x.mean()),
        "AvgPool2d": lambda: np.convolve(x, [0.5, 0.5], "same"),
        "MaxPool2d": lambda: np.maximum(x, np.roll(x, 1)),
        "identity": lambda: x,
    }
    return known[str(name)]()


@pytest.mark.parametrize("seed", range(20))
def test_channels_of_the_same_number_hold_the_same(seed: int) -> None:
    rng, channels = np.random.default_rng(seed), Channels()
    known = [(ZERO, np.zeros(N_PIXELS)), (HALF, np.full(N_PIXELS, 0.5))]
    known += [(channels.atom(("layer", k)), rng.normal(size=N_PIXELS) * 4) for k in range(3)]
    functions = ["relu", ("ReLU6", ""), "sigmoid", ("mean", "(2, 3)"), ("AvgPool2d", "2"), ("MaxPool2d", "2"), "identity"]
    for _ in range(120):
        (a, x), (b, y) = (known[rng.integers(len(known))] for _ in range(2))
        move = rng.integers(4)
        if move == 0:
            known.append((channels.total([a, b]), x + y))
        elif move == 1:
            factor = float(rng.choice([0.25, 0.5, 2.0]))
            known.append((channels.total([a], factor), factor * x))
        elif move == 2:
            known.append((channels.product(a, b), x * y))
        else:
            function = functions[rng.integers(len(functions))]
            known.append((channels.apply(function, a), computed(function, x)))
        if np.abs(known[-1][1]).max() > 1e6:
            known.pop()
    held: dict[int, Value] = {}
    for number, value in known:
        np.testing.assert_allclose(value, held.setdefault(number, value), rtol=1e-6, atol=1e-6)
        assert not channels.is_not_negative(number) or value.min() >= -1e-9


def test_shares_of_a_channel_add_up_to_it() -> None:
    channels = Channels()
    atom = channels.atom("a")
    thirds = [channels.total([atom], share) for share in (5 / 16, 4 / 16, 7 / 16)]
    assert channels.total(thirds) == atom
    assert channels.total([atom, channels.total([atom], -1.0)]) == ZERO


def test_what_is_new_stays_new_and_zeros_vanish() -> None:
    channels = Channels()
    atom = channels.atom("a")
    assert channels.total([atom, NEW]) == channels.product(atom, NEW) == channels.apply("relu", NEW) == NEW
    assert channels.total([ZERO, atom, ZERO]) == atom
    assert channels.product(atom, ZERO) == ZERO


def test_a_second_relu_changes_nothing_and_the_first_one_does() -> None:
    channels = Channels()
    atom = channels.atom("a")
    rectified = channels.apply("relu", atom)
    assert rectified != atom
    assert channels.apply("relu", rectified) == rectified
    assert channels.apply("relu", channels.apply(("MaxPool2d", "3"), rectified)) == channels.apply(("MaxPool2d", "3"), rectified)
