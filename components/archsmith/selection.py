"""Selection: the winner of a search, and the Pareto front that it is taken from."""

import math
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np

from archsmith.spec import Objective, RetrainSpec
from archsmith.values import Fidelity, History, Trial
from archsmith.values.metrics import METRICS
from archsmith.values.outcome import Selection
from archsmith.values.pareto import nondominated

ONLY_THE_WINNER = RetrainSpec()


def select(
    history: History, objectives: Sequence[Objective], fidelity: Fidelity, retrain: RetrainSpec = ONLY_THE_WINNER
) -> Selection:
    """Select among the completed trials at `fidelity` that keep every limit.

    Where none is complete there, as in a search that ended before its last rung, it is the highest fidelity that has some.
    What was measured with shared weights only is never selected: they rank, and what they rank is trained on its own.

    The front are those that no other trial beats: at least as good in every objective with a goal, and better in one or, where
    all are equal, the cheaper model: fewer parameters, then fewer multiply-adds, then the earlier trial. The winner is the
    front's best by the first such objective; of equals the cheaper model, and of these the better one in the other objectives.

    Args:
        history: All trials.
        objectives: At least one has a goal.
        fidelity: That of the search. Trials at another one do not compare, and are passed over.
        retrain: What is to be trained in full beside the winner; a trial that is not there, or has failed, is passed over. It may
            be one that was measured with shared weights.
    """
    goals, named = [o for o in objectives if o.goal], find(history, retrain.trial)
    if history.looks:
        history = history.alone
        if not len(history):
            return Selection(
                None, (), "every architecture was measured with shared weights only, and none was trained on its own"
            )
    reached = _reached(history, fidelity)
    allowed = [t for t in ranked(history, objectives) if t.proposal.fidelity == reached and keeps_limits(t, objectives)]
    if not allowed:
        return Selection(None, (), _why_none(history, objectives, reached))
    costs = [tuple(o.cost(t) for o in goals) for t in allowed]
    on_front = nondominated(np.array(costs))
    first: dict[tuple[float, ...], str] = {}  # of each cost: of equals, the ranking has put the cheaper model first
    for cost, trial, on in zip(costs, allowed, on_front, strict=True):
        if on:
            first.setdefault(cost, trial.id)
    front = tuple(first.values())
    best = f"{allowed[0].metrics[goals[0].metric]:.6g} is the best of {len(allowed)} trials within the limits"
    best += "" if reached == fidelity else f", at {reached.words}, as none is complete at {fidelity.words}"
    also = [*spread(front, retrain.front), *([named.id] if named else [])]
    others = tuple(dict.fromkeys(trial for trial in also if trial != front[0]))
    return Selection(front[0], front, f"{goals[0].goal} {goals[0].metric}: {best}", others)


def _reached(history: History, fidelity: Fidelity) -> Fidelity:
    """Return the fidelity to select at: that of the search, or else the one of complete trials that costs the most."""
    complete = {trial.proposal.fidelity for trial in history.completed}
    return fidelity if fidelity in complete or not complete else max(complete, key=_height)


def _height(fidelity: Fidelity) -> tuple[float, ...]:
    """Return what orders fidelities: what they cost, and of equals any order that stays."""
    return (fidelity.cost, *astuple(fidelity))


def find(history: History, named: int | str | None) -> Trial | None:
    """Return the completed trial of this number or id, if there is one."""
    return next((t for t in history.completed if named in (t.id, t.proposal.number)), None)


def spread(front: Sequence[str], n: int) -> list[str]:
    """Return `n` of a front: its first, its last and those between at even distances in its order; all where there are fewer."""
    if n >= len(front):
        return list(front)
    return [front[k * (len(front) - 1) // max(1, n - 1)] for k in range(n)]


def ranked(history: History, objectives: Sequence[Objective]) -> list[Trial]:
    """Return the completed trials, best first: what was trained, and then looks.

    Trials at different fidelities do not compare, so those at a higher one come first; at each, those that keep the limits.
    """
    goals, fidelities = [o for o in objectives if o.goal], {t.proposal.fidelity for t in history.completed}
    places = {fidelity: place for place, fidelity in enumerate(sorted(fidelities, key=_height, reverse=True))}

    def key(trial: Trial) -> tuple[float, ...]:
        place = places[trial.proposal.fidelity]
        return (trial.proposal.is_look, place, not keeps_limits(trial, objectives), *_rank(trial, goals))

    return sorted(history.completed, key=key)


def quality(history: History, objectives: Sequence[Objective]) -> tuple[str, int]:
    """Return the metric that people compare trials by, and +1 where more of it is better, -1 where less is.

    It is accuracy, but the first objective's where trials have no accuracy, or where that is about a metric of the user's own.
    """
    first = next(o for o in objectives if o.goal)
    if first.metric not in METRICS or not any("accuracy" in t.metrics for t in history.completed):
        return first.metric, first.sign
    return "accuracy", first.sign if first.metric == "accuracy" else 1


def keeps_limits(trial: Trial, objectives: Sequence[Objective]) -> bool:
    """Tell whether a trial has a finite value of every metric that is asked for, and keeps the limits."""
    return all(o.cost(trial) < math.inf and o.allows(trial.metrics[o.metric]) for o in objectives)


def _rank(trial: Trial, goals: Sequence[Objective]) -> tuple[float, ...]:
    first, *others = [o.cost(trial) for o in goals]
    cheap = [trial.metrics.get(m, math.inf) for m in ("n_params", "flops")]
    return (first, *(c if math.isfinite(c) else math.inf for c in cheap), *others, trial.proposal.number)


def _why_none(history: History, objectives: Sequence[Objective], fidelity: Fidelity) -> str:
    """Say why there is no winner."""
    trials = [t for t in history if t.proposal.fidelity == fidelity]
    completed = [t for t in trials if t.status == "complete"]
    if not trials:
        return "no trial has run at the fidelity of this search" if len(history) else "no trial has run"
    if not completed:
        n_stopped = sum(t.status == "stopped" for t in trials)
        if n_stopped:
            return f"none of {len(trials)} trials is complete: {n_stopped} were stopped early, {len(trials) - n_stopped} failed"
        return f"all {len(trials)} trials failed; the last one: {str(trials[-1].error).rstrip('.')}"
    broken = "; ".join(text for o in objectives if (text := _broken(o, completed)))
    return f"none of {len(completed)} completed trials keeps all limits: {broken}"


def _broken(objective: Objective, completed: Sequence[Trial]) -> str:
    """Say what the trials have of a metric, where that matters."""
    measured = [t.metrics[objective.metric] for t in completed if objective.cost(t) < math.inf]
    if not measured:
        return f"{objective.metric} is finite in none of them"
    if objective.limit is None:
        return ""
    nearest = max(measured) if objective.sign > 0 else min(measured)
    return f"{objective.metric} must be {'>=' if objective.sign > 0 else '<='} {objective.limit:g}, the best is {nearest:g}"
