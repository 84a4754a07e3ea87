"""Calls to MLflow that are quiet, short and honest about what went wrong."""

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from archsmith.errors import ArchsmithError, PermanentError
from archsmith.tracking.answers import translate
from archsmith.tracking.database import one_writer
from archsmith.tracking.places import redact

Connect = Callable[[str], Any]
"""Makes an `MlflowClient` of a tracking URI."""


def connect(uri: str) -> Any:
    """Return a client of MLflow."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


@contextmanager
def session(uri: str, connect: Connect, timeout_s: int, name: str) -> Iterator[Any]:
    """Give a client, and turn what MLflow raises into our errors. Of a sqlite file, only one process has one at a time.

    Args:
        uri: the tracking URI.
        connect: makes the client.
        timeout_s: longest wait for an answer of a server, unless MLFLOW_HTTP_REQUEST_TIMEOUT is set.
        name: the search's name.

    Raises:
        UnavailableError: MLflow does not answer.
        ConflictError: somebody else has changed meanwhile what is logged; the same again may go well.
        AccessDeniedError: it refuses the credentials in MLflow's environment variables.
        PermanentError: it refuses the call, or needs a package that is not installed, such as a database's driver.
    """
    with _quiet(timeout_s):
        try:
            with one_writer(uri) as place:
                yield connect(place)
        except ArchsmithError:
            raise
        except ImportError as error:
            raise PermanentError(redact(f"MLflow at {uri} needs a package that is not installed here: {error}.")) from None
        except Exception as error:  # MLflow's, SQLAlchemy's, Alembic's, requests', or those of a cloud's client for artifacts
            # Not chained: the cause's own text may hold the URI with its password.
            raise translate(error, uri, name) from None


@contextmanager
def _quiet(timeout_s: int) -> Iterator[None]:
    """Set MLflow's own switches while it is called; those that the user has set stay as they are.

    Nothing is sent twice by itself: a request that timed out may have been carried out, and the next
    catch-up finds out.
    """
    switches = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(timeout_s),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    added = {name: value for name, value in switches.items() if name not in os.environ}
    os.environ.update(added)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _silenced():
                yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep MLflow's log lines to itself."""
    import mlflow  # noqa: F401  # it sets its loggers' levels when it is imported

    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic", "urllib3")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
