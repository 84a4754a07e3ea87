"""By what architectures are ordered that were measured with shared weights."""

import math
from collections.abc import Iterable

from archsmith.values.trials import Trial


def told_by(metric: str, looks: Iterable[Trial]) -> str:
    """Return the metric that orders looks where `metric` is what counts: the loss in place of the accuracy.

    With shared weights the accuracies of good networks are nearly the same, and their losses tell more of what the networks
    reach alone: so it was in three spaces (`make bench-truth`).

    Args:
        metric: What trainings are compared by.
        looks: Those to be ordered, of which failed ones are passed over; where one has no finite loss, or all have the same, it
            is no help.
    """
    losses = {trial.metrics.get("loss", math.nan) for trial in looks if trial.status == "complete"}
    return "loss" if metric == "accuracy" and len(losses) > 1 and all(map(math.isfinite, losses)) else metric
