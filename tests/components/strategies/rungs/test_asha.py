"""ASHA."""

import pytest

from archsmith.strategies.rungs.asha import ASHAConfig
from archsmith.testing.strategies import FULL, LadderConformance, Make, measured_by, one_max, small_problem, without_waiting


class TestASHA(LadderConformance):
    @pytest.fixture
    def make(self) -> Make:
        return ASHAConfig(eta=2).build


def test_where_nothing_new_is_left_the_next_best_go_on_until_all_are_trained_in_full():
    problem = small_problem()
    measure = measured_by(lambda architecture: one_max(problem.space, architecture))
    *asked, whole = without_waiting(ASHAConfig(eta=2).build(problem), measure, at_once=4, proposals=1000)
    full = [t.proposal.architecture for t in whole if t.proposal.fidelity == FULL]
    assert set(full) == set(problem.space.enumerate())
    assert len(whole) == 3 * len(full) == 3 * 42
    # Once the best have gone on by the rule, none is waited for: three others are running whenever it is asked.
    assert all(len(history.running) == 3 for history in asked[3:-10])
