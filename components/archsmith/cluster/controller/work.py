"""What an engine does for a search, and how that work stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

from archsmith.search import Search

WorkState = Literal["absent", "waiting", "running", "lost", "succeeded", "failed"]


@dataclass(frozen=True, slots=True)
class Work:
    """The work of an engine for a search: a Job, or a run of Kubeflow Pipelines."""

    state: WorkState
    """How it stands; `lost` means that it died for a pod's sake, and another one would go on from the store."""
    id: str = ""
    """The engine's name of it."""
    digest: str = ""
    """The digest of the search that it does; see `archsmith.cluster.controller.order.digest`."""
    reason: str = ""
    """Why it stands so, in a word for programs, such as Unschedulable."""
    message: str = ""
    """Why, and what to do about it, for people."""
    deaths: int = 0
    """Pods of it that died."""
    death: str = ""
    """How the last of them died."""
    was_killed: bool = False
    """Whether the last of them was killed, and did not end by an error of its own."""
    has_gpu: bool = False
    """Whether a pod of it that asks for GPUs has a node."""
    link: str = ""
    """Where people look at it, if anywhere."""
    namespace: str = ""
    """The namespace of its pods, where that is known and not the search's own."""

    def __post_init__(self) -> None:
        if self.state not in get_args(WorkState):
            raise ValueError(f"The state is {self.state!r}, but must be one of {', '.join(get_args(WorkState))}.")

    @property
    def alive(self) -> bool:
        """Whether pods of it run, or may run."""
        return self.state in ("waiting", "running")


ABSENT = Work("absent")


@dataclass(frozen=True, slots=True)
class Order:
    """A search that an engine is to run."""

    search: Search
    """The search."""
    owner: Mapping[str, Any]
    """The object of Kubernetes: `metadata` with name, namespace, uid and generation."""
    digest: str
    """The digest of the search."""
    gpus: int
    """GPUs of the pods that train: what the search asks for, or none where it falls back to the CPU."""
    submitted: int = 0
    """How often it was begun again, since a pod's death ended it."""


class Engine(Protocol):
    """Runs searches. The controller calls it every few seconds for each search that is not over.

    All methods raise `UnavailableError` where whom they ask does not answer now, and `PermanentError` where it refuses.
    """

    name: str
    """Its name in the search file."""

    def look(self, order: Order, id_: str) -> Work:
        """Return how the work stands that `start` called `id_`, or whatever it has for the search where `id_` is lost."""
        ...

    def start(self, order: Order) -> str:
        """Begin, and return the work's id; what the store has already is not done again."""
        ...

    def stop(self, order: Order) -> bool:
        """End the work; tell whether all of it is gone. What is in the store stays."""
        ...

    def answers(self) -> bool:
        """Tell whether the cluster has what the engine needs."""
        ...
