"""Who works on what: claims on proposals, and the beats by which pods say that they are alive.

    rounds/000003/claims/ID.1    which pod has taken the proposal; `.2` where the pod of `.1` was found to be dead, and so on
    pods/POD/000012              that the pod lives; the number grows while it does, and the object goes when the pod ends

A claim is written once, so of two that want a proposal one gets it. It lies there until the search has ended: what was measured
long ago can't be claimed again by a pod that has not looked for a while.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

from archsmith.stores.history import Histories
from archsmith.stores.rounds import after_round, folder_of, round_of
from archsmith.values import Proposal


class Claims(Histories):
    """Writes and reads the claims on proposals; several pods may do so at once."""

    def claim(self, proposal: Proposal, pod: str, attempt: int) -> bool:
        """Take a proposal for a pod, if nobody has; tell whether it is taken.

        Args:
            proposal: The proposal.
            pod: The name of the pod.
            attempt: From 1; one more than that of a claim whose pod is dead.
        """
        return self.store.put_new(self.key(_claim(proposal, attempt)), pod.encode())

    def claimed_by(self, proposal: Proposal, attempt: int) -> str:
        """Return the name of the pod that has taken a proposal: empty where the claim is gone, nobody's where it is damaged."""
        return (self.read(_claim(proposal, attempt)) or b"").decode(errors="replace")

    def beat(self, pod: str, count: int) -> None:
        """Say that a pod lives; `count` is one more each time."""
        self.put(_beat(pod, count), b"")
        if count:
            self._delete([_beat(pod, count - 1)])

    def beats(self) -> dict[str, int]:
        """Return the last beat of each pod that has not said that it has ended; what is no beat is passed over."""
        found: dict[str, int] = {}
        for name in map(PurePosixPath, self._names("pods/")):
            if len(name.parts) == 3 and name.name.isdecimal():
                found[name.parent.name] = max(int(name.name), found.get(name.parent.name, 0))
        return found

    def leave(self, pod: str) -> None:
        """Say that a pod has ended."""
        self._delete(self._names(f"pods/{pod}/"))

    def sweep_claims(self) -> None:
        """Delete all claims and beats, which nobody needs once a search has ended."""
        self._delete([*(name for name in self._names("rounds/") if is_claim(name)), *self._names("pods/")])

    def names_from(self, round_index: int) -> list[str]:
        """Return the objects of the rounds from this one on."""
        return [name for name in self._names("rounds/", start_after=after_round(round_index - 1)) if round_of(name) >= 0]


def is_claim(name: str) -> bool:
    """Tell whether an object below `rounds/` is a claim."""
    return "/claims/" in name


def claims_of(names: Iterable[str]) -> dict[tuple[int, str], int]:
    """Return the last attempt of each claimed proposal, by its round and id."""
    found: dict[tuple[int, str], int] = {}
    for name in filter(is_claim, names):
        trial, _, attempt = name.rpartition("/")[2].rpartition(".")
        if attempt.isdecimal():
            key = round_of(name), trial
            found[key] = max(int(attempt), found.get(key, 0))
    return found


def _claim(proposal: Proposal, attempt: int) -> str:
    return f"{folder_of(proposal.round)}/claims/{proposal.id}.{attempt}"


def _beat(pod: str, count: int) -> str:
    return f"pods/{pod}/{count:06d}"
