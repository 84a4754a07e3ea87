"""A search to which something is done while it runs, and what is true of it whatever that was.

The bucket keeps old versions during these tests. So the store tells of every epoch that was trained, by the versions of the
trials' checkpoints, and of every trial that was recorded.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from minio import Minio

from cluster import Cluster, Note, Object, Start, digits

EPOCHS = 8
TRIALS = 6

Fault = Callable[[str], object]
"""What is done to a search whose name it is given."""

Survives = Callable[..., Object]
"""The fixture `survives`: runs a search, does a fault to it once it has two trials, and returns its object after its success."""


def run_through(cluster: Cluster, minio: Minio, start: Start, note: Note, name: str, fault: Fault, **spec: Any) -> Object:
    """Run a search through a fault; no trial is lost, and nothing is trained twice."""
    forget_versions(minio, name)
    begin = time.monotonic()
    start(_search(name, **spec))
    cluster.wait(lambda: len(cluster.folder(name).history()) >= 2, f"two trials of {name} are done", 600)
    before, faulted = trials(cluster, name), time.monotonic()
    fault(name)
    found = cluster.until(name, "Succeeded", 900)
    after, end = trials(cluster, name), time.monotonic()
    total = spec.get("budget", {}).get("trials", TRIALS)
    assert len(before) < total, "the search was over before the fault"
    assert len(after) == total
    assert before.items() <= after.items(), "a trial that was complete was lost or made anew"
    nothing_was_done_twice(minio, name, after)
    note(
        f"{name}: {len(before)} of {total} trials before the fault, Succeeded {end - faulted:.0f} s after it "
        f"({end - begin:.0f} s in all), pods {deaths(found)} died; {' '.join(cluster.reasons(name))}"
    )
    return found


def trials(cluster: Cluster, name: str) -> dict[str, str]:
    """Return the trials of a search as they lie in the store, times and all, by id."""
    return {trial.id: str(trial.to_dict()) for trial in cluster.folder(name).history()}


def deaths(found: Object) -> int:
    """Return how many pods of a search the controller has seen die."""
    return int(found["status"]["run"]["deaths"])


def _search(name: str, **spec: Any) -> Object:
    """Return a search whose trials take some seconds each, of many short epochs."""
    slow = {
        "estimation": {"epochs": EPOCHS},
        "training": {"learning_rate": 0.05, "batch_size": 8},
        "budget": {"trials": TRIALS},
        "retrain": {"epochs": 1},
    }
    return digits(name, **{**slow, **spec})


def nothing_was_done_twice(minio: Minio, name: str, found: dict[str, str]) -> None:
    """Check that every trial was recorded once, and that no training was run to its end twice."""
    records, epochs = _written(minio, name, "rounds/", "/trials/"), _written(minio, name, "checkpoints/", "")
    assert {trial: records[trial] for trial in found} == dict.fromkeys(found, 1)
    # A training that is cut off repeats the epoch that it was in; from the beginning to the end again, it would be 2 x EPOCHS.
    assert all(EPOCHS <= epochs[trial] < 2 * EPOCHS for trial in found), epochs


def _written(minio: Minio, name: str, folder: str, part: str) -> Counter[str]:
    """Return how often each object below a folder was written, by the last part of its name."""
    listed = minio.list_objects("searches", f"searches/{name}/{folder}", recursive=True, include_version=True)
    names = [str(item.object_name) for item in listed if not item.is_delete_marker]
    return Counter(found.rpartition("/")[2].partition(".")[0] for found in names if part in found)


def forget_versions(minio: Minio, name: str) -> None:
    """Remove all that an earlier session has left of a search."""
    for item in minio.list_objects("searches", f"searches/{name}/", recursive=True, include_version=True):
        minio.remove_object("searches", str(item.object_name), version_id=item.version_id)
