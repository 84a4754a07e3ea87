"""Labels in arrays: whole numbers from 0, or the names of the classes themselves."""

from collections.abc import Mapping, Sequence

import numpy as np

from archsmith.errors import DataError

Arrays = Mapping[str, np.ndarray]


def read_labels(arrays: Arrays, classes: np.ndarray | None, shown: str) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Return the names of the classes, and the labels as their positions.

    Args:
        arrays: Labels, (N,) or (N, 1), by the name of the array: whole numbers of any type, or texts. Taken together, numbers
            begin at 0 and leave none out, where the classes have no names.
        classes: Names of the classes, (n_classes,); they are the labels themselves, sorted, where it is None.
        shown: The file, as errors name it.

    Returns:
        The names, and int64 arrays of shape (N,).

    Raises:
        DataError: They are something else; the message says how to make labels of them.
    """
    names = None if classes is None else _names(classes, shown)
    flat = {name: _flat(name, y, shown) for name, y in arrays.items()}
    kinds = {"text" if y.dtype.kind == "U" else "numbers" for y in flat.values() if y.size}
    if len(kinds) > 1:
        raise DataError(
            f"Of the labels in {shown}, some arrays are text and others numbers; make all of them the one or the other."
        )
    if kinds == {"text"}:
        return _of_texts(flat, names, shown)
    return _of_numbers(flat, names, shown)


def _flat(name: str, y: np.ndarray, shown: str) -> np.ndarray:
    """Return labels as (N,), of text or of whole numbers."""
    what = f"The array `{name}` of {shown}"
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        one_hot = y.ndim == 2 and y.dtype.kind in "iufb" and bool((np.isin(y, (0, 1)).all(1) & (y.sum(1) == 1)).all())
        hint = "these are one-hot: y.argmax(1) makes labels of them" if one_hot else "one label an image"
        raise DataError(f"{what} is {y.dtype} of shape {y.shape}, but must be (N,): {hint}.")
    if y.dtype.kind in "SU":
        return _decoded(y, what)
    if y.dtype.kind == "b":
        return y.astype(np.int64)
    if y.dtype.kind == "f":
        if not np.isfinite(y).all() or (y != np.round(y)).any():
            odd = y[~np.isfinite(y) | (y != np.round(y))][0]
            raise DataError(f"{what} holds {odd:g}, but labels are whole numbers from 0, or the names of the classes.")
        return y if (np.abs(y) > 2**53).any() else y.astype(np.int64)
    if y.dtype.kind in "iu":
        return y
    raise DataError(f"{what} is {y.dtype}, but labels are whole numbers from 0, or the names of the classes.")


def _of_texts(flat: Arrays, names: Sequence[str] | None, shown: str) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    found = sorted({str(text) for y in flat.values() for text in np.unique(y)})
    if "" in found:
        raise DataError(f"Some labels in {shown} are empty texts; remove these images, or name their class.")
    if names is None:
        names = found
    elif strange := [text for text in found if text not in set(names)]:
        raise DataError(f"The labels in {shown} hold {_row(strange)}, but `classes` names only {_row(names)}.")
    numbers = {name: k for k, name in enumerate(names)}
    return tuple(names), {key: np.array([numbers[str(text)] for text in y], np.int64) for key, y in flat.items()}


def _of_numbers(flat: Arrays, names: Sequence[str] | None, shown: str) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    found = sorted({int(number) for y in flat.values() for number in np.unique(y)})
    n = len(found) if names is None else len(names)
    if found and (found[0] < 0 or found[-1] >= n):
        raise DataError(_misnumbered(found, n, shown, named=names is not None))
    return tuple(names or map(str, range(n))), {key: y.astype(np.int64) for key, y in flat.items()}


def _misnumbered(found: list[int], n: int, shown: str, *, named: bool) -> str:
    """Say what is wrong with numbers that are not 0 to n - 1."""
    why = f"there are {n} names in `classes`" if named else f"these are {n} different ones"
    if len(found) == 1 and not named:
        return f"All labels in {shown} are {found[0]}, but there must be at least 2 classes to tell apart."
    told = f"The labels in {shown} are {_row(found)}, but must be from 0 to {n - 1}: {why}."
    if found[0] == 1 and found[-1] == n:
        return f"{told} They start at 1; subtract 1, as in y - 1."
    if named:
        return f"{told} Name every class, in the order of the labels."
    return f"{told} Number all labels with np.unique(y, return_inverse=True)[1], or store the names of the classes as labels."


def _names(classes: np.ndarray, shown: str) -> tuple[str, ...]:
    what = f"The array `classes` of {shown}"
    if classes.ndim != 1 or classes.dtype.kind not in "SUiu":
        raise DataError(f"{what} is {classes.dtype} of shape {classes.shape}, but must be (n_classes,), names as text.")
    names = tuple(map(str, (_decoded(classes, what) if classes.dtype.kind in "SU" else classes).tolist()))
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{what} holds {_row(twice)} more than once; each class needs a name of its own.")
    if "" in names:
        raise DataError(f"{what} holds an empty name; each class needs one.")
    return names


def _decoded(texts: np.ndarray, what: str) -> np.ndarray:
    if texts.dtype.kind == "U":
        return texts
    try:
        return np.char.decode(texts, "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{what} holds {error.object!r}, which is not UTF-8 text.") from error


def _row(values: Sequence[object], most: int = 8) -> str:
    told = [repr(value) for value in values]
    if len(told) > most:
        told = [*told[: most - 1], f"{len(told) - most} more", told[-1]]
    *first, last = told
    return f"{', '.join(first)} and {last}" if first else last
