"""Where MLflow's runs and artifacts are kept."""

import os
import re
from pathlib import Path

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
    folder = "." if store_uri.startswith("s3://") else store_uri.removeprefix("file://")
    return spec_uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{Path(folder).resolve() / 'mlflow.db'}"


def artifact_root(uri: str) -> str | None:
    """Return where a new experiment keeps its artifacts: beside a sqlite file; None leaves it to the server."""
    if not uri.startswith(_SQLITE):
        return None
    database = Path(uri.removeprefix(_SQLITE).partition("?")[0]).resolve()
    return (database.parent / "mlartifacts").as_uri()


def redact(text: str) -> str:
    """Replace the user and password of each URI in `text`; rather too much than too little."""
    return re.sub(r"""://([^\s'"/@]*:[^\s'"]*|[^\s'"/]+)@""", "://***@", text)
