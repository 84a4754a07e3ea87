"""The training of shared weights in MLflow: a run nested in the search's, with a point of each metric an epoch, as it goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archsmith.tracking import content
from archsmith.tracking.runs import ENDED, find_supernet
from archsmith.tracking.sending import log, upload
from archsmith.tracking.tracked import TrackedSearch
from archsmith.values import SupernetEpoch


@dataclass(frozen=True, slots=True)
class SharedWeights:
    """What is known of the training of shared weights; nothing where there is none."""

    records: tuple[SupernetEpoch, ...] = ()
    """Of its epochs so far."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Pictures of it, by name: those to be logged now, in place of earlier ones."""


def log_supernet(client: Any, parent: Any, search: TrackedSearch, shared: SharedWeights, logged: int, *, over: bool) -> int:
    """Log the epochs that are not logged yet, and return the number of the last one that is.

    Args:
        client: MLflow's.
        parent: The run of the search.
        search: The search.
        shared: What is known.
        logged: The last epoch that is known to be logged; 0 where that is not known.
        over: Whether there are no more epochs to come: then the run is ended, which says that all of it is there.
    """
    if not shared.records or (not over and not shared.files and shared.records[-1].epoch <= logged):
        return logged
    run = find_supernet(client, parent, search, parent.info.start_time)
    began_ms, last = run.info.start_time, shared.records[-1]
    done = int(run.data.metrics.get(content.EPOCHS, 0))
    points = content.supernet_points([r for r in shared.records if r.epoch > done], began_ms)
    if points and run.info.status in ENDED:
        client.update_run(run.info.run_id, status="RUNNING")
    log(client, run.info.run_id, points, {})
    upload(client, run, shared.files)
    if over and (points or run.info.status not in ENDED):
        client.set_terminated(run.info.run_id, "FINISHED", began_ms + round(1000 * last.seconds))
    return last.epoch
