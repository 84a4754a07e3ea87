"""What was spent and avoided, against counts by hand."""

from collections.abc import Sequence

import pytest

from archsmith.values import Architecture, Fidelity, FromScratch, GoesOn, History, Origin, Proposal, Stop, SupernetEpoch, Trial
from archsmith.values.proposals import SHARED
from archsmith.values.spending import Amount, Spending, spending

FULL = Fidelity(9)


def trial(a: int, fidelity: Fidelity, before: int = 0, *, stop: int = 0, failed: bool = False, seconds: float = 0.0) -> Trial:
    origin: Origin = GoesOn("0123456789ab", before) if before else FromScratch()
    stopped = Stop(stop, "median", 0.5, 0.1) if stop else None
    status = "failed" if failed else "stopped" if stop else "complete"
    proposal = Proposal(Architecture("s", (a,)), fidelity, origin)
    return Trial(proposal, status, {}, error="none" if failed else None, seconds=seconds, stop=stopped)


def halving(*, goes_on: bool) -> list[Trial]:
    """Nine at 1 epoch, three of them at 3, one of those at 9."""
    low = [trial(a, Fidelity(1)) for a in range(9)]
    middle = [trial(a, Fidelity(3), 1 if goes_on else 0) for a in range(3)]
    return [*low, *middle, trial(0, Fidelity(9), 3 if goes_on else 0)]


def said(found: Spending) -> tuple[float, ...]:
    return tuple(a.epochs for a in (found.spent, found.by_rungs, found.by_stopping, found.by_going_on))


@pytest.mark.parametrize(
    ("trials", "full", "spent", "by_rungs", "by_stopping", "by_going_on"),
    [
        ([], 0, 0, 0, 0, 0),
        ([trial(a, FULL) for a in range(3)], 27, 27, 0, 0, 0),
        # 9 x 1 + 3 x 3 + 9; the 6 and 2 that were not promoted save 8 and 6 each, and 3 and 1 others paid for a rung twice
        (halving(goes_on=False), 81, 27, 6 * 8 + 2 * 6 - 3 * 1 - 1 * 3, 0, 0),
        # 9 x 1 + 3 x 2 + 6
        (halving(goes_on=True), 81, 21, 6 * 8 + 2 * 6, 0, 3 * 1 + 1 * 3),
        # one goes to its end in three rungs: nothing is won by them, and nothing is lost
        ([trial(0, Fidelity(1)), trial(0, Fidelity(3), 1), trial(0, FULL, 3)], 9, 9, 0, 0, 4),
        # the same, each anew
        ([trial(0, Fidelity(1)), trial(0, Fidelity(3)), trial(0, FULL)], 9, 13, -4, 0, 0),
        # of two that are trained by 1 epoch at a time one is paused after 3, and 6 are avoided
        ([trial(a, Fidelity(e), e - 1) for a, n in ((0, 9), (1, 3)) for e in range(1, n + 1)], 18, 12, 6, 0, 36 + 3),
        # two of three are stopped, after 2 and 5 of 9
        ([trial(0, FULL), trial(1, FULL, stop=2), trial(2, FULL, stop=5)], 27, 16, 0, 7 + 4, 0),
        # stopped where it went on: 2 of 6 new epochs
        ([trial(0, Fidelity(3)), trial(0, FULL, 3, stop=5)], 9, 5, 0, 4, 3),
        # a failed one costs what was planned
        ([trial(0, Fidelity(1), failed=True), trial(1, Fidelity(1))], 18, 2, 16, 0, 0),
    ],
)
def test_epochs_are_those_counted_by_hand_and_add_up(
    trials: list[Trial], full: float, spent: float, by_rungs: float, by_stopping: float, by_going_on: float
) -> None:
    found = spending(History.of(trials), FULL)
    assert (found.full, *said(found)) == (full, spent, by_rungs, by_stopping, by_going_on)
    assert found.full == sum(said(found)[:3])
    if by_going_on:
        assert all(rung.by_rungs.epochs >= 0 for rung in found.rungs)
    assert found.is_plain == (not (by_rungs or by_stopping or by_going_on))


def test_less_of_the_images_or_of_the_width_counts_for_less_of_an_epoch() -> None:
    # a quarter of the images: .25; half the width: .25; the search itself takes half of the images
    found = spending(History.of([trial(0, Fidelity(8, data=0.25)), trial(1, Fidelity(8, data=0.5, width=0.5))]), Fidelity(8, 0.5))
    assert said(found) == (8 * 0.5 + 8 * 0.25, 8 * 0.5 + 8 * 0.75, 0, 0)
    assert found.full == 16


