"""The first step of a recurring run of Kubeflow Pipelines, which has the same pipeline and the same parameters each time.

It finds out by the clock which time of the schedule this is, and begins the search of that time. A macro in a parameter, such as
[[ScheduledTime]], would say the time too, but of a pipeline that is a part of the recurring run itself KFP fills in none
(`ir_schedule_test.go` in its sources). A pod that is replaced finds the same time, and so the same search; if the next time has
come by then, it begins that one, and the run of the next time finds it there.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from archsmith.errors import ArchsmithError, SpecError, TransientError
from archsmith.opening import open_search
from archsmith.search import Search, parse
from archsmith.spec.schedule import last_time
from archsmith.spec.series import is_of_series, name_at, spec_at
from archsmith.spec.yaml_document import read_yaml, write_yaml
from archsmith.steps.sample_space import sample_space
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder

log = logging.getLogger(__name__)


def begin_series(text: str, store: str, now: datetime | None = None) -> str:
    """Put the search of this time into the store, or find it there; return its name.

    Where nothing has changed since the last one, that one's name is returned, and the steps after this one find nothing to do.

    Args:
        text: The search file, with its schedule.
        store: URI of the store.
        now: The time; the clock's where it is left out.

    Raises:
        SpecError: The file has no schedule, or is wrong otherwise.
        DataError: The images are missing or can't be used.
    """
    series = parse(text)
    at = last_time(series.spec.schedule, now or datetime.now(UTC)) if series.spec.schedule else None
    if at is None:
        raise SpecError("spec.schedule is missing, but a series needs it.")
    name, before = name_at(series.name, at), next(_done(series, store), None)
    if SearchFolder(open_store(store), name).read_search() is not None:
        return sample_space(_file(text, series, name, _warm(store, name)), store)
    if before is not None and series.spec.series.unchanged == "skip" and _is_same(parse(_file(text, series, name, "")), *before):
        log.info("The data are those of %s, and so is all that is asked: this time is skipped.", before[1].name)
        return before[1].name
    warm = before[1].name if before is not None and series.spec.series.warm_start else ""
    return sample_space(_file(text, series, name, warm), store)


def _file(text: str, series: Search, name: str, warm_start: str) -> str:
    """Return the search file of a time."""
    raw: dict[str, Any] = read_yaml(text, series.name).value
    spec = spec_at(raw["spec"], series.name, warm_start)
    return write_yaml({**raw, "metadata": {**raw["metadata"], "name": name}, "spec": spec})


def _warm(store: str, name: str) -> str:
    """Return what a search that was begun begins with: that is settled."""
    folder = SearchFolder(open_store(store), name)
    return parse(folder.asked() or folder.read_search() or "").spec.warm_start or ""


def _done(series: Search, store: str) -> Iterator[tuple[SearchFolder, Search]]:
    """Yield the searches of a series that are done and have a winner, the last one first."""
    names = sorted((n for n in SearchFolder.names(open_store(store)) if is_of_series(n, series.name)), reverse=True)
    for name in names:
        try:
            folder, search = open_search(store, name)
            selection = folder.selection()
        except TransientError:
            raise
        except ArchsmithError as error:
            log.warning("The search %s is passed over: %s", name, error)
            continue
        if folder.is_done() and selection is not None and selection.winner is not None:
            yield folder, search


def _is_same(search: Search, folder: SearchFolder, last: Search) -> bool:
    """Tell whether a search would do what the last one did: the same file but for its name, on the same data."""
    text = folder.asked()
    asked = last if text is None else parse(text)  # of an open file, `last` is what was chosen for it
    cold = {"warm_start": None}
    if search.spec.model_copy(update=cold) != asked.spec.model_copy(update=cold):
        return False
    if search.table:
        from archsmith.steps.table import table_digest

        if folder.origin()[0] != table_digest(search):
            return False
    if search.spec.data is None:
        return True
    from archsmith.steps.images import load_as

    known = folder.data_facts()
    assert last.spec.data is not None
    return known is not None and known.digest == load_as(search, last.spec.data).digest
