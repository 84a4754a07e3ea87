"""What a store knows of the training of shared weights.

supernet/epochs/000003.json    the record of an epoch, from 1; written after it, and again where it had to be repeated
supernet/state.pt              where the training goes on from, and in the end what architectures are looked at with
supernet/derived.json          what the training has led to, the best first
"""

import logging
from collections.abc import Callable, Sequence

import orjson

from archsmith.stores.damage import named, passed_over
from archsmith.stores.documents import Documents
from archsmith.values import Architecture, SupernetEpoch

log = logging.getLogger(__name__)

EPOCHS = "supernet/epochs/"
STATE = "supernet/state.pt"
DERIVED = "supernet/derived.json"


class Supernets(Documents):
    """Reads and writes what the training of shared weights leaves behind."""

    def write_supernet_epoch(self, record: SupernetEpoch) -> None:
        """Write the record of an epoch, in place of one that was written of it before."""
        self.put(f"{EPOCHS}{record.epoch:06d}.json", orjson.dumps(record.to_dict()))

    def supernet_epochs(self, note: Callable[[str], object] = log.debug) -> tuple[SupernetEpoch, ...]:
        """Return the records of the epochs so far, in order; they are only looked at, so `note` is told of damaged ones."""
        names = sorted(self._names(EPOCHS))
        found = [
            passed_over(lambda name=name, data=data: self._epoch(name, data), note)  # type: ignore[misc]
            for name, data in zip(names, self.get_all(names), strict=True)
            if data is not None
        ]
        return tuple(record for record in found if record is not None)

    def _epoch(self, name: str, data: bytes) -> SupernetEpoch:
        with named(self.uri(name), "It is only looked at."):
            return SupernetEpoch.from_dict(orjson.loads(data))

    def write_supernet_state(self, data: bytes) -> None:
        """Write where the training goes on from, in place of the last one."""
        self.put(STATE, data)

    def supernet_state(self) -> bytes | None:
        """Return where the training goes on from, or None where it has not come to the end of an epoch."""
        return self.read(STATE)

    def write_derived(self, architectures: Sequence[Architecture]) -> None:
        """Write what the training has led to, the best first."""
        self.write_json(DERIVED, [architecture.to_dict() for architecture in architectures])

    def derived(self) -> tuple[Architecture, ...] | None:
        """Return what the training has led to, the best first; None where that was not asked yet."""
        return self.read_value(DERIVED, lambda raw: tuple(map(Architecture.from_dict, raw)))

    def supernet_seconds(self) -> float:
        """Return the seconds of training so far; a damaged record counts for nothing."""
        return max((record.seconds for record in self.supernet_epochs()), default=0.0)

    def forget_supernet(self) -> None:
        """Delete all that is kept of shared weights: their training begins anew."""
        self._delete(self._names("supernet/"))
