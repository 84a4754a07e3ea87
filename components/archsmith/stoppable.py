"""What holds between a search's stopper and its other sections."""

from collections.abc import Iterator

from archsmith.evaluation.config import EstimatorConfig
from archsmith.evaluation.stopping.stopper import StopperConfig
from archsmith.spec import SearchSpec
from archsmith.values import CURVES

Fault = tuple[tuple[str, ...], str]
"""A key below `spec`, and what is wrong with it."""


def unstoppable(spec: SearchSpec, estimation: EstimatorConfig, stopping: StopperConfig) -> Iterator[Fault]:
    """Yield why no trial could be stopped early, or none should be."""
    curves, epochs = estimation.curve_metrics & CURVES.keys(), estimation.fidelity.epochs
    goals = [o.metric for o in spec.objectives if o.goal]
    if not curves:
        text = f"the estimator {spec.estimation.name!r} has no learning curves here, so there is nothing to stop by; leave it out"
        yield ("stopping",), text
    elif goals[0] not in curves:
        known = " or ".join(sorted(curves))
        text = f"the first objective is {goals[0]}, which has no learning curve; put one first that has: {known}"
        yield ("stopping",), text
    elif len(goals) > 1:
        text = f"{' and '.join(goals)} have goals, but a stopper looks at {goals[0]} alone, and would stop what is best in others"
        hint = "give those a `limit` in place of a `goal`, or leave `stopping` out"
        yield ("stopping",), f"{text}; {hint}"
    elif stopping.grace >= epochs:
        text = f"every trial gets {stopping.grace} of {epochs} epochs, which leaves nothing to stop"
        yield ("stopping", "grace"), f"{text}; take more `estimation.epochs`, or leave `stopping` out"
