"""What the first step has found out about a search's images, for all who do not read them: later steps and people.

It is the part `data` of `space.json` in the search's folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

from archsmith.values.findings import Finding

SPLITS = ("train", "validation", "test")
"""The parts of a data set, in the order in which people are told of them."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files of a folder of images that were not read, for one reason."""

    where: str
    """The folder in which they lie, relative to that of the data: `train/cat`."""
    why: str
    """The reason, as it ends a sentence: `not an image`."""
    n: int
    """How many they are, at least 1."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"where": self.where, "why": self.why, "n": self.n}


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What networks are built for, and what they are trained, compared and tested on."""

    input_shape: tuple[int, int, int]
    """Channels, height and width."""
    classes: tuple[str, ...]
    """Names of the classes, in the order of the networks' outputs."""
    counts: Mapping[str, tuple[int, ...]]
    """Images of each class, by split; empty where there are no images, and the settings say what they would be like."""
    own: tuple[str, ...] = ("train",)
    """The splits that the source has itself; the others are parts of its training images."""
    left_out: tuple[LeftOut, ...] = ()
    """What lies beside the images and was not read."""
    digest: str = ""
    """The images and labels of all splits as a digest: equal where these are. Empty where there are no images."""
    warnings: tuple[str, ...] = ()
    """What the reader of the files has to say, a sentence each: `Of 3 files with several frames the first one was read.`"""
    findings: tuple[Finding, ...] = ()
    """What was found in the images, and what was done about it."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people should look at before they believe a result: warnings and findings, a sentence or two each."""
        return (*self.warnings, *(finding.text for finding in self.findings))

    def n(self, split: str) -> int:
        """Return the number of images of a split."""
        return sum(self.counts.get(split, ()))

    def summary(self, most: int = 12) -> list[str]:
        """Say in a few lines what there is: how many images of what, of each class, and what was left out.

        Args:
            most: Classes that are told of one by one, and places with files that were left out; of the rest only the number.

        Returns:
            Lines for people, without an end mark; none where there are no images. `remarks` are not among them.
        """
        splits = [split for split in SPLITS if split in self.counts]
        if not splits:
            return []
        parts = [f"{split} {self.n(split):,}{'' if split in self.own else ' (split off)'}" for split in splits]
        whole = sum(map(self.n, splits))
        lines = [f"{whole:,} {_kind(self.input_shape)}, {len(self.classes):,} classes: {', '.join(parts)}"]
        each = ["/".join(f"{self.counts[split][k]:,}" for split in splits) for k in range(len(self.classes))]
        if len(set(each)) == 1:
            lines.append(f"{'/'.join(splits)} of each class: {each[0]}")
        else:
            told = [f"{name} {numbers}" for name, numbers in zip(self.classes, each, strict=True)]
            lines.append(f"{'/'.join(splits)} of the classes: {_row(told, most)}")
        if self.left_out:
            told = [f"{left.n:,} in {left.where} ({left.why})" for left in self.left_out]
            lines.append(f"files left out: {_row(told, most)}")
        return lines

    def told(self) -> list[str]:
        """Return the lines of `summary`, and one for each remark."""
        return [*self.summary(), *(f"warning: {remark}" for remark in self.remarks)]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "input_shape": list(self.input_shape),
            "classes": list(self.classes),
            "counts": {split: list(counts) for split, counts in self.counts.items()},
            "own": list(self.own),
            "left_out": [left.to_dict() for left in self.left_out],
            "digest": self.digest,
            "warnings": list(self.warnings),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form; raises `ValueError` where numbers are none, or not one a class."""
        channels, height, width = raw["input_shape"]
        counts: Mapping[str, Sequence[int]] = raw.get("counts", {})
        if wrong := [split for split, each in counts.items() if len(each) != len(raw["classes"])]:
            raise ValueError(f"the numbers of {wrong[0]!r} are not those of {len(raw['classes'])} classes")
        if not all(isinstance(n, int) for n in (channels, height, width, *chain.from_iterable(counts.values()))):
            raise ValueError("a number of images or pixels is none")
        return cls(
            (channels, height, width),
            tuple(raw["classes"]),
            {split: tuple(each) for split, each in counts.items()},
            tuple(raw.get("own", ("train",))),
            tuple(LeftOut(left["where"], left["why"], left["n"]) for left in raw.get("left_out", ())),
            raw.get("digest", ""),
            tuple(raw.get("warnings", ())),
            tuple(map(Finding.from_dict, raw.get("findings", ()))),
        )


def _kind(shape: tuple[int, int, int]) -> str:
    """Say what images of a shape are."""
    channels, height, width = shape
    known = {1: "grey images", 3: "coloured images"}
    return f"{known.get(channels, f'images of {channels} channels')} of {width} x {height} pixels"


def _row(told: Sequence[str], most: int) -> str:
    return ", ".join(told[:most]) + (f", and {len(told) - most:,} more" if len(told) > most else "")
