"""What was found in a search's images that people should know: a kind, a sentence, and what was done about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

KINDS: Mapping[str, str] = {
    "leakage": "the same images in training and in validation or test",
    "contradiction": "the same image under different labels",
    "duplicates": "copies within a split",
    "near": "images that look almost the same",
    "alike": "most images are one and the same",
    "constant": "a class whose images are all alike",
    "blank": "images of a single colour",
    "unreadable": "files that were left out",
    "empty": "a class without images",
    "single": "a class with one image",
    "few": "too few images",
    "uneven": "classes of very different sizes",
    "sizes": "pictures of different sizes or shapes",
    "grey": "grey images stored in colour",
}
"""What may be found, by the kind that programs go by; a newer version may write others."""

FEW = 50
"""Images of a split that are few: accuracy moves in steps of two points and more."""
FEW_OF_CLASS = 10
"""Training images of a class that are few: most of what it looks like is not among them."""
UNEVEN = 10
"""Times that the largest class is as large as the smallest one, from which on it is told."""
MOST_NAMED = 3
"""Examples that a sentence names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    kind: str
    """What it is, one of `KINDS`."""
    text: str
    """What was found and what was done, in plain words; one or two sentences."""
    n: int = 1
    """How many images, files or classes it is about, as the text says; at least 1."""
    examples: tuple[str, ...] = ()
    """Some of them: files relative to the folder of the data, or arrays with positions: `x_train[17]`."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"kind": self.kind, "text": self.text, "n": self.n, "examples": list(self.examples)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(str(raw["kind"]), str(raw["text"]), int(raw.get("n", 1)), tuple(map(str, raw.get("examples", ()))))


def of_counts(classes: Sequence[str], counts: Mapping[str, Sequence[int]]) -> Iterator[Finding]:
    """Yield what follows from how many images there are.

    Args:
        classes: Names of the classes.
        counts: Images of each class, by split.
    """
    for split, each in counts.items():
        if lacking := _where(classes, each, range(1)):
            yield Finding("empty", f"There is no {split} image of {row(lacking, 5)}.", len(lacking), lacking[:5])
        if split != "train" and 0 < (n := sum(each)) < FEW:
            step = f"{100 / n:.2g}" if n > 1 else "100"
            text = f"There are {n} {split} images only, so that accuracy on them moves in steps of {step} %."
            yield Finding("few", text, n)
    yield from _of_training(classes, counts.get("train", ()))


def _of_training(classes: Sequence[str], counts: Sequence[int]) -> Iterator[Finding]:
    if single := _where(classes, counts, range(1, 2)):
        each = "has a single training image" if len(single) == 1 else "have a single training image each"
        text = f"{row(single, 5)} {each}, which hardly says what others of the class look like."
        yield Finding("single", text, len(single), single[:5])
    if few := _where(classes, counts, range(2, FEW_OF_CLASS)):
        yield Finding("few", f"There are fewer than {FEW_OF_CLASS} training images of {row(few, 5)}.", len(few), few[:5])
    held = [n for n in counts if n]
    if held and max(held) >= UNEVEN * min(held):
        text = (
            f"The classes are uneven, from {min(held):,} to {max(held):,} training images; a network that never names the "
            "small ones looks accurate."
        )
        yield Finding("uneven", text, len(held))


def row(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Write names in a row, the first few of them: `'a', 'b' and 7 more`."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def _where(classes: Sequence[str], counts: Sequence[int], numbers: range) -> tuple[str, ...]:
    return tuple(name for name, n in zip(classes, counts, strict=False) if n in numbers)
