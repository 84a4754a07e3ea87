"""Where the time goes: how large networks are, how long trials and the final trainings are, and how many trials there are."""

import math
from dataclasses import dataclass

from archsmith.automl import networks
from archsmith.automl.situation import Situation

USUAL_FLOPS, MOST_FLOPS = 3.0e6, 40.0e6
"""Multiply-adds of networks that learn small images well, and of the largest on a CPU."""
MOST_FLOPS_GPU = 600.0e6
USUAL_VISITS, USUAL_IMAGES = 120_000, 48_000
"""Images that a training sees at least, those that come again counted again, where there are so many different ones."""
GROWTH = 0.35
"""Power by which that grows with the number of different images."""
MOST_EPOCHS, OF_FEW = 120, 60_000
"""Epochs after which nothing more is learned of a few thousand images; and of fewer, how many images a training sees by then."""
MOST_VISITS = 4_000_000
"""Images after which nothing more is learned, of many."""
SEARCH = 0.36
"""Share of the time that trainings have which goes to the search; what its winner learns in the rest counts more."""
LEAST_TRIALS, MOST_TRIALS = 10, 60
"""Full trials that a search has at least, as far as there is time, and at most."""
LIKE = 4.0
"""Times as many images as in a trial that the final training sees, about; less alike, and what is best is another network."""
TRIAL_S = 0.6
"""What a trial takes on a quiet machine beside what was measured of it: a process, and some objects of the store."""
PATIENCE = 1.7
"""Times what a trial is expected to take after which it ends."""
RUNGS = 6
"""Epochs of a trial from which on a third of them tells something."""
FEW, FOLDS = 1_000, 4
"""Images up to which networks are trained on several parts of them, and on how many."""
LEAST_S, LEAST_SHARE = 3.0, 0.025
"""Seconds, and share of all the time, that search and training each have even where there is none left: what is hardly trained is
of no use to anybody."""
SHORT_S = 30.0
LOSS = 0.9
"""Share of the time that search and trainings get of what is left: a loaded machine is slower at times than when measured."""


@dataclass(frozen=True, slots=True)
class Split:
    """Where the time goes."""

    form: networks.Form
    """What the space is built around."""
    flops: float
    """Multiply-adds of an image, of the network in the middle of the space."""
    search_s: float
    """Seconds in which trials may begin."""
    retrain_s: float
    """Seconds of the winner's training at most."""
    retrain_epochs: int
    """Epochs of it at most."""
    visits: float
    """Images that it sees, about."""
    trials: int
    """Trials of the full length, about."""
    trial_epochs: int
    """Epochs of such a trial."""
    trial_limit_s: float
    """Seconds after which a trial ends, however far it is: where the machine gets busier than it was."""
    data: float
    """Share of the training images that a trial has."""
    lowest: int | None
    """Epochs of the first rung; None where there are no rungs."""
    folds: int
    """Parts of the images that take turns in validation; 0 where validation images are set aside."""
    short: str = ""
    """Why the time is too short, where it is."""


def least(minutes: float) -> float:
    """Return the seconds that search and training each have of so many minutes, even where there are none left."""
    return max(LEAST_S, LEAST_SHARE * 60 * minutes)


def split(situation: Situation) -> Split:
    """Divide the time there is."""
    left_s = 60 * situation.minutes - situation.spent_s - situation.start_s - situation.end_s
    least_s = least(situation.minutes)
    form, flops = _size(situation, left_s, least_s)
    left_s -= situation.test_s(flops)
    short = _short(situation, left_s) if left_s < SHORT_S else ""
    usable_s, retrain_s = _usable(situation, left_s, least_s)
    a_second = situation.together / (situation.train_s(flops) * _with_validation(situation, 1.0))
    most = min(max(MOST_EPOCHS * situation.n_train, OF_FEW), MOST_VISITS)
    visits = max(1.0, min(a_second * retrain_s, most))
    if a_second * retrain_s > most:  # more would not help the winner, but perhaps to find a better one
        retrain_s = max(least_s, most / a_second)
    search_s = max(least_s, usable_s - situation.models * retrain_s)
    # As many as may fit where the machine is quiet: how many do is measured before the first one.
    epochs = max(1, min(math.ceil(2 * visits / situation.n_train), math.ceil(most / situation.n_train)))
    trials, trial_epochs, data, folds = _trials(situation, search_s, flops, visits)
    each_s = search_s * situation.workers / trials
    limit_s = max(2.0, min(PATIENCE * each_s, search_s))
    rungs = trial_epochs >= RUNGS and trials >= 9 and not folds and situation.goals == 1
    lowest = trial_epochs // 3 if rungs else None
    trial_epochs = lowest * 3 if lowest else trial_epochs
    return Split(
        form, flops, search_s, retrain_s, max(epochs, trial_epochs), visits, trials, trial_epochs, limit_s, data, lowest, folds,
        short,
    )  # fmt: skip


