"""Which layers have the same place in two networks, by their names."""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

SAME, SAME_PLACE, FREE, SIBLING, TAKEN = range(5)
"""The same name; the same place with another operation; a name that no layer of the child claims; one that some other claims,
which differs from this one in a number alone; any other one that some other claims."""

_NUMBERED = re.compile(r"(?:^|\.)(?:[^.]*_)(\d+)(?=\.|$)")


@dataclass(frozen=True, slots=True)
class Alignment:
    """What the layers of the child are called in the parent, where a numbered one was put in or taken out."""

    beginning: str = ""
    """How the names of the numbered ones begin: `layers.layer_`; none where nothing was."""
    number: int = 0
    """That of the one that was put in, in the child, or taken out, in the parent."""
    by: int = 0
    """By how much the numbers in the child are larger than in the parent from there on: 1 or -1."""

    def is_new(self, name: str) -> bool:
        """Tell whether a module of the child is of the one that was put in."""
        return self.by > 0 and _number(name, self.beginning) == self.number

    def in_parent(self, name: str) -> str:
        """Return what a module of the child is called in the parent."""
        number = _number(name, self.beginning) if self.by else None
        if number is None or number < self.number:
            return name
        return f"{self.beginning}{number - self.by}{name[len(f'{self.beginning}{number}') :]}"


UNMOVED = Alignment()
"""That all names are as they were."""


def _number(name: str, beginning: str) -> int | None:
    """Return the number that follows the beginning of a name, up to its next part; None where there is none."""
    found, _, _ = name.removeprefix(beginning).partition(".")
    return int(found) if name.startswith(beginning) and found.isdecimal() else None


def alignments(old: Iterable[str], new: Iterable[str]) -> Iterator[Alignment]:
    """Yield the ways in which names may have moved, where a family of numbered ones has one more or one less.

    Args:
        old: The names of all modules of the parent.
        new: Those of the child.
    """
    before, after = _families(old), _families(new)
    for beginning, numbers in after.items():
        by = len(numbers) - len(before.get(beginning, ()))
        if abs(by) == 1 and beginning in before:
            yield from (Alignment(beginning, number, by) for number in sorted(numbers if by > 0 else before[beginning]))


def _families(names: Iterable[str]) -> dict[str, set[int]]:
    """Return the numbers after each beginning of a name."""
    found: dict[str, set[int]] = {}
    for name in names:
        for match in _NUMBERED.finditer(name):
            found.setdefault(name[: match.start(1)], set()).add(int(match[1]))
    return found


def nearness(old: str, new: str, old_names: Container[str], claimed: Callable[[str], bool]) -> int:
    """Return how near a layer of the parent is to one of the child, the smaller the nearer.

    Args:
        old: The name of the parent's layer.
        new: What the child's layer is called in the parent.
        old_names: All names in the parent.
        claimed: Tells of a layer of the parent whether one of that name in the child needs it, or may do so yet.
    """
    if old == new:
        return SAME
    differing = _differing(old, new) if new not in old_names else ()
    if claimed(old):
        return SIBLING if differing and _differ_in_number(*differing) else TAKEN
    return SAME_PLACE if differing and not _differ_in_number(*differing) else FREE


def claims(old: Iterable[str], new: Mapping[str, str]) -> dict[str, str]:
    """Return which layer of the child needs a layer of the parent: that of its name, or in its place with another operation.

    Args:
        old: The names of the parent's layers.
        new: The names of the child's layers, by what they are called in the parent.
    """
    found = {name: new[name] for name in old if name in new}
    gone, come = [name for name in old if name not in new], [name for name in new if name not in found]
    for name in gone:
        places = (there for there in come if (parts := _differing(name, there)) and not _differ_in_number(*parts))
        if (place := next(places, None)) is not None:
            found[name] = new[place]
    return found


def _differ_in_number(a: str, b: str) -> bool:
    """Tell whether two parts of names are those of a numbered family, as `edge_1` and `edge_2` are."""
    return a.rstrip("0123456789") == b.rstrip("0123456789")


def _differing(old: str, new: str) -> tuple[str, ...]:
    """Return the single part in which two names differ, of each; nothing where they differ in more."""
    a, b = old.split("."), new.split(".")
    found = [pair for pair in zip(a, b, strict=False) if pair[0] != pair[1]]
    return found[0] if len(a) == len(b) and len(found) == 1 else ()