def test_each_rung_says_how_many_it_had_and_what_became_of_them() -> None:
    trials = [*halving(goes_on=True), trial(9, Fidelity(3), failed=True), trial(10, Fidelity(3), stop=1)]
    found = [
        (r.fidelity.epochs, r.trials, r.promoted, r.went_on, r.stopped, r.failed)
        for r in spending(History.of(trials), FULL).rungs
    ]
    assert found == [(1, 9, 3, 0, 0, 0), (3, 5, 1, 3, 1, 1), (9, 1, 0, 1, 0, 0)]


def test_what_was_not_trained_would_have_taken_as_long_an_epoch_as_what_was() -> None:
    def of(trials: Sequence[Trial]) -> Spending:
        return spending(History.of(trials), FULL)

    quick, slow = trial(0, Fidelity(3), seconds=3), trial(1, Fidelity(3), seconds=30)
    assert of([quick, slow]).spent == Amount(6, 33)
    assert of([quick, slow]).by_rungs == Amount(12, 6 + 60)
    assert of([trial(0, FULL, stop=2, seconds=10)]).by_stopping == Amount(7, 35)
    # 3 s for 1 epoch and 6 s for the 2 after it
    assert of([trial(0, Fidelity(1), seconds=3), trial(0, Fidelity(3), 1, seconds=6)]).by_going_on == Amount(1, 3)
    # what failed does not tell how far it came
    assert of([trial(0, Fidelity(1), failed=True, seconds=99)]).by_rungs == Amount(8, 0)


def look(a: int, *, failed: bool = False, seconds: float = 0.0) -> Trial:
    error = "none" if failed else None
    return Trial(
        Proposal(Architecture("s", (a,)), FULL, SHARED), "failed" if failed else "complete", error=error, seconds=seconds
    )


RECORDS = tuple(SupernetEpoch(e, e, 1.0, 10.0 * e) for e in range(1, 4))


@pytest.mark.parametrize(
    ("trials", "records", "full", "spent", "by_sharing"),
    [
        # three epochs of shared weights, four looks of .05 epoch, and one of the four trained for 9: three are avoided, for 3.2
        ([*map(look, range(4)), trial(0, FULL)], RECORDS, 36, 3 + 4 * 0.05 + 9, 3 * 9 - 3 - 4 * 0.05),
        # looks alone
        ([*map(look, range(4))], RECORDS, 36, 3 + 4 * 0.05, 4 * 9 - 3 - 4 * 0.05),
        # what was derived and never looked at: shared weights come on top of what is trained
        ([trial(0, FULL), trial(1, FULL)], RECORDS, 18, 3 + 18, -3),
        # nothing but shared weights, as long as they are trained
        ([], RECORDS, 0, 3, -3),
        ([look(0, failed=True), trial(0, FULL, stop=2)], (), 9, 0.05 + 2, -0.05),
    ],
)
def test_what_shared_weights_cost_and_avoid_adds_up(
    trials: list[Trial], records: tuple[SupernetEpoch, ...], full: float, spent: float, by_sharing: float
) -> None:
    found = spending(History.of(trials), FULL, records)
    assert (found.full, found.spent.epochs, found.by_sharing.epochs) == pytest.approx((full, spent, by_sharing))
    parts = (found.spent, found.by_sharing, found.by_rungs, found.by_stopping)
    assert sum(part.epochs for part in parts) == pytest.approx(found.full)
    assert not found.is_plain


def test_seconds_that_sharing_avoids_are_those_that_trainings_took() -> None:
    trials = [*(look(a, seconds=2.0) for a in range(4)), trial(0, FULL, seconds=90.0)]
    found = spending(History.of(trials), FULL, RECORDS)
    assert found.spent.seconds == 30 + 4 * 2 + 90
    assert found.by_sharing.seconds == 3 * 90 - 30 - 4 * 2
    assert spending(History.of(trials[:4]), FULL, RECORDS).by_sharing.seconds == 0  # nobody knows yet


def test_looks_are_no_trials_of_a_rung() -> None:
    found = spending(History.of([*map(look, range(4)), trial(0, FULL)]), FULL, RECORDS)
    assert [(r.trials, r.promoted, r.spent.epochs, r.by_rungs.epochs) for r in found.rungs] == [(1, 0, 9, 0)]
    assert found.shared is not None
    assert (found.shared.epochs, found.shared.looks, found.shared.failed, found.architectures) == (3, 4, 0, 4)
    assert found.to_dict()["shared"]["looks"] == 4
