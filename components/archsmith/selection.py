"""Selection: the winner of a search, and the Pareto front that it is taken from."""

from collections.abc import Sequence

import numpy as np

from archsmith.spec import Objective
from archsmith.values import Fidelity, History, Selection, Trial


def select(history: History, objectives: Sequence[Objective], fidelity: Fidelity) -> Selection:
    """Select among the completed trials at `fidelity` that keep every limit.

    The front are those that no other trial beats: at least as good in every objective with a goal and better in
    one. The winner is the front's best by the first such objective; of equals, the cheaper model: fewer
    parameters, then fewer multiply-adds, then the earlier trial.
    """
    completed = [t for t in history.completed if t.proposal.fidelity == fidelity]
    allowed = [t for t in completed if _keeps_limits(t, objectives)]
    if not allowed:
        return Selection(None, (), _why_none(history, completed, objectives))
    goals = [o for o in objectives if o.goal]
    costs = np.array([[o.cost(t) for o in goals] for t in allowed])
    front = sorted((t for t, on in zip(allowed, nondominated(costs), strict=True) if on), key=lambda t: _rank(t, goals))
    winner = front[0]
    value = winner.metrics[goals[0].metric]
    return Selection(
        winner.id,
        tuple(t.id for t in front),
        f"{goals[0].goal} {goals[0].metric}: {value:.6g} is the best of {len(allowed)} trials within the limits",
    )


def nondominated(costs: np.ndarray) -> np.ndarray:
    """Tell which points no other point dominates.

    Args:
        costs: To be minimized, (n_points, n_objectives), float64.

    Returns:
        One boolean a point, (n_points,). Of points with equal costs all are kept.
    """
    keep = np.ones(len(costs), dtype=bool)
    for i, point in enumerate(costs):
        no_worse = (costs <= point).all(axis=1)
        better = (costs < point).any(axis=1)
        keep[i] = not (no_worse & better).any()
    return keep


def _keeps_limits(trial: Trial, objectives: Sequence[Objective]) -> bool:
    """Tell whether a trial has every metric that is asked for, and keeps the limits."""
    return all(o.cost(trial) < float("inf") and o.allows(trial.metrics[o.metric]) for o in objectives)


def _rank(trial: Trial, goals: Sequence[Objective]) -> tuple[float, ...]:
    cheap = [trial.metrics.get(m, float("inf")) for m in ("n_params", "flops")]
    return (goals[0].cost(trial), *cheap, *(o.cost(trial) for o in goals[1:]), trial.proposal.number)


def _why_none(history: History, completed: Sequence[Trial], objectives: Sequence[Objective]) -> str:
    if not len(history):
        return "no trial has run"
    if not completed:
        errors = [t.error or "" for t in history if t.status == "failed"]
        return f"all {len(history)} trials failed; the last one: {errors[-1] if errors else 'unknown'}"
    broken = [
        f"{o.metric} must be {'>=' if o.sign > 0 else '<='} {o.limit:g}, the nearest is "
        f"{min(completed, key=o.cost).metrics.get(o.metric, float('nan')):g}"
        for o in objectives
        if o.limit is not None
    ]
    return f"none of {len(completed)} completed trials keeps all limits: {'; '.join(broken)}"
