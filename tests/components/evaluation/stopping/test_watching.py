from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.median import MedianConfig, MedianStopper
from archsmith.evaluation.stopping.stopper import StopperConfig, Watch
from archsmith.evaluation.stopping.watching import Remembering, Stopping, learned_from
from archsmith.spec import Objective
from archsmith.testing.stoppers import some_curves, trial_of
from archsmith.testing.strategies import ACCURACY, small_space
from archsmith.values import Architecture, Fidelity, FromScratch, GoesOn, History, Proposal, Stop, Trial

SPACE = small_space()
KNOWN = list(SPACE.enumerate())


def stopping(config: StopperConfig | None = None, *, prefixes: bool = True) -> Stopping:
    return Stopping("median", config or MedianConfig(), SPACE, ACCURACY, prefixes)


def trial(k: int, values: list[float], *, epochs: int | None = None, goes_on: int = 0, **fidelity: float) -> Trial:
    """Return a trial of architecture number `k`; stopped, where it has fewer values than `epochs`."""
    origin = GoesOn("0" * 12, goes_on) if goes_on else FromScratch()
    proposal = Proposal(KNOWN[k], Fidelity(epochs or len(values), **fidelity), origin, number=k)
    made = replace(trial_of(KNOWN[k], values, k), proposal=proposal)
    is_stopped = len(values) < proposal.fidelity.epochs
    return replace(made, status="stopped", stop=Stop(len(values), "median", 0.1, 0.1)) if is_stopped else made


def test_what_is_compared_are_curves_of_the_same_fidelity_the_longest_of_each_architecture() -> None:
    short, long = trial(3, [0.1, 0.2]), trial(3, [0.1, 0.2, 0.3])
    long = replace(long, proposal=replace(long.proposal, number=9))
    seen = History.of([trial(0, [0.5] * 3), trial(1, [0.6, 0.7], epochs=3), trial(2, [0.9] * 3, width=0.5), short, long])
    before = stopping().before(seen, Proposal(KNOWN[5], Fidelity(3)))
    nan = float("nan")
    np.testing.assert_equal(before.curves.values, [[0.5, 0.5, 0.5], [0.6, 0.7, nan], [0.1, 0.2, 0.3]])
    np.testing.assert_equal(before.curves.features, np.stack([SPACE.features(KNOWN[k]) for k in (0, 1, 3)]))
    assert (before.n_ended, before.best) == (2, 0.5)


def test_a_longer_training_is_compared_as_far_as_this_one_goes_and_not_where_each_has_a_schedule_of_its_own() -> None:
    seen = History.of([trial(0, [0.1, 0.2, 0.3]), trial(1, [0.3, 0.4]), trial(2, [0.5, 0.6], goes_on=1)])
    proposal = Proposal(KNOWN[5], Fidelity(2))
    assert stopping().before(seen, proposal).curves.values.tolist() == [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]
    assert stopping(prefixes=False).before(seen, proposal).curves.values.tolist() == [[0.3, 0.4]]


def test_its_own_trial_before_is_no_rival() -> None:
    seen = History.of([trial(0, [0.1, 0.2]), trial(1, [0.3, 0.4])])
    assert stopping().before(seen, Proposal(KNOWN[1], Fidelity(2))).curves.values.tolist() == [[0.1, 0.2]]


def test_the_best_is_within_the_limits() -> None:
    measured = [{"accuracy": 0.9, "n_params": 200}, {"accuracy": 0.5, "n_params": 50}]
    seen = History.of([replace(trial(k, [0.1, m["accuracy"]]), metrics=m) for k, m in enumerate(measured)])
    limited = replace(stopping(), objectives=(*ACCURACY, Objective(metric="n_params", limit=100)))
    assert stopping().before(seen, Proposal(KNOWN[5], Fidelity(2))).best == 0.9
    assert limited.before(seen, Proposal(KNOWN[5], Fidelity(2))).best == 0.5


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_share_of_all_architectures_is_spared(share: float) -> None:
    it = stopping(MedianConfig(spared=share))
    spared = [it.spares(Architecture("s", (k,))) for k in range(4000)]
    assert np.mean(spared) == pytest.approx(share, abs=0.02)


def test_it_learns_anew_now_and_then() -> None:
    at = sorted({learned_from(n, 5) for n in range(201)})
    assert at[:5] == [0, 5, 10, 15, 20]
    assert all(b - a >= 5 and (b - a <= 6 or b / a < 1.12) for a, b in pairwise(at))
    assert [learned_from(n, 1) for n in range(10)] == list(range(10))


def test_what_was_learned_is_not_learned_again() -> None:
    learned: list[Curves] = []

    class Counted:
        def fit(self, before: Curves) -> Watch:
            learned.append(before)
            return MedianStopper().fit(before)

    remembering = Remembering(Counted(), most=2)
    one, two, three = (some_curves(seed=seed) for seed in range(3))
    watches = [remembering.fit(curves) for curves in (one, two, some_curves(seed=0), two)]
    assert learned == [one, two]
    assert watches[0] is watches[2]
    remembering.fit(three)  # the one that was asked for least lately goes
    remembering.fit(two)
    assert learned == [one, two, three]
    remembering.fit(one)
    assert learned == [one, two, three, one]
