"""Which files of a folder of images belong to which split and class."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from archsmith.errors import DataError
from archsmith.evaluation.data.image_file import readable_suffixes
from archsmith.evaluation.data.tree import File, Parts, Tree, show
from archsmith.values.data_facts import SPLITS, LeftOut

SPLIT_NAME = re.compile(
    r"((?P<train>train(ing)?)|(?P<validation>val(id|idation)?|dev)|(?P<test>test(ing)?))"
    r"([-_. ]?(set|data|split|images))?([-_. ]?[0-9]{1,4})?",
    re.IGNORECASE,
)
"""What the folders of splits are called; some have a part or a year behind it, as in test1 and val2017."""

FOREIGN = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "__pycache__"})
"""What archives, systems and tools call folders that they leave behind, in lower case."""

EXPECTED = (
    "Expected is a folder a class, as in cat/1.png and dog/1.png, or a folder a split, train and perhaps "
    "validation (val, valid) and test, each with a folder a class in it, as in train/cat/1.png."
)

LOOSE = "in no class's folder"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A file in a folder of a class."""

    file: File
    """The file."""
    split: str
    """`train`, `validation` or `test`."""
    label: int
    """The position of its class."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a folder, each in its split and class; whether they are images isn't known yet."""

    classes: tuple[str, ...]
    """Names of the classes, sorted."""
    splits: Mapping[str, str]
    """The folder of each split; that of the only split is empty where there are no folders of splits."""
    files: tuple[Labelled, ...]
    """Split by split, in each class by class."""
    left_out: tuple[LeftOut, ...]
    """Files in no folder of a class."""
    warnings: tuple[str, ...]
    """What people should know of it, a sentence each."""

    def where(self, split: str, label: int) -> str:
        """Return the folder of a class, relative to that of the data."""
        return "/".join(filter(None, (self.splits[split], self.classes[label])))


def find_layout(tree: Tree) -> Layout:
    """Tell splits and classes of a folder.

    Raises:
        DataError: They can't be told, or the name of a class is no text.
    """
    top = sorted({parts[0] for parts in tree.folders if not _is_foreign(parts[0])})
    splits = _splits(tree, top)
    depth = 1 if "" in splits.values() else 2
    found = {file.parts: _place(file.parts, {folder: split for split, folder in splits.items()}) for file in tree.files}
    folders = [p for p in tree.folders if len(p) == depth and (depth == 1 or p[0] in splits.values()) and not _is_foreign(p[-1])]
    classes = tuple(sorted({_text(parts, tree) for parts in folders}))
    _check_depth(tree, splits)
    numbers = {name: k for k, name in enumerate(classes)}
    labelled = [
        Labelled(file, split, numbers[_normal(name)])
        for file in tree.files
        for kind, split, name in [found[file.parts]]
        if kind == "image"
    ]
    labelled.sort(key=lambda each: (SPLITS.index(each.split), each.label))  # stable: in a class, files keep their order
    lost = Counter((where, why) for kind, where, why in map(found.__getitem__, (f.parts for f in tree.files)) if kind == "lost")
    left = tuple(LeftOut(where, why, n) for (where, why), n in sorted(lost.items()))
    return Layout(classes, splits, tuple(labelled), left, tuple(_warnings(tree, splits, folders)))


def _splits(tree: Tree, top: list[str]) -> Mapping[str, str]:
    """Return the folder of each split; where they aren't folders of splits, the whole is the training split."""
    named = [(split, name) for name in top if (split := split_named(name))]
    kinds = {split for split, _ in named}
    within = {parts[0] for parts in tree.folders if len(parts) > 1}  # that hold folders
    loose = {file.parts[0] for file in tree.files if len(file.parts) == 2 and _is_called_image(file)}
    if "train" in kinds:
        others = len(top) > len(named) == 1
        if kinds == {"train"} and others and (named[0][1] in loose or named[0][1] not in within):
            return {"train": ""}  # a class that is called train, among others
    elif len(kinds) < 2 or len(named) < len(top):
        return {"train": ""}  # a class that is called test, among others
    else:
        raise DataError(f"{tree.root} holds {_row(top)}, but no folder called train. {EXPECTED}")
    if len(named) > len(kinds):
        raise DataError(f"{tree.root} holds {_row(name for _, name in named)}, of which two mean the same split; keep one.")
    for _, name in sorted(named, key=lambda each: SPLITS.index(each[0])):
        if name not in within:
            what = "holds files, but no folders" if any(file.parts[0] == name for file in tree.files) else "holds nothing"
            raise DataError(
                f"{tree.root}/{show(name)} {what}. {EXPECTED} A split without labels can't be used; move it elsewhere."
            )
    return dict(sorted(named, key=lambda each: SPLITS.index(each[0])))


