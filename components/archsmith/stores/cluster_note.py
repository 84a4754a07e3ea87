"""What a cluster's controller says of a search, left in the search's folder: whoever reads only the store knows why it waits."""

from dataclasses import asdict, dataclass
from typing import Any

from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder

FILE = "cluster.json"


@dataclass(frozen=True, slots=True)
class ClusterNote:
    """How a search stands on its cluster."""

    phase: str
    """The phase of its status, such as `Pending`."""
    reason: str
    """Why, in a word for programs, such as `Unschedulable`."""
    message: str
    """Why, for people."""
    at: str
    """Since when, in RFC 3339."""
    is_usual: bool
    """Whether nobody need know."""
    series: str = ""
    """The series that has begun the search; empty where none has."""

    @property
    def words(self) -> str:
        """Say it to people."""
        why = f", {self.reason}" if self.reason not in ("", self.phase) else ""
        return f"On the cluster it is {self.phase}{why} (since {self.at}): {self.message}".rstrip(": ")

    def says_as(self, other: "ClusterNote | None") -> bool:
        """Tell whether another one says the same, whenever that was."""
        return other is not None and {**asdict(self), "at": ""} == {**asdict(other), "at": ""}


def leave_note(folder: SearchFolder, note: ClusterNote) -> None:
    """Leave it in the folder of its search, which may not have begun: then the list of names gets it, so that it is found."""
    folder.write_json(FILE, asdict(note))
    if folder.read("search.yaml") is None:
        folder.enter()


def note_of(folder: SearchFolder) -> ClusterNote | None:
    """Return what a cluster has said last; None where no cluster has a hand in the search, or where what it said is damaged."""

    def read(raw: Any) -> ClusterNote:
        return ClusterNote(**raw)

    return passed_over(lambda: folder.read_value(FILE, read), lambda _: None)
