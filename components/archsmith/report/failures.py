"""Failed trials, grouped by reason."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from archsmith.values import Trial


@dataclass(frozen=True, slots=True)
class Failure:
    """Trials that failed alike."""

    reason: str
    """The first line of the first one's error."""
    trials: tuple[Trial, ...]
    """Those trials, in the order of the history."""


def failures(trials: Sequence[Trial]) -> list[Failure]:
    """Group failed trials by their reason, the most frequent first; reasons that differ only in numbers are one."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.error is not None:
            groups.setdefault(re.sub(r"\d+(\.\d+)?", "0", _first_line(trial.error)), []).append(trial)
    found = [Failure(_first_line(group[0].error or ""), tuple(group)) for group in groups.values()]
    return sorted(found, key=lambda f: -len(f.trials))


def _first_line(error: str) -> str:
    return (error.strip().splitlines() or ["no reason was given"])[0]
