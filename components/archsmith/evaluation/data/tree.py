"""The files of a folder and of all folders in it, wherever they lie: on this machine, or as objects in a bucket."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archsmith.errors import DataError

Parts = tuple[str, ...]
"""The names on the way from a tree's root to a file or folder, its own the last."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a tree."""

    parts: Parts
    """Its place in the tree."""
    path: Path
    """Where it lies on this machine."""
    shown: str
    """How people know it: its path, or its s3:// URI."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder with all that is in it, but what is hidden."""

    root: str
    """How people know it: a path or an s3:// URI."""
    files: tuple[File, ...]
    """Folder by folder, by name in each, as torchvision's `ImageFolder` walks."""
    folders: frozenset[Parts]
    """The folders in it, empty ones included."""

    @classmethod
    def of(cls, root: str, files: Iterable[File], folders: Iterable[Parts] = ()) -> "Tree":
        """Make a tree of files in any order; the folders that they lie in need not be named."""
        ordered = sorted(files, key=lambda file: ("/".join(file.parts[:-1]), file.parts[-1]))
        above = {file.parts[:n] for file in ordered for n in range(1, len(file.parts))}
        return cls(root, tuple(ordered), frozenset(above | {each[:n] for each in folders for n in range(1, len(each) + 1)}))


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is hidden: tools and systems keep their own things so."""
    return name.startswith(".")


def walk(root: Path) -> Tree:
    """Return the files below a folder, symbolic links followed.

    Raises:
        DataError: There is no such folder, or a part of it can't be listed.
    """
    if not root.is_dir():
        raise DataError(f"{show(root)} is no folder; set `data.path` to a folder that holds a folder of images a class.")
    files, folders = list[File](), list[Parts]()
    for place, parts, names in _walk(root):
        folders.append(parts)
        files += [File((*parts, name), place / name, show(place / name)) for name in names if not is_hidden(name)]
    return Tree.of(show(root), files, folders)


def _walk(root: Path) -> Iterator[tuple[Path, Parts, list[str]]]:
    """Yield each folder, its place in the tree, and the names of its files."""
    above: dict[Path, frozenset[Path]] = {root: frozenset()}  # a link to a folder above itself would lead round for ever
    for place, folders, names in os.walk(root, followlinks=True, onerror=_refuse):
        here = Path(place)
        real = above[here] | {here.resolve()}
        folders[:] = [name for name in folders if not is_hidden(name) and (here / name).resolve() not in real]
        above.update({here / name: real for name in folders})
        yield here, here.relative_to(root).parts, names


def _refuse(error: OSError) -> None:
    raise DataError(f"The folder {show(error.filename)} can't be listed: {error.strerror}.") from error


def show(path: str | Path) -> str:
    """Return a path as text that can be printed: a file's name may be any bytes."""
    return os.fsencode(path).decode(errors="backslashreplace")
