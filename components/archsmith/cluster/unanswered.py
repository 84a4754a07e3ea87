"""Why a server did not answer, in words for people: what urllib3 raises is written for those who debug it."""

import re
from http.client import IncompleteRead

from urllib3 import exceptions as http


def why(error: BaseException) -> str:
    """Return why there was no answer, in a few words, with neither objects nor tuples of Python in them."""
    match inner := cause(error):
        case http.NameResolutionError():
            return "its name is unknown"
        case http.NewConnectionError():  # before its base
            return f"no connection ({_text(inner)})"
        case http.ConnectTimeoutError() | http.ReadTimeoutError():
            return "no answer in time"
        case http.ProxyError():
            return f"its proxy does not lead there ({why(inner.original_error)})"
        case http.SSLError():
            return f"no secure connection ({_text(inner)})"
        case http.IncompleteRead() | IncompleteRead():
            return "the connection broke in the middle of the answer"
        case http.ProtocolError() if len(inner.args) > 1 and isinstance(inner.args[1], BaseException):
            return (
                why(inner.args[1])
                if isinstance(inner.args[1], IncompleteRead)
                else f"the connection broke ({_text(inner.args[1])})"
            )
    return _text(inner) or type(inner).__name__


def cause(error: BaseException) -> BaseException:
    """Return what went wrong at the last of several attempts."""
    while isinstance(error, http.MaxRetryError) and error.reason is not None:
        error = error.reason
    return error


def _text(error: BaseException) -> str:
    """Return the text of an error without its number, and without the connection object that it may begin with."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return re.sub(r"^.*Failed to establish a new connection: |\[Errno -?\d+\] ", "", str(error)).rstrip(".")
