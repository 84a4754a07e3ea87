"""Tables that are recorded row by row: what is there is not measured again, and a line that was cut off counts for nothing."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path


def ids(out: Path) -> set[str]:
    """Return the ids of the rows that are there; a last line that was cut off is removed."""
    if not out.exists():
        return set()
    lines = out.read_text().splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        out.write_text("".join(lines[:-1]))
    with out.open(newline="") as file:
        return {line["id"] for line in csv.DictReader(file)}


def append(out: Path, columns: Sequence[str], values: Mapping[str, object]) -> None:
    """Add a row, after the names of the columns where there is no file yet."""
    new = not out.exists()
    with out.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(values)
