"""What KFP's answers mean, as errors of ours."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3
from kfp_server_api.exceptions import ApiException

from archsmith.cluster.unanswered import cause, why
from archsmith.errors import AccessDeniedError, ArchsmithError, NotFoundError, PermanentError, UnavailableError

_LATER = {408, 425, 429}
"""Answers that mean: not now. So do all of the server's own faults, 500 and more."""

_REACH = (
    "Is the URL right, and reachable from here? `kubectl port-forward -n kubeflow svc/ml-pipeline 8888` makes it "
    "http://localhost:8888, and `--kubeconfig-proxy` goes through the API server of Kubernetes."
)
_TRUST = "REQUESTS_CA_BUNDLE names a file, or a folder, of the certificates to trust."
_LOGIN = "Give a token in `--token-env` or `--token-file`; in a pod, mount one of its ServiceAccount for pipelines.kubeflow.org."


class WorkflowGoneError(NotFoundError):
    """KFP has the run, but Kubernetes has its Workflow no more."""


_NO_WORKFLOW = re.compile(r"workflows?\b.*\bnot found", re.IGNORECASE | re.DOTALL)
"""The end of the long chain of words in which KFP passes that on, as a fault of its own."""


class _NotTheApiError(Exception):
    """An answer that is not KFP's; its text says what it is instead."""


@contextmanager
def answering(url: str) -> Iterator[None]:
    """Turn what a call of KFP's API raises into our errors.

    Raises:
        UnavailableError: KFP does not answer now.
        AccessDeniedError: It refuses us.
        NotFoundError: It has no such thing.
        PermanentError: It refuses the request, or it is not KFP that answers.
    """
    try:
        yield
    except _NotTheApiError as error:
        raise PermanentError(f"At {url} it is not Kubeflow Pipelines' API that answers, but {error}. {_REACH}") from None
    except ApiException as error:
        raise _translate(error, url) from None
    except ValueError:  # no JSON, or not even text, where JSON was announced: it broke, and nothing follows from it
        raise UnavailableError(f"Kubeflow Pipelines at {url} does not answer: what comes is no JSON. {_REACH}") from None
    except (TypeError, AttributeError):  # of the generated client, for JSON of another thing altogether
        raise PermanentError(f"At {url} it is not Kubeflow Pipelines' API that answers, but another one. {_REACH}") from None
    except urllib3.exceptions.HTTPError as error:
        hint = _TRUST if isinstance(cause(error), urllib3.exceptions.SSLError) else _REACH
        raise UnavailableError(f"Kubeflow Pipelines at {url} does not answer: {why(error)}. {hint}") from None


def check_is_api(response: Any) -> None:
    """Raise an error for an answer that is no JSON object, such as a page to log in at.

    The client makes an empty list of what it can't read, and a search would be begun twice.
    """
    kind = response.urllib3_response.headers.get("content-type", "")
    if "json" not in kind:
        raise _NotTheApiError(kind or "nothing")
    if not isinstance(json.loads(response.data or "null"), dict):
        raise _NotTheApiError("no object of JSON")


def _translate(error: ApiException, url: str) -> ArchsmithError:
    """Return our error for an answer that is a refusal."""
    said = f"Kubeflow Pipelines at {url} answers {error.status}: {_message(error)}"
    if error.status in (401, 403):
        return AccessDeniedError(f"{said} {_LOGIN}")
    if 300 <= error.status < 400:
        return AccessDeniedError(f"{said} It sends us elsewhere, probably to log in. {_LOGIN}")
    if error.status >= 500 and _NO_WORKFLOW.search(str(error.body)):
        return WorkflowGoneError(said)
    if error.status in _LATER or error.status >= 500:
        return UnavailableError(said)
    return NotFoundError(said) if error.status == 404 else PermanentError(said)


def _message(error: ApiException) -> str:
    """Return what the answer says, in a line and no longer than people read."""
    try:
        raw = json.loads(error.body or "")
        text = str(raw.get("message") or raw.get("error") or error.reason)
    except (ValueError, AttributeError):
        text = str(error.reason or "")
    line = " ".join(text.split())[:500].rstrip(".")
    return f"{line}." if line else "nothing more."
