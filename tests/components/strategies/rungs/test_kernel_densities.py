"""The kernel densities of BOHB, against sums over all that there is."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.decisions import Decision
from archsmith.strategies.rungs.kernel_densities import Coding, Density, reference_bandwidths
from archsmith.testing.strategies import small_space
from archsmith.values import Architecture


class Plain:
    """As much of a space as densities look at: decisions without conditions."""

    name = "plain"

    def __init__(self, *sizes: int) -> None:
        self.decisions = [Decision(f"d{k}", tuple(range(n))) for k, n in enumerate(sizes)]

    def all(self) -> list[Architecture]:
        return [Architecture("plain", choices) for choices in product(*(d.choices for d in self.decisions))]


def kernel(choice: int, datum: int, h: float, c: int) -> float:
    """Return Aitchison and Aitken's kernel, by its definition."""
    return 1 - h if choice == datum else h / (c - 1)


def test_the_density_is_the_mean_of_products_of_kernels_and_sums_to_one():
    space = Plain(2, 3, 4)
    coding, rng = Coding(space), np.random.default_rng(0)
    everything = space.all()
    data = [everything[k] for k in rng.integers(len(everything), size=7)]
    density = Density(coding.encode(data), coding, 1e-3)

    def by_definition(a: Architecture, datum: Architecture) -> float:
        parts = zip(a.choices, datum.choices, density.bandwidths, (2, 3, 4), strict=True)
        return float(np.prod([kernel(choice, i, h, c) for choice, i, h, c in parts]))

    expected = [np.mean([by_definition(a, datum) for datum in data]) for a in everything]
    found = np.exp(density.log(coding.encode(everything)))
    assert found == pytest.approx(expected)
    assert found.sum() == pytest.approx(1)


def test_the_bandwidth_of_two_choices_is_that_of_the_normal_reference_rule():
    space, rng = Plain(2, 2, 2), np.random.default_rng(1)
    everything = space.all()
    data = [everything[k] for k in rng.integers(len(everything), size=20)]
    deviations = np.std([a.choices for a in data], axis=0)
    expected = 1.06 * deviations * 20 ** (-1 / (4 + 3))
    assert reference_bandwidths(Coding(space).encode(data), Coding(space)) == pytest.approx(expected)


def test_choices_that_are_all_the_same_have_the_least_bandwidth_and_a_single_choice_says_nothing():
    space = Plain(3, 1)
    density = Density(Coding(space).encode([Architecture("plain", (0, 0))] * 4), Coding(space), 0.01)
    assert density.bandwidths.tolist() == [0.01, 0.0]
    assert np.exp(density.log(Coding(space).encode(space.all()))) == pytest.approx([0.99, 0.005, 0.005])


def test_what_is_drawn_near_a_datum_has_the_kernels_probabilities():
    space, rng = Plain(3, 2), np.random.default_rng(2)
    h, coding = np.array([0.3, 0.25]), Coding(space)
    middles = coding.encode([Architecture("plain", (1, 0))] * 6000)
    drawn = [coding.decode(row).choices for row in coding.draw_near(middles, h, rng)]
    expected = {c: kernel(c[0], 1, 0.3, 3) * kernel(c[1], 0, 0.25, 2) for c in product(range(3), range(2))}
    counts = [drawn.count(c) for c in expected]
    assert stats.chisquare(counts, [6000 * p for p in expected.values()]).pvalue > 1e-3


def test_what_is_drawn_lies_in_the_space_also_where_decisions_depend_on_others():
    rng = np.random.default_rng(3)
    for space in (small_space(), ChainConfig().build()):
        coding = Coding(space)
        data = [space.sample(rng) for _ in range(50)]
        codes, h = coding.encode(data), np.full(len(space.decisions), 0.5)
        for row in coding.draw_near(codes, h, rng):
            space.validate(coding.decode(row))
        assert [coding.decode(row) for row in coding.draw_near(codes, 0 * h, rng)] == data


def test_inactive_decisions_agree_with_each_other():
    space = small_space()
    coding, rng = Coding(space), np.random.default_rng(4)
    everything = list(space.enumerate())
    density = Density(coding.encode([space.sample(rng) for _ in range(9)]), coding, 1e-3)
    # The kernels also have room for what is no architecture, such as a second layer that is not there and has filters.
    assert 0 < np.exp(density.log(coding.encode(everything))).sum() < 1
