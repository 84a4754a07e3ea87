"""What went wrong with MLflow, in a sentence of ours: MLflow's own may be a page long."""

import re
from collections.abc import Iterator

from archsmith.errors import AccessDeniedError, ArchsmithError, ConflictError, PermanentError, UnavailableError
from archsmith.tracking.database import HALF_MADE
from archsmith.tracking.places import database_of, redact

OLDEST = "3.1"
"""The oldest MLflow that has all that is asked of it."""

_CREDENTIALS = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
_REFUSED = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}
_WRONG = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE", "RESOURCE_DOES_NOT_EXIST"}
_BUSY = re.compile(r"is locked|already exists|UNIQUE constraint|duplicate (column|key)", re.I)
_FOREIGN = re.compile(r"not in a valid JSON format|Response body: '|Response: \{", re.I)
_GATEWAY = re.compile(r"error code (50[234])")
NO_URI = "can't be reached: this is no URI"
_LONGEST = 200
"""Characters that are quoted of what MLflow says."""


def translate(error: Exception, uri: str, name: str) -> ArchsmithError:
    """Return our error for one of MLflow's, or of what it stands on.

    Args:
        error: what was raised.
        uri: the tracking URI.
        name: the search's name.
    """
    where, said = redact(f"MLflow at {uri}"), _quote(error)
    code = getattr(error, "error_code", "")
    later = f"Nothing is lost: `archsmith sync {name}` logs it from the store later."
    if code in _REFUSED:
        return AccessDeniedError(f"{where} refuses the credentials: {_CREDENTIALS}.")
    if unreached := _unreached(error):
        kind, why = unreached
        return kind(f"{where} {why}. {later}")
    if found := _of_a_database(str(error), uri, where):
        return found
    if code == "ENDPOINT_NOT_FOUND" or _FOREIGN.search(str(error)):
        return _foreign(str(error), uri, where, later)
    if type(error).__name__.startswith("Unsupported"):
        valid = "http://, https://, sqlite:///, postgresql:// or mysql://"
        return PermanentError(f"{redact(uri)!r} is no tracking URI of MLflow; one begins with {valid}.")
    if code in _WRONG:
        if "must be in the 'active' state" in str(error):  # somebody has deleted the run that this process knew
            return ConflictError(f"{where} has no such run any more: {said}.")
        return PermanentError(f"{where} refuses what was asked: {said}.")
    return UnavailableError(f"{where} fails: {said}. {later}")


def _unreached(error: BaseException) -> tuple[type[ArchsmithError], str] | None:
    """Tell why there was no answer, if there was none."""
    kinds = {kind.__name__ for one in _chain(error) for kind in type(one).__mro__}
    text = " ".join(str(one) for one in _chain(error))
    match kinds:
        case _ if "ProxyError" in kinds:
            return UnavailableError, "can't be reached through the proxy; look at HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
        case _ if "SSLError" in kinds and re.search(r"WRONG_VERSION_NUMBER|wrong version number|record layer failure", text):
            return PermanentError, "does not speak TLS; its URI begins with http://"
        case _ if "SSLError" in kinds:
            why = re.search(r"certificate verify failed: ([^(\[]*[^(\[\s])", text)
            hint = "REQUESTS_CA_BUNDLE names the file of a CA of your own"
            return PermanentError, f"can't be trusted ({why[1] if why else 'the TLS handshake failed'}); {hint}"
        case _ if kinds & {"InvalidURL", "InvalidUrlException", "InvalidSchema", "MissingSchema", "LocationParseError"}:
            return PermanentError, NO_URI
        case _ if type(error) is ValueError and "URL" in text:
            return PermanentError, NO_URI
        case _ if (answered := re.search(r"too many (\d{3}) error responses", text)) is not None:
            return UnavailableError, _status(answered[1])
        case _ if kinds & {"gaierror", "NameResolutionError"}:
            return UnavailableError, "can't be reached: its host is not known; look at the URI"
        case _ if "ConnectionRefusedError" in kinds:
            return UnavailableError, "can't be reached: the connection is refused"
        case _ if kinds & {"Timeout", "TimeoutError"}:
            return UnavailableError, "does not answer in time"
        case _ if kinds & {"RequestException", "HTTPError"}:
            return UnavailableError, "can't be reached: the connection broke off"
    return None


def _of_a_database(said: str, uri: str, where: str) -> ArchsmithError | None:
    """Return the error for what only an MLflow without a server says."""
    if uri.startswith(("http://", "https://")):
        return None
    if versions := re.search(r"found version (\w+), but expected (\w+)", said):
        hint = f"`mlflow db upgrade {redact(uri)}` brings an older one up to date"
        return PermanentError(f"{where} is of another version of MLflow (schema {versions[1]}, not {versions[2]}); {hint}.")
    if "Can't locate revision" in said:
        return PermanentError(f"{where} is of a newer MLflow than the one that is installed here; install that.")
    if "maintenance mode" in said or "MLFLOW_ALLOW_FILE_STORE" in said:
        return PermanentError(
            f"{where} is a folder, in which MLflow keeps no runs any more; name a file: sqlite:///PATH/mlflow.db."
        )
    if _BUSY.search(said):
        database = database_of(uri)
        return ConflictError(
            HALF_MADE.format(database) if database and "exists" in said else f"{where} is being written by others."
        )
    return None


def _foreign(said: str, uri: str, where: str, later: str) -> ArchsmithError:
    """Return the error for an answer that MLflow would not give, or not that of a version which is new enough."""
    if gateway := _GATEWAY.search(said):
        return UnavailableError(f"{where} {_status(gateway[1])}. {later}")
    if version := _version(uri):
        return PermanentError(
            f"{where} is version {version}, which lacks what is asked of it; Archsmith needs {OLDEST} or newer."
        )
    status = re.search(r"error code (\d+)", said)
    what = f" (HTTP {status[1]})" if status else ""
    return PermanentError(f"{where}: something answers there{what}, but not MLflow; look at the URI, its port and its path.")


def _status(status: str) -> str:
    """Say what an HTTP status of the server's side means."""
    gateway = status in {"502", "503", "504"}
    return f"does not answer: there is only what stands before it (HTTP {status})" if gateway else f"fails (HTTP {status})"


def _version(uri: str) -> str | None:
    """Ask a server which version of MLflow it is; None where it does not say."""
    from mlflow.tracking._tracking_service.utils import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    try:
        answer = http_request(get_default_host_creds(uri), "/version", "GET")
    except Exception:  # whatever it is, there is no version
        return None
    return answer.text if answer.ok and re.fullmatch(r"\d+\.\d+[\w.]{0,20}", answer.text) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, and what it came from: causes, contexts, and errors that are another one's reason or argument."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        more = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [e for e in more if isinstance(e, BaseException)]


def _quote(error: Exception) -> str:
    """Return what MLflow says, on one line and not all of a page."""
    line = " ".join(redact(str(error)).split())
    return (line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…").rstrip(".")
