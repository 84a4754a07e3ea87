"""A state that goes on from the history before it."""

from archsmith.strategies.fold import Fold
from archsmith.testing.strategies import FULL, measured_by, small_space
from archsmith.values import History, Proposal


def trials(n):
    measure = measured_by(lambda _: 0.5)
    return [measure(Proposal(a, FULL, number=k)) for k, a in zip(range(n), small_space().enumerate(), strict=False)]


def numbers_of(added):
    return lambda state, trial: (added.append(trial.proposal.number), state.append(trial.proposal.number))


def test_only_new_trials_are_added_to_the_state_of_a_history_that_goes_on():
    added = []
    fold = Fold(list, numbers_of(added))
    whole = trials(6)
    for n in (0, 2, 2, 5, 6):
        assert fold(History(tuple(whole[:n]))) == list(range(n))
    assert added == list(range(6))


def test_any_other_history_is_folded_from_its_first_trial():
    fold = Fold(list, numbers_of([]))
    whole = trials(6)
    fold(History(tuple(whole[:4])))
    assert fold(History(tuple(whole[:2]))) == [0, 1]
    assert fold(History((*whole[1:2], *whole[3:6]))) == [1, 3, 4, 5]
    assert fold(History(tuple(trials(3)))) == [0, 1, 2]
