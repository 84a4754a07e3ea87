"""Tracking in MLflow: a catch-up from the trials of a search, by whoever has them.

Importing this package imports nothing of MLflow.
"""

from archsmith.tracking.aliases import Contest
from archsmith.tracking.background import BackgroundTracker
from archsmith.tracking.database import look_after
from archsmith.tracking.places import redact, resolve_uri
from archsmith.tracking.supernet import SharedWeights
from archsmith.tracking.tracked import Ended, TrackedSearch, Winner
from archsmith.tracking.tracker import UNCONTESTED, Tracker

__all__ = [
    "UNCONTESTED",
    "BackgroundTracker",
    "Contest",
    "Ended",
    "SharedWeights",
    "TrackedSearch",
    "Tracker",
    "Winner",
    "look_after",
    "redact",
    "resolve_uri",
]
