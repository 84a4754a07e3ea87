"""What is passed around: architectures, proposals, trials, and what is made of them. Frozen, and JSON both ways."""

from archsmith.values.trials import (
    STATUSES,
    Architecture,
    Choice,
    EpochRecord,
    Fidelity,
    History,
    Proposal,
    Trial,
    curve_from_rows,
    curve_to_rows,
    digest,
    seed_from,
)

__all__ = [
    "STATUSES",
    "Architecture",
    "Choice",
    "EpochRecord",
    "Fidelity",
    "History",
    "Proposal",
    "Trial",
    "curve_from_rows",
    "curve_to_rows",
    "digest",
    "seed_from",
]
