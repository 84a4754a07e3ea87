"""What the errors of an S3 server and of the way to it mean, in the words of `archsmith.errors`.

No message has more of a response than its code and its text: bodies and requests may hold credentials.
"""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3 import exceptions as http

from archsmith.errors import AccessDeniedError, ArchsmithError, NotFoundError, PermanentError, UnavailableError

FAULTS = (MinioException, http.HTTPError, OSError, ParseError)
"""What the client raises where a request fails."""

_SET_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE for a profile of the credentials file."
_DENIED = {
    "AccessDenied": "Give these credentials the right to list, read, write and delete objects of this bucket.",
    "AllAccessDisabled": "Give these credentials the right to use this bucket.",
    "InvalidAccessKeyId": _SET_KEYS,
    "SignatureDoesNotMatch": f"The secret key does not fit the access key. {_SET_KEYS}",
    "ExpiredToken": "Get new temporary credentials and set AWS_SESSION_TOKEN with them.",
    "InvalidToken": "AWS_SESSION_TOKEN does not belong to these credentials; unset it or set it anew.",
    "InvalidTokenId": "AWS_SESSION_TOKEN does not belong to these credentials; unset it or set it anew.",
    "RequestTimeTooSkewed": "The clocks of this machine and of the server differ; set them right.",
    "AuthorizationHeaderMalformed": "The bucket lies in another region; set AWS_REGION.",
}
_BUSY = {"SlowDown", "SlowDownRead", "SlowDownWrite", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request went."""

    endpoint: str
    """URL of the server."""
    bucket: str
    """Name of the bucket."""

    def refused(self, code: str | None, message: str | None, status: int = 400) -> ArchsmithError:
        """Say what an error code of the server means.

        Args:
            code: As the server gives it.
            message: The server's text.
            status: Of HTTP, where it is known.
        """
        said = f"{code}: {message}".rstrip(".")
        if code == "NoSuchBucket":
            return PermanentError(f"There is no bucket {self.bucket!r} at {self.endpoint}; make it, or correct the s3:// URI.")
        if code in _DENIED:
            return AccessDeniedError(f"{self.endpoint} refuses access to bucket {self.bucket!r} ({said}). {_DENIED[code]}")
        if code in _BUSY or _passes(status):
            return UnavailableError(f"{self.endpoint} can't serve bucket {self.bucket!r} now ({said}). Check the server's state.")
        return PermanentError(f"{self.endpoint} refuses a request for bucket {self.bucket!r} ({said}).")

    def explain(self, error: Exception, key: str, *, has_answered: bool = False) -> ArchsmithError:
        """Say what an exception of the client means.

        Args:
            error: The exception.
            key: The object it was about.
            has_answered: Whether it is known to be an S3 server that is there.
        """
        match error:
            case S3Error(code="NoSuchKey"):
                return NotFoundError(f"There is no object {key!r} in bucket {self.bucket!r} at {self.endpoint}.")
            case S3Error():
                return self.refused(error.code, error.message, error.response.status)
            case InvalidResponseError() | ServerError():
                return self._unclear(_status(error), has_answered=has_answered)
            case ParseError():
                return self._unclear(200, has_answered=has_answered)
            # A server that stops during the handshake comes back; a certificate that is not trusted stays so.
            case http.SSLError() if "EOF" not in str(error):
                return PermanentError(
                    f"No secure connection to {self.endpoint} ({error}). AWS_CA_BUNDLE names a file of the certificates to trust."
                )
            case _:
                return self._silent(error)

    def _unclear(self, status: int, *, has_answered: bool) -> ArchsmithError:
        """Say that something answered that does not speak S3: a proxy before the server, or another server."""
        if has_answered or _passes(status):
            return UnavailableError(f"{self.endpoint} can't serve bucket {self.bucket!r} now (HTTP status {status}).")
        return PermanentError(
            f"What answers at {self.endpoint} is no S3 server (HTTP status {status}). "
            "Check host and port in ARCHSMITH_S3_ENDPOINT; MinIO's console has another port."
        )

    def _silent(self, error: Exception) -> UnavailableError:
        match error:
            case http.ProxyError():
                reason = f"the proxy of HTTPS_PROXY or HTTP_PROXY does not lead there ({_proxy_said(error)})"
            case http.NameResolutionError():
                reason = "its name is unknown"
            case http.NewConnectionError():
                reason = "no connection"
            case http.TimeoutError():
                reason = "no answer in time"
            case _:
                reason = "the connection broke"
        return UnavailableError(
            f"The S3 server {self.endpoint} does not answer: {reason}. "
            "Check that it runs, and host and port in ARCHSMITH_S3_ENDPOINT."
        )


def _proxy_said(error: http.ProxyError) -> str:
    """Return what a proxy has answered; its URL, which may hold a password, is in none of these."""
    inner = error.original_error
    return "it does not answer" if isinstance(inner, http.HTTPError) else str(inner).rstrip(".")


def _passes(status: int) -> bool:
    """Tell whether a server that answers so may do better later; MinIO says 499 to whom it serves while it is ended."""
    return status in (429, 499) or (status >= 500 and status != 501)


def _status(error: Exception) -> int:
    """Return the status of HTTP, which the client has only in its text."""
    found = re.search(r"code:? (\d{3})", str(error))
    return int(found[1]) if found else 0
