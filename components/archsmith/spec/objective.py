"""What a search is after, and which of two values is better."""

import math
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from archsmith.spec.section import Config
from archsmith.values import Trial
from archsmith.values.metrics import METRICS, OWN, STATIC, Goal, check_own


class Objective(Config):
    """What the search is after: a metric to make better, a limit on one, or both."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["goal"]}, {"required": ["limit"]}]})

    metric: Annotated[str, Field(json_schema_extra={"pattern": OWN, "maxLength": 63, "examples": sorted(METRICS)})]
    """One of the metrics of a trial, or one of your own that a table has."""
    goal: Goal | None = None
    """The direction to go; without it, the metric is only limited."""
    limit: float | None = None
    """The worst value that is allowed."""

    @field_validator("metric")
    @classmethod
    def _is_known(cls, metric: str) -> str:
        if metric not in METRICS:
            check_own(metric)
        return metric

    @model_validator(mode="after")
    def _wants_something(self) -> Self:
        if self.goal is None and self.limit is None:
            raise ValueError(f"the metric {self.metric!r} has neither `goal` nor `limit`; give it one of them, or both")
        return self

    @property
    def sign(self) -> int:
        """+1 where a larger value is better, -1 where a smaller one is."""
        return 1 if (self.goal or METRICS[self.metric].goal) == "maximize" else -1

    def allows(self, value: float) -> bool:
        """Tell whether `value` is within the limit."""
        return self.limit is None or self.sign * value >= self.sign * self.limit

    def cost(self, trial: Trial) -> float:
        """Return the metric as a number to minimize; infinite where the trial lacks it or it is not finite."""
        value = trial.metrics.get(self.metric, math.nan)
        return -self.sign * value if math.isfinite(value) else math.inf


def static_limits(objectives: Iterable[Objective]) -> tuple[Objective, ...]:
    """Return the limits that an architecture can be held to before it is trained."""
    return tuple(o for o in objectives if o.metric in STATIC and o.limit is not None)
