"""The fidelities of the rungs."""

from fractions import Fraction
from itertools import pairwise

import pytest

from archsmith.strategies.rungs.ladder import POWERS, Ladder, Lowest, goes_on, ladder, n_steps
from archsmith.values import Fidelity


@pytest.mark.parametrize(
    ("full", "lowest", "eta", "epochs"),
    [
        (81, 1, 3, [1, 3, 9, 27, 81]),
        (243, 1, 3, [1, 3, 9, 27, 81, 243]),
        (1000, 1, 10, [1, 10, 100, 1000]),
        (1000, 1, 3, [1, 4, 12, 37, 111, 333, 1000]),
        (10, 1, 3, [1, 3, 10]),
        (27, 2, 3, [3, 9, 27]),
        (4, 2, 2, [2, 4]),
    ],
)
def test_the_rungs_of_epochs_are_whole_parts_of_the_full_number(full, lowest, eta, epochs):
    assert [f.epochs for f in ladder(Fidelity(full), Lowest(epochs=lowest), eta)] == epochs


def test_no_power_is_missed_for_a_logarithm_that_is_a_little_too_small():
    assert all(n_steps(eta**k, eta) == k for eta in range(2, 12) for k in range(40))
    assert all(n_steps(eta**k - 1, eta) == k - 1 for eta in range(2, 12) for k in range(1, 40))


def test_width_and_resolution_count_twice_as_the_cost_does():
    full = Fidelity(6, width=0.8)
    assert ladder(full, Lowest(width=0.2), 4) == (Fidelity(6, width=0.2), Fidelity(6, width=0.4), full)
    assert ladder(Fidelity(6), Lowest(resolution=0.5), 2)[0] == Fidelity(6, resolution=0.5)
    assert [f.depth for f in ladder(Fidelity(6), Lowest(depth=0.3), 3)] == [0.3333, 1.0]


def test_several_parts_fall_side_by_side_and_each_rung_costs_a_share_of_the_next():
    full = Fidelity(1000, data=0.9)
    rungs = ladder(full, Lowest(epochs=10, data=0.1, resolution=0.25), 3)
    assert rungs[-1] == full
    assert len(rungs) == n_steps(Fraction(100 * 9 * 16), 3) + 1
    for below, above in pairwise(rungs):
        assert above.cost / below.cost == pytest.approx(3, rel=0.08)  # epochs are whole
        for part in ("epochs", "data", "resolution"):
            assert getattr(below, part) < getattr(above, part)
    assert all(getattr(rungs[0], part) >= value for part, value in {"epochs": 10, "data": 0.1, "resolution": 0.25}.items())


def test_a_lowest_part_may_be_that_of_the_search():
    assert ladder(Fidelity(9, data=0.5), Lowest(epochs=1, data=0.5), 3) == tuple(Fidelity(k, data=0.5) for k in (1, 3, 9))


@pytest.mark.parametrize(
    ("full", "lowest", "eta", "said"),
    [
        (Fidelity(1), Lowest(epochs=1), 3, "1 times as cheap as one in full, but must be at least `eta` times, which is 3"),
        (Fidelity(5), Lowest(epochs=2), 3, "2.5 times as cheap"),
        (
            Fidelity(9, data=0.5),
            Lowest(data=0.6),
            3,
            "`lowest.data` is 0.6, but must be at most that of `estim",
        ),
    ],
)
def test_a_lowest_fidelity_that_leaves_no_rungs_is_refused(full, lowest, eta, said):
    with pytest.raises(ValueError, match=said):
        ladder(full, lowest, eta)


def test_a_lowest_fidelity_names_something():
    with pytest.raises(ValueError, match="at least one must be: epochs, data, width, depth, resolution"):
        Lowest()


def test_a_trial_goes_on_where_its_network_stays_and_epochs_are_added():
    assert goes_on(Fidelity(1), Fidelity(3))
    assert goes_on(Fidelity(1, data=0.5, resolution=0.5), Fidelity(3))
    assert not goes_on(Fidelity(3, data=0.5), Fidelity(3))
    assert not goes_on(Fidelity(1, width=0.5), Fidelity(3))
    assert not goes_on(Fidelity(1, depth=0.5), Fidelity(3), widens=True)
    assert goes_on(Fidelity(1, width=0.5), Fidelity(3), widens=True)


def test_what_a_trial_costs_is_less_where_it_goes_on():
    rungs = Ladder((Fidelity(3), Fidelity(9)), widens=False)
    assert rungs.cost(1, begins=True) == 1
    assert rungs.cost(1, begins=False) == pytest.approx(6 / 9)
    assert rungs.cost(0, begins=True) == pytest.approx(3 / 9)
    assert rungs.climb(0, 1, begins=True) == pytest.approx(1)


@pytest.mark.parametrize(("widens", "cost"), [(False, 1), (True, 6 / 9)])
def test_a_trial_whose_weights_are_widened_pays_for_the_new_epochs_alone(widens, cost):
    rungs = Ladder((Fidelity(3, width=0.5), Fidelity(9)), widens)
    assert rungs.cost(1, begins=False) == pytest.approx(cost)


def test_every_part_of_a_fidelity_has_its_power():
    assert set(POWERS) == set(Fidelity(1).to_dict())
