"""The outlook of freeze-thaw where something is at work, and what its basket chooses."""

import numpy as np
import pytest

from archsmith.curve_process import Hyperparameters
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.rungs.basket import Outlook
from archsmith.strategies.rungs.belief import Learned
from archsmith.strategies.rungs.standing import Standing
from archsmith.testing.strategies import ACCURACY, small_space
from archsmith.values import Fidelity, Proposal, Trial

LADDER = tuple(map(Fidelity, (1, 2, 3)))
SPACE = small_space()
CODES = Codes(SPACE)
BEGUN, NEW = (tuple(SPACE.enumerate())[k::5] for k in (0, 1))
GIVEN = Hyperparameters(alpha=1.0, beta=1.0, decay=0.9, noise=0.1, end=0.7, length=2.0)
LEARNED = Learned(GIVEN, np.arange(1.0, 4.0), 1.0)


def standing(*accuracies: float) -> Standing:
    found = Standing(LADDER, ACCURACY[0], ACCURACY, CODES)
    for k, (architecture, value) in enumerate(zip(BEGUN, accuracies, strict=False)):
        found.add(Trial(Proposal(architecture, LADDER[0], number=k), "complete", {"accuracy": value}))
    return found


def test_what_is_at_work_changes_no_expectation_but_leaves_less_to_be_gained_from_the_same() -> None:
    known = standing(0.1, 0.3, 0.2, 0.6, 0.5, 0.4)
    frozen = known.frozen(20)
    alone = Outlook(known, LEARNED, frozen, [])
    beside = Outlook(known, LEARNED, frozen, [(NEW[0], 0), (BEGUN[0], 1)])
    assert [beside.expected(t) for t in frozen] == pytest.approx([alone.expected(t) for t in frozen])
    rows = CODES.encode(NEW[:1])
    assert beside.improvement(rows) < alone.improvement(rows)


def test_the_basket_has_the_frozen_ones_of_the_highest_expected_improvement() -> None:
    known = standing(0.1, 0.3, 0.2, 0.6, 0.5, 0.4)
    basket = Outlook(known, LEARNED, known.frozen(20), []).basket(2, NEW[:3])
    assert [t.row for t in basket.old] == [3, 4]
    assert len(basket.steps) == len(basket.mean) == 5
    assert basket.mean[0] == max(basket.mean)


def test_what_is_at_its_end_is_compared_with_the_others_and_is_no_step_to_make() -> None:
    known = standing(0.1, 0.3, 0.2, 0.6, 0.5, 0.4)
    known.add(Trial(Proposal(BEGUN[3], LADDER[2], number=9), "complete", {"accuracy": 0.9}))
    basket = Outlook(known, LEARNED, known.frozen(20), []).basket(2, ())
    assert [t.row for t in basket.old] == [4, 5]
    assert len(basket.steps) == 2
    assert len(basket.mean) == 3
    assert basket.mean.argmax() == 2


def test_a_step_of_what_may_be_the_best_tells_more_than_one_of_what_may_hardly_be() -> None:
    known = standing(0.50, 0.50, 0.49, 0.49, 0.05, 0.06)
    basket = Outlook(known, LEARNED, known.frozen(20), []).basket(6, ())
    chosen = basket.choice(500, np.random.default_rng(0))
    assert chosen is not None
    assert basket.old[chosen[0]].row < 4
