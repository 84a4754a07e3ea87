"""The minutes of a search that was chosen for them: how many are gone, and what the trainings in full may have of the rest.

The clock is that of the wall while the search runs; pauses between two runs do not count, as far as it is known when the first of
them began: when the last trial ended.
"""

import logging
import math
import os
import time
from collections.abc import Mapping
from typing import Any

from archsmith.automl.situation import MODEL_S, REPORT_S, TRACKING_S
from archsmith.automl.timing import least
from archsmith.machine.busy import slowness
from archsmith.search import Search
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.values.references import REFERENCES, ReferenceName

log = logging.getLogger(__name__)

BEGAN = "ARCHSMITH_BEGAN"
"""Names when a local run was begun, in seconds since the epoch of Unix: long before its first step, where the machine is busy."""

MEASURES = "ARCHSMITH_MEASURES"
"""Set where the first step runs on the machine that will train, so that it measures how long that will take."""

LEAST = 0.25
"""Share of the seconds that were planned for a training which it has in any case, and the least of any plan: something must
come out."""

LINEAR = 0.15
"""What a linear model takes of the time that the winner takes."""


def began() -> float:
    """Return when this run of the search began: where nobody says it, now."""
    try:
        said = float(os.environ.get(BEGAN, "nan"))
    except ValueError:
        said = math.nan
    now = time.time()
    return said if now - 3600 < said <= now else now


def start_clock(folder: SearchFolder, at: float) -> None:
    """Note that a run of a search with a deadline has begun; what runs before it have used is kept."""
    used, since = _clock(folder) or (0.0, at)
    last = max((trial.finished_at for trial in folder.history()), default=0.0)
    folder.write_json("clock.json", {"used_s": used + max(0.0, last - since), "since": at})


def training_s(folder: SearchFolder, search: Search, reference: ReferenceName | None = None) -> float:
    """Return the seconds that the winner, or a reference, may train for: of what is left of the minutes, its share.

    Args:
        folder: The search's folder.
        search: The search.
        reference: Which reference; the winner where it is left out.
    """
    planned = math.inf if search.spec.retrain.minutes is None else 60 * search.spec.retrain.minutes
    clock = passed_over(lambda: _clock(folder), log.debug)
    plan = passed_over(lambda: folder.read_value("plan.json", _plan), log.debug)
    if clock is None or plan is None or math.isinf(planned):
        return planned
    (used, since), (minutes, tests_s) = clock, plan
    models = _models(search, reference)
    rest_s = len(models) * MODEL_S + REPORT_S + TRACKING_S * search.spec.tracking.enabled
    tests_s *= sum(models.values()) / sum(_models(search, None).values())  # of those that are still to be tested
    left_s = 60 * minutes - used - (time.time() - since) - slowness() * rest_s - tests_s
    share = models[reference or "winner"]
    return share * max(LEAST * planned, least(minutes), left_s / sum(models.values()))


def _plan(raw: Any) -> tuple[float, float]:
    """Read the minutes for everything, and the seconds that were planned for the test images: none in older plans."""
    return float(raw["minutes"]), float(raw.get("seconds", {}).get("tests", 0.0))


def _models(search: Search, reference: ReferenceName | None) -> Mapping[str, float]:
    """Return what is trained from here on, and how long that takes as a share of the winner's training."""
    shares: dict[str, float] = {"winner": 1.0}
    for name in REFERENCES if search.has_references else ():
        shares[name] = LINEAR if name == "linear" else 1.0
    names = list(shares)
    return {name: shares[name] for name in names[names.index(reference or "winner") :]}


def _clock(folder: SearchFolder) -> tuple[float, float] | None:
    def read(raw: Any) -> tuple[float, float]:
        return float(raw["used_s"]), float(raw["since"])

    return folder.read_value("clock.json", read)
