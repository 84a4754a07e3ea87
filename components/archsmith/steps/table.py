"""The table of a search, read once a process and with what a step has: the store's client for s3:// paths."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from archsmith.errors import CandidateError, DataError, SpecError
from archsmith.evaluation.coverage import TableFacts, facts_of, refuse_misfits, refuse_strange
from archsmith.evaluation.measurements import Measurements
from archsmith.evaluation.table import TableEstimator, counted, read_table
from archsmith.evaluation.table_config import TableConfig
from archsmith.machine.local_files import find, is_remote
from archsmith.search import Search
from archsmith.spaces.space import Space
from archsmith.spec import Objective, static_limits
from archsmith.steps.beside import beside
from archsmith.stores.folder import SearchFolder
from archsmith.strategies.strategy import everything
from archsmith.values import Architecture

SOURCES: Mapping[str, str] = {
    "nas-bench-201": " The table of NAS-Bench-201 is made of the files that its authors publish, at "
    "https://github.com/D-X-Y/NATS-Bench; benchmarks/nas_bench_201_table.py in Archsmith's sources makes it."
}
"""Where to get a table that is not there, by the name of the space of a benchmark."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What tells one table from another."""

    config: TableConfig
    """Where it is, and which columns."""
    settings: str
    """Those of the space, as JSON."""
    path: Path
    """The file on this machine; that of an object in S3 is another one for each version of it."""
    version: tuple[int, int]
    """When the file was written, and how long it is."""
    space: Space = field(compare=False)
    """The space that these settings make."""


def load_table(search: Search) -> Measurements:
    """Read the table that `search` names; raises `DataError` where it can't be used."""
    return _load(_asked(search))


def table_facts(search: Search) -> TableFacts:
    """Compare the table of `search` with its space; raises `DataError` where they do not fit each other."""
    return _compare(_asked(search))


def beyond_the_table(search: Search) -> tuple[Objective, ...]:
    """Return the limits that are known without training, but not from the table.

    Raises:
        SpecError: No row of the table keeps the other limits.
    """
    config, table = search.estimation, load_table(search)
    assert isinstance(config, TableConfig)
    columns = config.columns
    rows = list(table.rows.values())
    values = {
        o: table.columns[columns[o.metric]][rows] for o in search.spec.objectives if o.limit is not None and o.metric in columns
    }
    keeps = np.ones(len(rows), dtype=bool)
    for objective, column in values.items():
        keeps &= objective.sign * column >= objective.sign * float(objective.limit or 0.0)
    if not keeps.any():
        ranges = ((o, np.nanmin(v), np.nanmax(v)) for o, v in values.items())
        said = "; ".join(
            f"{o.metric} must be {'<=' if o.sign < 0 else '>='} {o.limit:g}, but lies between {a:g} and {b:g}"
            for o, a, b in ranges
        )
        raise SpecError(f"spec.objectives: none of {len(rows)} architectures of the table keeps the limits: {said}.")
    return tuple(o for o in static_limits(search.spec.objectives) if o.metric not in columns)


def table_digest(search: Search) -> str:
    """Return a digest of the file of the table, by which people tell which one it was."""
    with _asked(search).path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def make_table(search: Search, folder: SearchFolder) -> TableEstimator:
    """Make the estimator of a search over a table; it counts networks where an objective wants what the table lacks."""
    config = search.estimation
    assert isinstance(config, TableConfig)
    wanted = {o.metric for o in search.spec.objectives} - config.columns.keys()
    facts = folder.data_facts()
    count = counted(search.space, facts.input_shape, len(facts.classes)) if wanted and facts else None
    return TableEstimator(load_table(search), config, count, config.tests(search.spec.first_goal.metric))


def within_table(search: Search, folder: SearchFolder) -> Callable[[Architecture], bool]:
    """Return a test of whether the table has an architecture, and it keeps the limits on what is known without training."""
    estimator, limits = make_table(search, folder), static_limits(search.spec.objectives)
    if not limits:
        return everything if table_facts(search).is_the_whole_space else estimator.knows

    @lru_cache(maxsize=4096)
    def feasible(architecture: Architecture) -> bool:
        try:
            metrics = estimator.metrics(architecture)
        except CandidateError:
            return False
        return all(o.allows(metrics[o.metric]) for o in limits)

    return feasible


def listed(search: Search) -> Sequence[Architecture]:
    """Return the architectures that the table has all values of, where the space has others too."""
    config, table = search.estimation, load_table(search)
    assert isinstance(config, TableConfig)
    if table_facts(search).is_the_whole_space:
        return ()
    whole = table.whole(config.needed)
    return [architecture for architecture, row in table.rows.items() if whole[row]]


@lru_cache(maxsize=4)
def _load(asked: _Asked) -> Measurements:
    return read_table(asked.config, asked.space, asked.path)


@lru_cache(maxsize=4)
def _compare(asked: _Asked) -> TableFacts:
    levels = asked.config.levels
    told = [level.words for level in levels] if len(levels) > 1 or levels[0].curve else []
    facts = facts_of(_load(asked), asked.config.needed, told)
    refuse_misfits(facts, asked.config.misfits)
    refuse_strange(facts)
    return facts


def _asked(search: Search) -> _Asked:
    config = search.estimation
    assert isinstance(config, TableConfig)
    path, version = _local(search, config.path, beside(search)), (0, 0)
    with suppress(OSError):  # reading it says what is the matter
        version = (path.stat().st_mtime_ns, path.stat().st_size)
    return _Asked(config, search.space.name + search.space_config.model_dump_json(), path, version, search.space)


def _local(search: Search, path: str, beside: Path | None) -> Path:
    if not is_remote(path, "estimation.path"):
        try:
            return find(path, "estimation.path", beside)
        except DataError as error:
            raise DataError(f"{error}{SOURCES.get(search.spec.space.name, '')}") from error
    from archsmith.evaluation.data import Cache  # with it comes torch, which a local table does without
    from archsmith.stores.s3_objects import S3Objects

    return Cache(S3Objects.open).file(path)
