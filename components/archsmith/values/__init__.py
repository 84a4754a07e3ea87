"""What is passed around: architectures, proposals, trials, and what is made of them. Frozen, and JSON both ways."""

from archsmith.values.proposals import (
    Architecture,
    Choice,
    Fidelity,
    FromScratch,
    GoesOn,
    Inherits,
    Origin,
    Proposal,
    digest,
    seed_from,
)
from archsmith.values.trials import (
    STATUSES,
    EpochRecord,
    History,
    Stop,
    Trial,
    curve_from_rows,
    curve_to_rows,
)

__all__ = [
    "STATUSES",
    "Architecture",
    "Choice",
    "EpochRecord",
    "Fidelity",
    "FromScratch",
    "GoesOn",
    "History",
    "Inherits",
    "Origin",
    "Proposal",
    "Stop",
    "Trial",
    "curve_from_rows",
    "curve_to_rows",
    "digest",
    "seed_from",
]
