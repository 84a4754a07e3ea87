"""What the answers of Kubernetes' API server mean, as errors of ours."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import urllib3
from kubernetes.client.exceptions import ApiException

from archsmith.cluster.unanswered import cause, why
from archsmith.errors import (
    AccessDeniedError,
    ArchsmithError,
    ConflictError,
    NotFoundError,
    PermanentError,
    SpecError,
    UnavailableError,
)

_LATER = {408, 410, 425, 429}
"""Answers that mean: not now, or once more from the beginning. So do all of the server's own faults, 500 and more."""

_REACH = "Does the cluster run, and does `kubectl get searches` reach it? `--context` names another one of the kubeconfig."
_TRUST = "`certificate-authority` of the kubeconfig names a file of the certificates to trust."
_RIGHTS = "`kubectl auth can-i --list` shows what you may do in a namespace."
_REFUSED = {
    "exceeded quota": "`kubectl describe quota` shows what the namespace may use, and uses.",
    "denied the request": "It is a rule of the cluster's admission, and no right that is missing.",
}
_LOGIN = "Log in to the cluster again; `kubectl auth whoami` shows who you are there."
_NO_KIND = (
    "The cluster does not know searches: Archsmith's chart is not installed there. `helm install archsmith charts/archsmith` "
    "does that, and `--context` names another cluster."
)


@contextmanager
def answering(server: str, what: str) -> Iterator[None]:
    """Turn what a call of the API server raises into our errors.

    Args:
        server: Its URL, for messages.
        what: What the call is about, as in "the search 'x' in the namespace 'y'".

    Raises:
        UnavailableError: It does not answer now.
        AccessDeniedError: It refuses us.
        NotFoundError: It has no such thing.
        ConflictError: Someone else has made or changed the object.
        SpecError: Admission refuses the object; the message is what admission said.
        PermanentError: It refuses the request.
    """
    try:
        yield
    except ApiException as error:
        raise _translate(error, server, what) from None
    except ValueError:  # no JSON, or not even text
        raise PermanentError(f"What answers at {server} is not the API server of Kubernetes: it is no JSON. {_REACH}") from None
    except urllib3.exceptions.HTTPError as error:
        hint = _TRUST if isinstance(cause(error), urllib3.exceptions.SSLError) else _REACH
        raise UnavailableError(f"The API server of Kubernetes at {server} does not answer: {why(error)}. {hint}") from None


def _translate(error: ApiException, server: str, what: str) -> ArchsmithError:
    """Return our error for an answer that is a refusal."""
    status, said = error.status or 0, _message(error)
    if status == 0:  # the client's word for a failed handshake
        return PermanentError(f"No secure connection to the API server of Kubernetes at {server}: {said} {_REACH}")
    about = f"Kubernetes answers {status} for {what}: {said}"
    if status == 401:
        return AccessDeniedError(f"{about} {_LOGIN}")
    if status == 403:
        return AccessDeniedError(f"{about} {next((hint for words, hint in _REFUSED.items() if words in said), _RIGHTS)}")
    if status == 409:
        return ConflictError(about)
    if status == 422:
        return SpecError(f"Kubernetes refuses {what}: {_admission(said)}")
    if status in _LATER or status >= 500:
        return UnavailableError(about)
    if status == 404:
        return NotFoundError(about if (_status(error).get("details") or {}).get("name") else f"{about} {_hint(what)}".rstrip())
    return PermanentError(about)


def _hint(what: str) -> str:
    """Say why the whole kind may be missing: the API server then names no object."""
    return _NO_KIND if "search" in what else ""


def _message(error: ApiException) -> str:
    """Return what the answer says, in a line and no longer than people read."""
    text = _status(error).get("message") or error.reason or ""
    line = " ".join(str(text).split())[:2000].rstrip(".")
    return f"{line}." if line else "nothing more."


def _admission(said: str) -> str:
    """Return the words of the rule that refuses an object, without those of the machinery around it."""
    rule = re.sub(r"^.*? (?:denied request|is invalid): ", "", said)
    return re.sub(r"^\[(.*), <nil>: Invalid value: null: some validation rules were not checked .*$", r"\1.", rule)


def _status(error: ApiException) -> Mapping[str, Any]:
    """Return the Status object of an answer; empty where it has none, as from a proxy."""
    try:
        raw = json.loads(error.body or "")
    except ValueError:
        return {}
    return raw if isinstance(raw, dict) else {}
