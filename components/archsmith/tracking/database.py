"""MLflow's sqlite file: made once and whole, written by one process at a time, and found where it is.

MLflow makes its tables one by one, and guards that with a lock among the temporary files, of which each process of a
local run has its own. A process that is killed meanwhile leaves a file that no later one can complete.
"""

import atexit
import contextlib
import fcntl
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archsmith.errors import ConflictError, UnavailableError
from archsmith.tracking.places import artifacts_of, database_of, sqlite_uri

WAIT_S = 120.0
"""Longest wait for the other processes that write."""
LOOK_EVERY_S = 0.05
"""Pause between two tries to be the one that writes."""
GIVE_WAY_S = 4 * LOOK_EVERY_S
"""How long who has more to write keeps out of the way, so that one that waits comes in between."""
REMEDY = "move it away, and `archsmith sync` logs all of a search anew"
HALF_MADE = "{} lacks tables of MLflow's: another process makes it right now, or was ended while it did; then " + REMEDY

_PLACES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""Columns of MLflow's tables that hold the URI of a place."""


@contextlib.contextmanager
def one_writer(uri: str) -> Iterator[str]:
    """Give the URI by which MLflow is to be spoken with; for a sqlite file no other process has one meanwhile.

    Raises:
        UnavailableError: The others do not come to an end, or the file is no database.
        ConflictError: The file is half made.
        OSError: The file's folder can't be written.
    """
    if (database := database_of(uri)) is None:
        yield uri
        return
    with _locked(database):
        if database.exists() and database.stat().st_size:
            _refuse_other(database)
            follow_move(database)
        else:
            _make(database)
        yield _usable(database)


def usable(uri: str) -> str:
    """Return a tracking URI that all of MLflow reads alike."""
    return _usable(database) if (database := database_of(uri)) else uri


def follow_move(database: Path) -> None:
    """Let MLflow find the artifacts beside the file: it notes absolute places, and the folder may have been moved or copied."""
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for old in _moved(connection, artifacts_of(database)):
            _rewrite(connection, old, artifacts_of(database).as_uri())


def look_after(uri: str) -> None:
    """Do what `follow_move` does, where there is nothing else to write; a file that can't be written stays as it is."""
    if (database := database_of(uri)) is None or not database.exists():
        return
    with contextlib.suppress(OSError, sqlite3.Error, UnavailableError):
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            if not _moved(connection, artifacts_of(database)):
                return
        with _locked(database):
            follow_move(database)


def _moved(connection: sqlite3.Connection, here: Path) -> set[str]:
    """Return the folders that artifacts were noted in and are not in any more, but here."""
    noted = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
    roots = {root for (location,) in noted if (root := _root(location))}
    return {old for old in roots if _path(old) != here and _are_here(connection, _path(old), here)}


@contextlib.contextmanager
def _locked(database: Path) -> Iterator[None]:
    """Be the only one that writes; a process that dies is one no longer."""
    database.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + WAIT_S
    with database.with_name(f"{database.name}.lock").open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise UnavailableError(f"Another process has been writing {database} for {WAIT_S:.0f} s.") from None
                time.sleep(LOOK_EVERY_S)
        yield


def _make(database: Path) -> None:
    """Make the file with all of MLflow's tables, and only then put it into its place."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    new = database.with_name(f".{database.name}.new")
    for left in (new, new.with_name(f"{new.name}-journal")):  # by a process that was killed
        left.unlink(missing_ok=True)
    store = SqlAlchemyStore(_usable(new), artifacts_of(database).as_uri())
    store.engine.dispose()
    if database.exists():
        new.replace(database)  # an empty file
    else:
        with contextlib.suppress(FileExistsError):  # MLflow's own command has made it meanwhile, and knows of no lock
            os.link(new, database)
        new.unlink()


def _refuse_other(database: Path) -> None:
    """Raise for a file that is no database of MLflow: it would try for two minutes to open that."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone()
    except sqlite3.DatabaseError as error:
        raise UnavailableError(f"{database} is no database that SQLite can read ({error}); {REMEDY}.") from None
    if not found:
        raise ConflictError(HALF_MADE.format(database) + ".")


def _usable(database: Path) -> str:
    """Return a URI that all of MLflow reads alike: it takes a quoted path for that of a folder which it is to make."""
    return sqlite_uri(_alias(database) if {"%", "?"} & set(str(database)) else database)


@lru_cache
def _alias(database: Path) -> Path:
    """Return a link to a file, under a name without anything that means something in a URI; it goes with this process."""
    folder = tempfile.TemporaryDirectory(prefix="archsmith-")
    atexit.register(folder.cleanup)
    link = Path(folder.name, "mlflow.db")
    link.symlink_to(database)
    return link


def _root(location: str) -> str | None:
    """Return the folder of all artifacts, if an experiment's lie where we put them: in `.../mlartifacts`, or `/0` below it."""
    root = location.removesuffix("/0")
    return root if root.startswith("file:") and root.endswith("/mlartifacts") else None


def _path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


def _are_here(connection: sqlite3.Connection, old: Path, here: Path) -> bool:
    """Tell whether artifacts that were noted at `old` are here: they are not there, or one of their runs is found here too."""
    if not old.exists():
        return True
    runs = {run for (run,) in connection.execute("SELECT run_uuid FROM runs")}
    return here.is_dir() and any(child.name in runs for child in here.iterdir())


def _rewrite(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Replace how places begin, in all tables that note any."""
    for table, columns in _PLACES.items():
        there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for column in there.intersection(columns):
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} = ? OR substr({column}, 1, ?) = ?",  # noqa: S608
                (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
            )
