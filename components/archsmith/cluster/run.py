"""A run of Kubeflow Pipelines, as much of it as counts here."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, get_args

State = Literal["waiting", "running", "ending", "succeeded", "failed", "cancelled"]

_STATES: dict[str, State] = {
    "RUNNING": "running",
    "PAUSED": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "SKIPPED": "failed",
    "CANCELING": "ending",
    "CANCELED": "cancelled",
}
"""What KFP's states mean; all others are those of a run that has not begun."""


_STEP = re.compile(r"(sample-space|begin-series|train-supernet|derive|propose|estimate|select|retrain|report)(-\d+)?")
"""What KFP calls the tasks of a pipeline of ours."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run."""

    id: str
    """KFP's id of it."""
    name: str
    """Its display name: that of the search."""
    state: State
    """How it stands."""
    description: str = ""
    """What whoever submitted it wrote there."""
    schedule: str = ""
    """The id of the recurring run that it is of; empty where it is of none."""
    reason: str = ""
    """What KFP says of its failure, which is little."""

    UNFINISHED: ClassVar[tuple[str, ...]] = ("RUNTIME_STATE_UNSPECIFIED", "PENDING", "RUNNING", "PAUSED", "CANCELING")
    """What KFP calls the states of a run that may still do something."""

    def __post_init__(self) -> None:
        if self.state not in get_args(State):
            raise ValueError(
                f"The state of the run {self.id} is {self.state!r}, but must be one of {', '.join(get_args(State))}."
            )

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return self.state in ("waiting", "running")

    @property
    def has_pods(self) -> bool:
        """Whether a pod of it may still write something; one that was told to end has pods for half a minute."""
        return self.active or self.state == "ending"

    @classmethod
    def of(cls, raw: Any) -> Self:
        """Make it of a `V2beta1Run`."""
        states = [raw.state, *(entry.state for entry in raw.state_history or ())]
        # A run that was told to end is reported as failed by some versions of KFP; its history tells.
        told = raw.state == "FAILED" and "CANCELING" in states
        state: State = "cancelled" if told else _STATES.get(raw.state, "waiting")
        texts = (raw.run_id, raw.display_name, raw.description, raw.recurring_run_id)
        id_, name, description, schedule = (text or "" for text in texts)
        return cls(id_, name, state, description, schedule, _reason(raw))


def _reason(raw: Any) -> str:
    """Return the messages of the run and of its failed tasks, the same whatever order KFP has them in.

    Where nothing says why, the steps that failed are named, and not all the nodes of KFP's graph that lead to them.
    """
    details = raw.run_details.task_details if raw.run_details else None
    failed = sorted((task for task in details or () if task.state == "FAILED"), key=lambda task: str(task.display_name))
    said = [f"{task.display_name}: {task.error.message}" for task in failed if task.error and task.error.message]
    if raw.error and raw.error.message:
        said = [raw.error.message, *said]
    names = list(dict.fromkeys(str(task.display_name) for task in failed))
    steps = [name for name in names if _STEP.fullmatch(name)] or names[:3]
    return "; ".join(dict.fromkeys(said or [f"{name} failed" for name in steps]))


@dataclass(frozen=True, slots=True)
class Recurring:
    """A recurring run, as much of it as counts here."""

    id: str
    """KFP's id of it."""
    description: str = ""
    """What whoever made it wrote there."""
    enabled: bool = True
    """Whether it begins runs."""

    @classmethod
    def of(cls, raw: Any) -> Self:
        """Make it of a `V2beta1RecurringRun`."""
        return cls(raw.recurring_run_id, raw.description or "", "DISABLE" not in str(raw.mode or ""))
