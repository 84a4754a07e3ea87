"""Where MLflow's runs and artifacts are kept."""

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

_SQLITE = "sqlite:///"


def resolve_uri(spec_uri: str | None, store_uri: str) -> str:
    """Return the tracking URI of a search.

    It is the one of the search file, else MLFLOW_TRACKING_URI, else a sqlite file: `mlflow.db` in the
    folder of the store. A store in S3 has no folder on this machine, so there it is `mlflow.db` in the
    current folder, where MLflow's own commands look for it as well.

    Args:
        spec_uri: `tracking.uri` of the search file.
        store_uri: the store: a folder, file:// or s3://.
    """
    return spec_uri or os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(_folder(store_uri).resolve() / "mlflow.db")


def sqlite_uri(database: Path) -> str:
    """Return the URI of a sqlite file; what means something in a URI is quoted, and nothing else."""
    return _SQLITE + str(database).replace("%", "%25").replace("?", "%3F")


def database_of(uri: str) -> Path | None:
    """Return the sqlite file that a tracking URI names; None for all else, as for a file with options of SQLite's own."""
    path, options, _ = uri.removeprefix(_SQLITE).partition("?")
    if not uri.startswith(_SQLITE) or options or path in {"", ":memory:"}:
        return None
    return Path(unquote(path)).resolve()


def artifact_root(uri: str) -> str | None:
    """Return where a new experiment keeps its artifacts: beside a sqlite file; None leaves it to the server."""
    database = database_of(uri)
    return artifacts_of(database).as_uri() if database else None


def artifacts_of(database: Path) -> Path:
    """Return the folder of the artifacts of a sqlite file's runs."""
    return database.parent / "mlartifacts"


def redact(text: str) -> str:
    """Replace the user and password of each URI in `text`; rather too much than too little."""
    return re.sub(r"""://([^\s'"/@]*:[^\s'"]*|[^\s'"/]+)@""", "://***@", text)


def _folder(store_uri: str) -> Path:
    """Return the folder on this machine that belongs to a store."""
    if store_uri.startswith("s3://"):
        return Path()
    path = unquote(urlsplit(store_uri).path) if store_uri.startswith("file:") else store_uri
    return Path(path).expanduser()
