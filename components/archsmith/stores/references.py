"""What a store knows of the simple networks that a winner is held to, and of which test images a trained network knows.

references/NAME/model.json       a reference, trained; its files lie beside it, as those of the winner do in best/
references/NAME/progress.json    the curve so far of one that is trained now
references.json                  how the winner compares with each
*/tested.json                    of each test image whether the network of this folder knows it
"""

import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from archsmith.errors import TransientError
from archsmith.stores.damage import passed_over
from archsmith.stores.documents import Documents
from archsmith.values.references import REFERENCES, Reference, ReferenceName, Worth, place_of
from archsmith.values.trials import EpochRecord, curve_from_rows, curve_to_rows

log = logging.getLogger(__name__)

WORTH = "references.json"
TESTED = "tested.json"


@dataclass(frozen=True, slots=True)
class Referring:
    """A reference that is trained now."""

    name: ReferenceName
    """Which one."""
    epochs: int
    """Epochs of its training."""
    curve: tuple[EpochRecord, ...]
    """One record an epoch so far."""


class References(Documents):
    """Reads and writes what is known of references."""

    def reference(self, name: ReferenceName) -> tuple[str, Reference] | None:
        """Return the recipe of a trained reference, and the reference; None where it is not trained yet."""
        return self.read_value(
            f"{place_of(name)}/model.json", lambda raw: (str(raw["recipe"]), Reference.from_dict(raw["model"]))
        )

    def write_worth(self, of: str, worth: Worth) -> None:
        """Write how a winner compares with each reference.

        Args:
            of: The `mark` of the winner.
            worth: How it compares.
        """
        self.write_json(WORTH, {"of": of, **worth.to_dict()})

    def worth(self, of: str) -> Worth | None:
        """Return how the winner of this mark compares with each reference; None where that is not known, or of another one."""
        return self.read_value(WORTH, lambda raw: Worth.from_dict(raw) if raw["of"] == of else None)

    def known(self, place: str) -> tuple[bool, ...] | None:
        """Return of each test image whether the network in a folder knows it; None where nobody has noted it."""
        return self.read_value(f"{place}/{TESTED}", _known)

    def write_referring(self, running: Referring) -> None:
        """Show how far a reference is; it is only looked at, so a store that does not answer is no error."""
        with contextlib.suppress(TransientError):
            shown = {"epochs": running.epochs, "curve": curve_to_rows(running.curve)}
            self.put(_progress(running.name), orjson.dumps(shown))

    def referring(self) -> Referring | None:
        """Return the reference that is trained now; None where there is none, or what is shown of it is damaged."""
        for name in REFERENCES:
            found = passed_over(lambda name=name: self.read_value(_progress(name), lambda raw: _referring(name, raw)), log.debug)  # type: ignore[misc]
            if found is not None:
                return found
        return None

    def clear_referring(self, names: Iterable[ReferenceName]) -> None:
        """Show these references no longer as being trained."""
        with contextlib.suppress(TransientError):
            self._delete(map(_progress, names))


def bytes_of_known(known: Sequence[bool]) -> bytes:
    """Return what `known` reads: a digit for each test image, in the order of the data set."""
    return orjson.dumps({"known": "".join("01"[right] for right in known)})


def _known(raw: dict[str, Any]) -> tuple[bool, ...]:
    if set(raw["known"]) - {"0", "1"}:
        raise ValueError("an image is neither known nor unknown")
    return tuple(digit == "1" for digit in raw["known"])


def _referring(name: ReferenceName, raw: dict[str, Any]) -> Referring:
    return Referring(name, int(raw["epochs"]), curve_from_rows(raw["curve"]))


def _progress(name: ReferenceName) -> str:
    return f"{place_of(name)}/progress.json"