def _short(situation: Situation, left_s: float) -> str:
    needed = (60 * situation.minutes - left_s + 2 * SHORT_S) / 60
    return (
        f"of {situation.minutes:g} minutes, {max(0.0, left_s):.0f} s are left for search and training here; what comes out would "
        f"be better with {math.ceil(needed)} minutes or more."
    )


def _usable(situation: Situation, left_s: float, least_s: float) -> tuple[float, float]:
    """Return the seconds that search and trainings have of what is left, and those of the winner's training."""
    usable_s = max(LOSS * left_s, (1 + situation.models) * least_s)
    return usable_s, max(least_s, (1 - SEARCH) * usable_s / situation.models)


def _size(situation: Situation, left_s: float, least_s: float) -> tuple[networks.Form, float]:
    """Return what the space is built around, and the multiply-adds of the network in its middle.

    With more time, networks grow and see more images, both by the same factor.

    Args:
        situation: What is known.
        left_s: Seconds for trainings, and for the tests after them, which take longer of larger networks.
        least_s: Seconds that search and training each have in any case.
    """
    shape, n_classes, n = situation.facts.input_shape, len(situation.facts.classes), situation.n_train
    needed = USUAL_VISITS * (n / USUAL_IMAGES) ** GROWTH
    most = MOST_FLOPS_GPU if situation.gpu else MOST_FLOPS
    found = None
    for form in networks.forms(situation.side):
        params, flops = networks.cost(form, networks.middle(form), shape, n_classes)
        most_flops = min(situation.limits.get("flops", math.inf), situation.most_flops)
        fits = params <= situation.limits.get("n_params", math.inf) and flops <= most_flops
        if found is not None and not fits:
            continue
        _, retrain_s = _usable(situation, left_s - situation.test_s(flops), least_s)
        visits = situation.together * retrain_s / situation.train_s(flops)
        usual, grown = form.base >= networks.USUAL_WIDTH, max(1.0, flops / USUAL_FLOPS)
        if found is not None and found[0].base >= networks.USUAL_WIDTH and (flops > most or visits < needed * grown):
            break
        if found is None or usual or found[0].base < form.base:
            found = form, float(flops)
    assert found is not None
    return found


def _with_validation(situation: Situation, data: float) -> float:
    """Return what an epoch costs with its validation, as a multiple of its training."""
    return 1 + situation.check * situation.facts.n("validation") / max(1, situation.n_train * data)


def _trials(situation: Situation, search_s: float, flops: float, visits: float) -> tuple[int, int, float, int]:
    """Return how many full trials there are, and of each the epochs, the share of the images, and the folds."""
    n, each_s = situation.n_train, situation.train_s(flops)
    wanted = visits / LIKE
    overhead_s = TRIAL_S * situation.slowness + situation.fixed_s
    total_s = search_s * situation.workers
    trials = max(1, min(MOST_TRIALS, int(total_s / (wanted * each_s * _with_validation(situation, 1.0) + overhead_s))))
    folds = FOLDS if situation.folds and situation.n_labelled <= FEW and trials >= FOLDS * LEAST_TRIALS else 0
    if folds:
        trials //= folds
    elif trials < LEAST_TRIALS:  # shorter ones
        trials = max(trials, min(LEAST_TRIALS, int(total_s / (4 * overhead_s))))
    share_s = max(0.1 * overhead_s, total_s / trials / max(1, folds) - overhead_s)
    epochs = max(1, math.floor(wanted / n))
    data = 1.0
    while epochs > 1 and epochs * n * each_s * _with_validation(situation, data) > share_s:
        epochs -= 1
    validation_s = situation.facts.n("validation") * situation.check * each_s
    if epochs == 1:
        epochs = 2 if share_s > 4 * validation_s else 1
        data = min(1.0, (share_s / epochs - validation_s) / (n * each_s), max(wanted, 1.0) / epochs / n)
        data = float(f"{max(data, _least_data(situation)):.3g}")  # of a million images a thousandth is too coarse
    return trials, epochs, data, folds


def _least_data(situation: Situation) -> float:
    """Return the share of the images that has ten of each class, about, or two hundred."""
    return min(1.0, max(10 * len(situation.facts.classes), 200) / max(1, situation.n_train))
