"""What is passed around: architectures, proposals, trials, and what is made of them. Frozen, and JSON both ways."""

from archsmith.values.births import Birth, Born, Orphan
from archsmith.values.proposals import (
    Architecture,
    Choice,
    Fidelity,
    FromScratch,
    GoesOn,
    Inherits,
    Origin,
    Proposal,
    Shared,
    digest,
    seed_from,
)
from archsmith.values.supernets import SupernetEpoch
from archsmith.values.trials import (
    CURVES,
    STATUSES,
    EpochRecord,
    History,
    Stop,
    Trial,
    curve_from_rows,
    curve_to_rows,
)

__all__ = [
    "CURVES",
    "STATUSES",
    "Architecture",
    "Birth",
    "Born",
    "Choice",
    "EpochRecord",
    "Fidelity",
    "FromScratch",
    "GoesOn",
    "History",
    "Inherits",
    "Origin",
    "Orphan",
    "Proposal",
    "Shared",
    "Stop",
    "SupernetEpoch",
    "Trial",
    "curve_from_rows",
    "curve_to_rows",
    "digest",
    "seed_from",
]
