"""The folder of one search in a store.

index/NAME                       that there is a search of this name
searches/NAME/search.yaml        the search file
              space.json         the space, as the search file's settings make it
              rounds/, history/  proposals and trials; see `rounds.py`
              progress/ID.json   the curve so far of a trial that runs
              checkpoints/ID.pt  where a trial that runs, or whose weights are kept, goes on from
              selection.json     the winner and the front
              best/              the trained winner and its exports
              report/            what people look at
              done               that the last step has ended
"""

import contextlib

import orjson

from archsmith.data_facts import DataFacts
from archsmith.errors import TransientError
from archsmith.stores.history import Histories
from archsmith.values import EpochRecord, Proposal, curve_from_rows, curve_to_rows


class SearchFolder(Histories):
    """Everything that a store knows of one search. Each step of the pipeline opens one; it holds nothing itself."""

    def write_progress(self, proposal: Proposal, curve: tuple[EpochRecord, ...]) -> None:
        """Show how far a running trial is; it is only looked at, so a store that does not answer is no error."""
        with contextlib.suppress(TransientError):
            data = {"proposal": proposal.to_dict(), "curve": curve_to_rows(curve)}
            self.put(_progress(proposal.id), orjson.dumps(data))

    def progress(self) -> dict[str, tuple[Proposal, tuple[EpochRecord, ...]]]:
        """Return the running trials by id: what is measured, and the curve so far."""
        found = [orjson.loads(data) for data in self._get_all(self._names("progress/")) if data is not None]
        running = [(Proposal.from_dict(raw["proposal"]), curve_from_rows(raw["curve"])) for raw in found]
        return {proposal.id: (proposal, curve) for proposal, curve in running}

    def clear_progress(self, trial_id: str) -> None:
        """Show a trial no longer as running."""
        with contextlib.suppress(TransientError):
            self._delete([_progress(trial_id)])

    def data_facts(self) -> DataFacts | None:
        """Return what is known of the images; None where there are none, and no settings that say what they would be like."""
        space = self.read_json("space.json") or {}
        return DataFacts.from_dict(space["data"]) if space.get("data") else None

    def mark(self, *, done: bool) -> None:
        """Say that the search is done, or that it goes on."""
        if done:
            self.put("done", b"")
        else:
            self._delete(["done"])

    def is_done(self) -> bool:
        """Tell whether the search is done."""
        return self.read("done") is not None

    def checkpoint_key(self, trial_id: str) -> str:
        """Return the store's key of a trial's checkpoint."""
        return self.key(_checkpoint(trial_id))

    def write_checkpoint(self, trial_id: str, data: bytes) -> None:
        """Write a trial's checkpoint in place of its last one."""
        self.put(_checkpoint(trial_id), data)

    def read_checkpoint(self, trial_id: str) -> bytes | None:
        """Return a trial's checkpoint, or None where there is none."""
        return self.read(_checkpoint(trial_id))

    def delete_checkpoint(self, trial_id: str) -> None:
        """Delete a trial's checkpoint if there is one."""
        self._delete([_checkpoint(trial_id)])


def _progress(trial_id: str) -> str:
    return f"progress/{trial_id}.json"


def _checkpoint(trial_id: str) -> str:
    return f"checkpoints/{trial_id}.pt"