def split_named(name: str) -> str | None:
    """Return the split that a folder of this name holds; None where it is no name of a split."""
    found = SPLIT_NAME.fullmatch(name)
    return next((split for split in SPLITS if found[split]), None) if found else None


def _place(parts: Parts, splits: Mapping[str, str]) -> tuple[str, str, str]:
    """Return `image`, split and folder of the class; or `lost`, where it lies and why it belongs to no class."""
    if any(map(_is_foreign, parts[:-1])):
        return "lost", show(parts[0]), "left behind by a system or tool"
    folder, inner = ("", parts) if "" in splits else (parts[0], parts[1:])
    if folder not in splits:
        return ("lost", show(folder), "no split") if inner else ("lost", ".", LOOSE)
    return ("image", splits[folder], inner[0]) if len(inner) > 1 else ("lost", show(folder) or ".", LOOSE)


def _check_depth(tree: Tree, splits: Mapping[str, str]) -> None:
    """Refuse folders that hold nothing but the one that is meant, as archives are unpacked."""
    for folder in splits.values():
        place = (folder,) if folder else ()
        within = [parts for parts in tree.folders if parts[: len(place)] == place and not _is_foreign(parts[-1])]
        here = sorted({parts[len(place)] for parts in within if len(parts) == len(place) + 1})
        below = sorted({parts[-1] for parts in within if len(parts) == len(place) + 2})
        if len(here) != 1 or len(below) < 2:
            continue
        root = "/".join((tree.root, *map(show, place)))
        to = f"set `data.path` to {root}/{show(here[0])}" if not folder else "move them up, into the folder of the split"
        raise DataError(f"{root} holds the one folder {show(here[0])!r}, and that one {_row(below)}; if these are meant, {to}.")


def _warnings(tree: Tree, splits: Mapping[str, str], classes: Sequence[Parts]) -> Iterator[str]:
    top = sorted({parts[0] for parts in tree.folders})
    strange = [name for name in top if _is_foreign(name) or ("" not in splits.values() and name not in splits.values())]
    if strange:
        beside = "is no class" if "" in splits.values() else "is neither train nor validation nor test"
        each = f"{beside}, and was" if len(strange) == 1 else f"{beside.replace('is ', 'are ')}, and were"
        yield f"{_row(strange)} {each} left out."
    alike = Counter((parts[:-1], _normal(parts[-1])) for parts in classes)
    if merged := sorted({name for (_, name), n in alike.items() if n > 1}):
        yield f"There are two folders called {_row(merged)}, that write an accent differently; each such pair is one class."
    inner = {parts[-1] for parts in tree.folders if parts[:-1] in set(classes) and split_named(parts[-1])}
    if {split_named(name) for name in inner} > {"train"}:
        yield (
            f"Folders of classes hold folders called {_row(sorted(inner))}: they were read as one and split anew; for splits "
            "of your own, put the classes into folders of splits."
        )


def _text(parts: Parts, tree: Tree) -> str:
    name = parts[-1]
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"The name of the folder {tree.root}/{show('/'.join(parts))} is not UTF-8; rename it.") from error
    return _normal(name)


def _normal(name: str) -> str:
    """Return one form of a name: systems write an accent with its letter or beside it, and so do archives."""
    return unicodedata.normalize("NFC", name)


def _is_foreign(name: str) -> bool:
    return name.lower() in FOREIGN


def _is_called_image(file: File) -> bool:
    return PurePath(file.parts[-1]).suffix.lower() in readable_suffixes()


def _row(names: Iterable[str], most: int = 6) -> str:
    told = [repr(show(name)) for name in names]
    rest = [f"{len(told) - most} more"] if len(told) > most else []
    *first, last = [*told[:most], *rest]
    return f"{', '.join(first)} and {last}" if first else last
