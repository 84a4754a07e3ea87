"""Schedulers of other projects, and plain rules, on recorded curves: the peers of `rungs.py`.

Each is a generator of what is trained: it is given the curves of the rows of a table in an order, and yields the row, the epochs
that it was trained for anew, and whether it was trained to its end.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
logging.getLogger("syne_tune").setLevel(logging.ERROR)

Trained = tuple[int, int, bool]
"""A row, the epochs that it was trained for anew, and whether that was to its end."""
Curves = npt.NDArray[np.float64]
"""(n_rows, n_looks): the value at each look, of which there are few or many."""


@dataclass(frozen=True)
class Looks:
    """What is measured of a table, in an order."""

    curves: Curves
    """The values, in the order in which rows are taken."""
    epochs: Sequence[int]
    """The epoch of each look, (n_looks,)."""
    eta: int
    """1/eta of a rung goes on."""
    configs: Sequence[dict[str, Any]]
    """The decisions of each row, for those who have a model."""
    choices: dict[str, Sequence[Any]]
    """The choices of each decision."""
    trainings: float
    """Full trainings' worth that may be spent at most."""
    seed: int
    """Of the order, and of whatever else is random."""


Peer = Callable[[Looks], Iterator[Trained]]


def random_search(looks: Looks) -> Iterator[Trained]:
    """Train one row after the other to its end, as many as the budget has."""
    yield from ((row, looks.epochs[-1], True) for row in range(min(int(looks.trainings), len(looks.curves))))


def one_epoch_then_the_best(looks: Looks) -> Iterator[Trained]:
    """Train all for the first look, then the best to their end, as many as the budget has left; all where it has for all."""
    first, last = looks.epochs[0], looks.epochs[-1]
    n = min(len(looks.curves), int(looks.trainings * last / first))
    left = looks.trainings * last - n * first
    if left < last - first:  # the budget does not suffice for a look at each: half of it for looks
        n = int(looks.trainings * last / first / 2)
        left = looks.trainings * last - n * first
    yield from ((row, first, False) for row in range(n))
    best = np.argsort(-looks.curves[:n, 0], kind="stable")[: int(left // (last - first))]
    yield from ((int(row), last - first, True) for row in best)


def optuna_hyperband(looks: Looks) -> Iterator[Trained]:
    """Optuna's pruner, with random search: a trial runs until its bracket says that others are better."""
    pruner = optuna.pruners.HyperbandPruner(
        min_resource=looks.epochs[0], max_resource=looks.epochs[-1], reduction_factor=looks.eta
    )
    study = optuna.create_study(direction="maximize", pruner=pruner, study_name=f"order-{looks.seed}")
    for row, curve in enumerate(looks.curves):
        trial = study.ask()
        end = len(curve)
        for k, value in enumerate(curve):
            trial.report(float(value), looks.epochs[k])
            if k + 1 < len(curve) and trial.should_prune():
                end = k + 1
                break
        pruned = end < len(curve)
        state = optuna.trial.TrialState.PRUNED if pruned else None
        study.tell(trial, None if pruned else float(curve[-1]), state=state)
        yield row, looks.epochs[end - 1], not pruned


def syne_tune_asha(looks: Looks) -> Iterator[Trained]:
    """Syne Tune's ASHA, which stops what is not among the best of its rung, over the rows in their order."""
    rows = [{"row": row} for row in range(len(looks.curves))]
    yield from _syne_tune(looks, {"row": range(len(rows))}, rows, "random_search", {"points_to_evaluate": rows})


def syne_tune_bohb(looks: Looks) -> Iterator[Trained]:
    """Syne Tune's BOHB: its ASHA, with kernel densities over the decisions; what the table has not is passed over."""
    yield from _syne_tune(looks, looks.choices, looks.configs, "kde", {})


def _syne_tune(
    looks: Looks, choices: dict[str, Any], configs: Sequence[dict[str, Any]], searcher: str, settings: dict[str, Any]
) -> Iterator[Trained]:
    from syne_tune.backend.trial_status import Trial
    from syne_tune.config_space import choice
    from syne_tune.optimizer.scheduler import SchedulerDecision
    from syne_tune.optimizer.schedulers.asha import AsynchronousSuccessiveHalving

    space = {name: choice(list(values)) for name, values in choices.items()}
    np.random.seed(looks.seed)  # noqa: NPY002 -- their brackets are drawn by it
    scheduler = AsynchronousSuccessiveHalving(
        space, metric="value", do_minimize=False, searcher=searcher, max_t=looks.epochs[-1], grace_period=looks.epochs[0],
        reduction_factor=looks.eta, random_seed=looks.seed, searcher_kwargs=settings,
    )  # fmt: skip
    row_of = {tuple(sorted(config.items())): row for row, config in enumerate(configs)}
    met = set[int]()
    for number in count():
        suggestion = scheduler.suggest()
        if suggestion is None or number > 100 * len(configs) or len(met) == len(configs):
            return
        row = row_of.get(tuple(sorted((name, suggestion.config[name]) for name in choices)))
        if row is None or row in met:
            continue
        met.add(row)
        trial = Trial(trial_id=number, config=suggestion.config, creation_time=None)  # type: ignore[arg-type]
        scheduler.on_trial_add(trial)
        end = 0
        for value in looks.curves[row]:
            end += 1
            result = {"value": float(value), "training_iteration": looks.epochs[end - 1]}
            if scheduler.on_trial_result(trial, result) == SchedulerDecision.STOP:
                break
        yield row, looks.epochs[end - 1], end == len(looks.epochs)


PEERS: dict[str, Peer] = {
    "random search": random_search,
    "one epoch, then the best": one_epoch_then_the_best,
    "Optuna's Hyperband": optuna_hyperband,
    "Syne Tune's ASHA": syne_tune_asha,
    "Syne Tune's BOHB": syne_tune_bohb,
}
