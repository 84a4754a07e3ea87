"""The brackets of the papers."""

import pytest

from archsmith.strategies.rungs.ladder import Lowest, ladder
from archsmith.strategies.rungs.plans import Plan, all_brackets, halving
from archsmith.values import Fidelity


@pytest.mark.parametrize(
    ("resource", "eta", "sizes"),
    [
        # Li 2017, table 1
        (81, 3, [(81, 27, 9, 3, 1), (34, 11, 3, 1), (15, 5, 1), (8, 2), (5,)]),
        (27, 3, [(27, 9, 3, 1), (12, 4, 1), (6, 2), (4,)]),
        # log(243, 3) is 4.999... and log(1000, 10) is 2.999... to a computer
        (243, 3, [(243, 81, 27, 9, 3, 1), (98, 32, 10, 3, 1), (41, 13, 4, 1), (18, 6, 2), (9, 3), (6,)]),
        (1000, 10, [(1000, 100, 10, 1), (134, 13, 1), (20, 2), (4,)]),
        (4, 3, [(3, 1), (2,)]),
    ],
)
def test_the_brackets_of_hyperband_are_those_of_the_paper(resource, eta, sizes):
    rungs = ladder(Fidelity(resource), Lowest(epochs=1), eta)
    plans = all_brackets(len(rungs), eta)
    assert [plan.sizes for plan in plans] == sizes
    assert [plan.first for plan in plans] == list(range(len(rungs)))


def test_a_bracket_of_successive_halving_has_one_for_each_rung_even_where_it_is_small():
    assert halving(3, 3, 20) == Plan(0, (20, 6, 2))
    assert halving(4, 3, 5) == Plan(0, (5, 1, 1, 1))
