"""A table of how long operations take on a device, and what it says of networks.

A network takes as long as its operations together, and a fixed time for what is between them. So a few dozen operations, each
measured often, say of every network of a space how long it takes, and what a choice in it costs.

Reference: Cai, Zhu, Han 2019, ProxylessNAS (arXiv:1812.00332), section 3.3.1 and appendix B, whose table has an entry a kind of
block, its input and output shapes, kernel, expansion, stride and shortcut. Deviation: what is between the operations is estimated
from some whole networks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from archsmith.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Timed:
    """The measurements of an operation, or of a network."""

    name: str
    """Its class, or the notation of the architecture."""
    inputs: tuple[tuple[int, ...], ...]
    """Shapes of what goes in, with a batch of one."""
    output: tuple[int, ...]
    """Shape of what comes out, with a batch of one."""
    structure: str
    """What it is, in torch's words; of a network, the keys of its operations, with spaces between them."""
    flops: int
    """Multiply-adds."""
    places: tuple[str, ...] = ()
    """Names of parts where it has been seen."""
    seconds: tuple[float, ...] = ()
    """Its measurements."""

    @property
    def median_s(self) -> float:
        """The median of the measurements, in seconds."""
        return median(self.seconds)

    @property
    def spread_s(self) -> float:
        """Half of the range in which the middle half of the measurements lies, in seconds."""
        ordered, n = sorted(self.seconds), len(self.seconds)
        return (ordered[(3 * n - 1) // 4] - ordered[n // 4]) / 2 if n > 1 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Timed":
        """Return what `to_dict` has written."""
        shapes = {"inputs": tuple(map(tuple, raw["inputs"])), "output": tuple(raw["output"])}
        return cls(**{**raw, **shapes, "places": tuple(raw["places"]), "seconds": tuple(map(float, raw["seconds"]))})


@dataclass(frozen=True, slots=True)
class LatencyTable:
    """How long operations take on a device, one image at a time."""

    device: str
    """Its name: of the CPU's or the GPU's model."""
    threads: int
    """Threads of a CPU that they run on."""
    input_shape: tuple[int, int, int]
    """Channels, height and width of the images."""
    operations: Mapping[str, Timed] = field(default_factory=dict)
    """The operations, by their keys."""
    networks: Mapping[str, Timed] = field(default_factory=dict)
    """Some whole networks, by the ids of their architectures: from these, what is between the operations is known."""
    complete: bool = True
    """Whether networks that have an operation which is not among these are rare."""

    @property
    def rounds(self) -> int:
        """How often everything has been measured at least."""
        return min((len(timed.seconds) for timed in self.all.values()), default=0)

    @property
    def all(self) -> dict[str, Timed]:
        """Operations and networks."""
        return {**self.operations, **self.networks}

    def with_measurements_of(self, other: "LatencyTable") -> "LatencyTable":
        """Return this table with what the other one has measured of the same operations and networks."""

        def known(mine: Mapping[str, Timed], theirs: Mapping[str, Timed]) -> dict[str, Timed]:
            return {key: replace(timed, seconds=theirs[key].seconds) if key in theirs else timed for key, timed in mine.items()}

        return replace(self, operations=known(self.operations, other.operations), networks=known(self.networks, other.networks))

    @property
    def fixed_s(self) -> float:
        """What a network takes beside its operations, in seconds; less than zero where these are slower by themselves."""
        timed = [network for network in self.networks.values() if network.seconds]
        return median([n.median_s - self.sum_s(n.structure.split()) for n in timed]) if timed else 0.0

    def sum_s(self, keys: Sequence[str]) -> float:
        """Return how long operations take together, in seconds.

        Raises:
            PermanentError: One of them has not been measured.
        """
        missing = [key for key in keys if key not in self.operations or not self.operations[key].seconds]
        if missing:
            raise PermanentError(
                f"The latency table of {self.device} lacks {len(missing)} of {len(keys)} operations; measure them first."
            )
        return sum(self.operations[key].median_s for key in keys)

    def predict_s(self, keys: Sequence[str]) -> float:
        """Return how long a network of these operations takes, in seconds; raises as `sum_s` does."""
        return self.fixed_s + self.sum_s(keys)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "device": self.device,
            "threads": self.threads,
            "input_shape": list(self.input_shape),
            "complete": self.complete,
            "fixed_s": self.fixed_s if self.rounds else None,
            "operations": {key: timed.to_dict() for key, timed in self.operations.items()},
            "networks": {key: timed.to_dict() for key, timed in self.networks.items()},
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "LatencyTable":
        """Return what `to_dict` has written."""
        operations, networks = (
            {str(key): Timed.from_dict(timed) for key, timed in raw[kind].items()} for kind in ("operations", "networks")
        )
        c, h, w = raw["input_shape"]
        shape = int(c), int(h), int(w)
        return cls(str(raw["device"]), int(raw["threads"]), shape, operations, networks, bool(raw["complete"]))
