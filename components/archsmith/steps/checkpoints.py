"""Checkpoints of what trains, in the search's folder."""

import logging
from dataclasses import dataclass

from archsmith.errors import TransientError
from archsmith.stores.folder import SearchFolder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredCheckpoints:
    """Checkpoints in the search's folder."""

    folder: SearchFolder
    """The search's folder."""

    def read(self, trial: str) -> bytes | None:
        """Return the checkpoint, or None where there is none."""
        return self.folder.read_checkpoint(trial)

    def write(self, trial: str, state: bytes) -> None:
        """Keep the checkpoint; without it, a kill would cost the epochs so far, so a store that is away stops nothing."""
        try:
            self.folder.write_checkpoint(trial, state)
        except TransientError as error:
            log.warning("The checkpoint of trial %s is not written: %s", trial, error)
