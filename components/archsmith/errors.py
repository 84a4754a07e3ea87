"""What can go wrong, and what the caller can do about it.

ArchsmithError
├── PermanentError            do not retry: the same call fails again
│   ├── SpecError             the search file is wrong
│   ├── DataError             the data set is missing or unusable
│   ├── UnknownNameError      a name that no registry holds
│   ├── PluginError           what another distribution brings along can't be used
│   ├── NotFoundError         a key that the store does not hold
│   ├── CorruptObjectError    an object of the store does not hold what it should
│   ├── AccessDeniedError     the store refuses these credentials
│   ├── SearchConflictError   the store holds another search of that name, or one that runs now
│   ├── InfeasibleError       no architecture within the limits was found
│   ├── NoWinnerError         no trial is complete and within the limits
│   └── ExportError           an exported model disagrees with the trained one
├── TransientError            may be retried
│   ├── UnavailableError      a server does not answer now
│   ├── ConflictError         someone else has made or changed the object meanwhile
│   └── KilledError           a process was killed from outside
└── CandidateError            a bad candidate: it becomes a failed trial, and the search goes on
    ├── DivergedError         its loss is not a finite number
    ├── OutOfMemoryError      it needs more memory than its worker has
    ├── TimeLimitError        it needs longer than a trial may
    ├── UnbuildableError      no network can be built from it at this input and fidelity
    ├── UnscorableError       a score of its untrained network is not a finite number
    └── UnlistedError         the table of measurements has nothing of it
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches


class ArchsmithError(Exception):
    """Base of all errors that Archsmith raises on purpose."""


class PermanentError(ArchsmithError):
    """The same call would fail again."""


class SpecError(PermanentError):
    """The search file is wrong; the message has one line a mistake."""


class DataError(PermanentError):
    """The data set is missing or can't be used."""


class UnknownNameError(PermanentError):
    """A name that no registry holds."""

    def __init__(self, kind: str, name: str, valid: Iterable[str]) -> None:
        super().__init__(unknown(kind, name, valid))


class PluginError(PermanentError):
    """What another distribution brings along can't be used."""


class NotFoundError(PermanentError):
    """The store holds nothing under this key."""


class CorruptObjectError(PermanentError):
    """An object of the store does not hold what it should; the message names it and says what to do."""


class AccessDeniedError(PermanentError):
    """The store refuses these credentials."""


class SearchConflictError(PermanentError):
    """The store holds another search of this name, or one that is running now."""


class InfeasibleError(PermanentError):
    """No architecture within the limits was found, so there is nothing to begin a search with."""


class NoWinnerError(PermanentError):
    """No trial is complete and within the limits."""


class ExportError(PermanentError):
    """An exported model disagrees with the one it was made from."""


class TransientError(ArchsmithError):
    """The same call may succeed later."""


class UnavailableError(TransientError):
    """A server does not answer now."""


class ConflictError(TransientError):
    """Someone else has made or changed the object meanwhile; look at it again."""


class KilledError(TransientError):
    """A process was killed from outside."""


class CandidateError(ArchsmithError):
    """A candidate that can't be measured; it becomes a failed trial."""


class DivergedError(CandidateError):
    """The loss is not a finite number."""


class OutOfMemoryError(CandidateError):
    """Training needs more memory than the worker has."""


class TimeLimitError(CandidateError):
    """Training needs longer than a trial may."""


class UnbuildableError(CandidateError):
    """No network can be built from this architecture at this input and fidelity."""


class UnscorableError(CandidateError):
    """A score of the untrained network is not a finite number."""


class UnlistedError(CandidateError):
    """The table of measurements has no row, or no value, of this architecture."""


def unknown(kind: str, name: str, valid: Iterable[str]) -> str:
    """Say that `name` is unknown, list what is valid, and name the nearest match."""
    names = sorted(valid)
    near = get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    if not names:
        return f"Unknown {kind} {name!r}; there is none that could be named here."
    return f"Unknown {kind} {name!r}; valid: {', '.join(names)}.{hint}"


def to_dict(error: ArchsmithError) -> dict[str, str]:
    """Write an error for another process."""
    return {"kind": type(error).__name__, "message": str(error)}


def from_dict(raw: Mapping[str, str]) -> ArchsmithError:
    """Make the error that another process wrote."""
    kind, message = globals().get(raw["kind"]), raw["message"]
    if not isinstance(message, str):
        raise TypeError(f"the message is {message!r}, but must be a text")
    if not (isinstance(kind, type) and issubclass(kind, ArchsmithError)):
        kind = PermanentError  # of another version, say
    error: ArchsmithError = kind.__new__(kind)  # past __init__: the message is whole already
    error.args = (message,)
    return error
