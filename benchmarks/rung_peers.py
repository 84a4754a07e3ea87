"""Schedulers of other projects, and plain rules, on recorded curves: the peers of `rungs.py`.

Each is a generator of what is trained: it is given the curves of the rows of a table in an order, and yields the row, the epochs
that it was trained for anew, and whether it was trained to its end.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna

from archsmith.spaces.decisions import Decision

optuna.logging.set_verbosity(optuna.logging.ERROR)
logging.getLogger().setLevel(logging.ERROR)  # where Syne Tune says what it thinks of a candidate

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
    decisions: Sequence[Decision]
    """The decisions, for those who have a model."""
    rows: Sequence[tuple[Any, ...]]
    """The choices of each row; None where a decision is not active."""
    trainings: float
    """Full trainings' worth that may be spent at most."""
    seed: int
    """Of the order, and of whatever else is random."""

    def chosen(self, config: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the choices of somebody who knows of no decision that is not active."""
        active: dict[str, Any] = {}
        for decision in self.decisions:
            if decision.is_active(active):
                active[decision.name] = config[decision.name]
        return tuple(active.get(decision.name) for decision in self.decisions)


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
    settings = {"points_to_evaluate": rows}
    yield from _syne_tune(looks, {"row": range(len(rows))}, "random_search", settings, lambda config: config["row"])


def syne_tune_bohb(looks: Looks) -> Iterator[Trained]:
    """Syne Tune's BOHB: its ASHA, with kernel densities over the decisions; what the table has not is passed over."""
    choices = {decision.name: decision.choices for decision in looks.decisions}
    row_of = {choices: row for row, choices in enumerate(looks.rows)}
    yield from _syne_tune(looks, choices, "kde", {}, lambda config: row_of.get(looks.chosen(config)))


def _syne_tune(
    looks: Looks,
    choices: Mapping[str, Sequence[Any]],
    searcher: str,
    settings: dict[str, Any],
    row_of: Callable[[Mapping[str, Any]], int | None],
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
    met, n = set[int](), len(looks.curves)
    for number in count():
        suggestion = scheduler.suggest()
        if suggestion is None or number > 100 * n or len(met) == n:
            return
        row = row_of(suggestion.config)
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
