"""The pace of a search without rounds: against brute force, closed forms, and real workers of any speed."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from archsmith.steps.pace import Ask, Limit, Over, Pace, Replay, Wait, seen_by
from archsmith.values import Architecture, Fidelity, History, Proposal, Stop, Trial

Asked = Callable[[History, int], Proposal | None]
"""A strategy: what is seen and the number of the next proposal, to that proposal."""


def _proposal(number: int, epochs: int = 1) -> Proposal:
    return Proposal(Architecture("line", (number,)), Fidelity(epochs), number=number)


def _trial(proposal: Proposal) -> Trial:
    """Measure something that depends on the proposal alone."""
    value = math.sin(1 + proposal.architecture.choices[0] * proposal.fidelity.epochs)  # type: ignore[operator]
    return Trial(proposal, "complete", {"accuracy": value})


def _equal(seen: History, number: int) -> Proposal:
    return _proposal(number)


def _curious(seen: History, number: int) -> Proposal | None:
    """Propose by all that is known: what was measured, what is running; and sometimes nothing before more has ended."""
    values = [t.metrics["accuracy"] for t in seen]
    state = int(1e6 * abs(sum(values))) + 7 * sum(p.number for p in seen.running) + 13 * number
    if state % 4 == 0 and seen.running:
        return None
    return replace(_proposal(number, (1, 3, 9, 27)[state % 4]), reason=f"{values[-3:]} {[p.number for p in seen.running]}")


def _by_hand(strategy: Asked, n: int, workers: int) -> list[Proposal]:
    """Return the proposals by the words of the docstring, each end of the virtual schedule looked for among all."""
    made: list[Proposal] = []
    ends: dict[int, float] = {}
    ended: list[int] = []
    now = 0.0

    def end_one() -> None:
        nonlocal now
        first = min((k for k in ends if k not in ended), key=lambda k: (ends[k], k))
        ended.append(first)
        now = ends[first]

    while len(made) < n:
        if len(made) - len(ended) >= workers:
            end_one()
        running = [p for p in made if p.number not in ended]
        asked = strategy(History.of([_trial(made[k]) for k in ended], running), len(made))
        if asked is None:
            if not running:
                break
            end_one()
            continue
        made.append(replace(asked, seen=len(ended)))
        ends[asked.number] = now + asked.cost
    return made


def _simulated(
    strategy: Asked, n: int, virtual: int, real: int, seed: int, *, kills: float = 0.0, forget: float = 0.0
) -> list[Proposal]:
    """Run a search with real workers that take any time, in any order; some are killed, and whoever asks forgets at times."""
    rng = np.random.default_rng(seed)
    made: list[Proposal] = []
    trials: dict[int, Trial] = {}
    pace = Pace(virtual, Limit(n))
    over = False
    while not over or len(trials) < len(made):
        if rng.random() < forget:
            pace = Pace(virtual, Limit(n))
            for k in rng.permutation(list(trials)):
                pace.measured(trials[int(k)])
            for proposal in made:
                pace.add(proposal)
        turn = pace.turn()
        while isinstance(turn, Ask):
            if asked := strategy(turn.seen, turn.number):
                made.append(replace(asked, seen=len(turn.seen)))
                pace.add(made[-1])
            elif not pace.nothing():
                over = True
                break
            turn = pace.turn()
        over = over or isinstance(turn, Over)
        if isinstance(turn, Wait):
            assert all(p.number not in trials for p in turn.on)
        busy = [p for p in made if p.number not in trials][:real]
        if busy and rng.random() >= kills:  # a killed one is begun anew
            done = _trial(busy[rng.integers(len(busy))])
            trials[done.proposal.number] = done
            pace.measured(done)
    return made


def test_where_all_cost_the_same_a_proposal_is_made_with_the_trials_below_k_less_l() -> None:
    for workers in (1, 2, 5):
        seen = [p.seen for p in _simulated(_equal, 40, workers, workers, seed=0)]
        assert seen == [max(0, k - (workers - 1)) for k in range(40)]
        assert seen == [p.seen for p in _by_hand(_equal, 40, workers)]


@pytest.mark.parametrize("strategy", [_equal, _curious])
def test_the_proposals_are_those_of_the_words_whatever_happens_to_the_workers(strategy: Asked) -> None:
    for seed in range(30):
        rng = np.random.default_rng([1, seed])
        virtual, n = int(rng.integers(1, 9)), int(rng.integers(1, 60))
        expected = _by_hand(strategy, n, virtual)
        for real in (1, int(rng.integers(1, 12))):
            assert _simulated(strategy, n, virtual, real, seed, kills=0.3, forget=0.3) == expected


def test_what_the_maker_of_a_proposal_knew_is_read_off_the_proposals() -> None:
    known: dict[int, History] = {}

    def noted(seen: History, number: int) -> Proposal | None:
        known[number] = seen
        return _curious(seen, number)

    made = _simulated(noted, 60, 6, 3, seed=2)
    whole = History.of([_trial(p) for p in made])
    for proposal in made:
        assert seen_by(whole, proposal) == known[proposal.number]
        before = History.of([t for t in whole if t.proposal.number < proposal.number])
        assert seen_by(before, proposal) == known[proposal.number], "later proposals count for nothing"
    replay, rng = Replay(), np.random.default_rng(0)
    for k in (*range(60), *rng.permutation(60)):  # whoever asks in order, and then is given what others have left
        until = int(rng.integers(k, 60))
        some = History.of([_trial(p) for p in made[:until]], made[until:][: rng.integers(60)])
        assert replay.seen_by(some, made[k]) == known[made[k].number]
    assert replay.seen_by(History.of([_trial(p) for p in made[15:]]), made[19]) == seen_by(
        History.of([_trial(p) for p in made[15:]]), made[19]
    )


def test_what_was_known_is_told_as_far_as_it_is_there_where_objects_were_removed() -> None:
    made = _simulated(_equal, 20, 2, 2, seed=0)
    left = History.of([_trial(p) for p in made[15:]])
    assert seen_by(left, made[19]).trials == left.trials[:4]


def test_a_long_training_holds_nobody_up() -> None:
    made = _simulated(lambda _, k: _proposal(k, 100 if k == 0 else 1), 50, 3, 3, seed=0)
    assert [p.seen for p in made] == [0, 0, 0, *range(1, 48)], "two workers go on as if the third were not there"


def test_never_are_fewer_proposed_than_can_be_at_once() -> None:
    for workers in (1, 3, 8):
        made = _simulated(_curious, 60, workers, workers, seed=1)
        assert all(k - p.seen < workers for k, p in enumerate(made))
        full = _simulated(lambda s, k: _proposal(k, 1 + (7 * k + len(s)) % 5), 60, workers, workers, seed=1)
        assert all(k - p.seen == min(k, workers - 1) for k, p in enumerate(full))


def test_another_number_of_workers_takes_over_where_the_search_stands() -> None:
    made = _simulated(lambda _, k: _proposal(k, (27, 1, 9, 3)[k % 4]), 24, 8, 8, seed=4)
    for workers in (2, 3, 4, 5):
        looked, fresh = Pace(workers), Pace(workers)
        for k, proposal in enumerate(made):
            for pace in (looked, fresh):
                pace.add(proposal)
                pace.measured(_trial(proposal))
            if k == 12:  # it has looked ahead, and then others with more workers propose on, who have seen less
                turn = looked.turn()
                assert isinstance(turn, Ask)
                assert len(turn.seen.running) == workers - 1
        assert looked.turn() == fresh.turn()


def test_a_search_ends_when_its_trials_are_used_up_or_its_cost_is_spent_or_nothing_is_left() -> None:
    assert len(_simulated(_equal, 7, 3, 2, seed=0)) == 7
    assert len(_simulated(lambda _, k: _proposal(k) if k < 5 else None, 7, 3, 2, seed=0)) == 5
    pace, made = Pace(3, Limit(cost=20.0)), list[Proposal]()
    while isinstance(turn := pace.turn(), Ask):
        made.append(replace(_proposal(turn.number, (1, 3, 9)[turn.number % 3]), seen=len(turn.seen)))
        pace.add(made[-1])
        for trial in map(_trial, made):
            pace.measured(trial)
    assert sum(p.cost for p in made[:-1]) < 20 <= sum(p.cost for p in made)


def test_a_budget_that_floating_sums_miss_by_a_bit_is_spent() -> None:
    pace, part = Pace(1, Limit(cost=2.1)), Fidelity(1, data=0.7)
    while isinstance(turn := pace.turn(), Ask):
        proposal = Proposal(Architecture("line", (turn.number,)), part, number=turn.number, seen=len(turn.seen))
        pace.add(proposal)
        pace.measured(_trial(proposal))
    assert len(pace.proposals) == 3
    assert 3 * 0.7 < 2.1, "as floating numbers"


def test_what_a_stopped_trial_has_saved_is_proposed_once_it_is_seen() -> None:
    def run(*, refunds: bool) -> int:
        pace = Pace(4, Limit(cost=40.0, refunds=refunds))
        while isinstance(turn := pace.turn(), Ask):
            proposal = replace(_proposal(turn.number, 10), seen=len(turn.seen))
            pace.add(proposal)
            pace.measured(Trial(proposal, "stopped", {"accuracy": 0.1}, stop=Stop(1, "median", 0.1, 0.0)))
        return len(pace.proposals)

    assert run(refunds=False) == 13, "10 of 1 epoch are seen, and 3 are running for which 10 are planned"
    assert run(refunds=True) == 40, "each of them took 1 epoch"
