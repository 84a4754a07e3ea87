import numpy as np
import pytest

from archsmith.errors import DataError
from archsmith.evaluation.data.labels import read_labels


def read(y: object, classes: object = None) -> tuple[tuple[str, ...], list[int]]:
    names, labels = read_labels({"y": np.array(y)}, None if classes is None else np.array(classes), "a.npz")
    assert labels["y"].dtype == np.int64
    return names, labels["y"].tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64, np.float32, np.float64])
def test_whole_numbers_of_any_type_are_labels(dtype: type) -> None:
    assert read(np.array([0, 2, 1]).astype(dtype)) == (("0", "1", "2"), [0, 2, 1])


def test_a_column_and_booleans_are_labels() -> None:
    assert read([[1], [0]]) == (("0", "1"), [1, 0])
    assert read([True, False]) == (("0", "1"), [1, 0])


@pytest.mark.parametrize("texts", [["dog", "cat", "dog"], [b"dog", b"cat", b"dog"], [["dog"], ["cat"], ["dog"]]])
def test_texts_name_the_classes_which_are_sorted(texts: list[object]) -> None:
    assert read(texts) == (("cat", "dog"), [1, 0, 1])


def test_texts_may_have_an_order_of_their_own() -> None:
    assert read(["dog", "cat"], ["dog", "cat"]) == (("dog", "cat"), [0, 1])


def test_the_texts_of_all_splits_are_numbered_alike() -> None:
    names, labels = read_labels({"y": np.array(["b", "c"]), "y_test": np.array(["a", "c"])}, None, "a.npz")
    assert names == ("a", "b", "c")
    assert {name: y.tolist() for name, y in labels.items()} == {"y": [1, 2], "y_test": [0, 2]}


@pytest.mark.parametrize("classes", [["cat", "dög"], [b"cat", "dög".encode()], np.array(["cat", "dög"], object).astype(str)])
def test_classes_may_be_text_or_bytes(classes: object) -> None:
    assert read([0, 1], classes)[0] == ("cat", "dög")


def test_numbers_may_name_classes() -> None:
    assert read([0, 1], [3, 8])[0] == ("3", "8")


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        ([1, 2, 3], None, "labels in a.npz are 1, 2 and 3, but must be from 0 to 2: these are 3 .*. They start at 1; subtract 1"),
        ([1, 2], ["a", "b"], "are 1 and 2, but must be from 0 to 1: there are 2 names in `classes`. They start at 1; subtract 1"),
        ([-1, 0, 1], None, "are -1, 0 and 1, but must be from 0 to 2: these are 3 different ones. Number all"),
        ([0, 100, 200], None, "are 0, 100 and 200, but must be from 0 to 2: .*, or store the names of the classes as labels"),
        ([1, 2, 5], None, "are 1, 2 and 5, but must be from 0 to 2: these are 3 different ones. Number all"),
        (range(0, 60, 2), None, "are 0, 2, 4, 6, 8, 10, 12, 22 more and 58, but must be from 0 to 29"),
        ([0, 1, 2], ["a", "b"], "are 0, 1 and 2, but must be from 0 to 1: there are 2 names in `classes`. Name every class"),
        ([0, 2**63], None, "are 0 and 9223372036854775808, but must be from 0 to 1"),
        ([0.0, 1e300], None, "are 0 and 10000"),
        ([1, 1], None, "All labels in a.npz are 1, but there must be at least 2 classes to tell apart"),
        (["cat", ""], None, "Some labels in a.npz are empty texts; remove these images, or name their class"),
        ([0.5, 1], None, "The array `y` of a.npz holds 0.5, but labels are whole numbers from 0, or the names"),
        ([np.nan, 1], None, "holds nan, but labels are whole numbers"),
        (np.eye(3), None, r"is float64 of shape \(3, 3\), but must be \(N,\): these are one-hot: y.argmax\(1\) makes"),
        (np.ones((3, 3), int), None, r"is int64 of shape \(3, 3\), but must be \(N,\): one label an image"),
        (np.array([0, 1], "datetime64[s]"), None, "is datetime64"),
        (["cat", "emu"], ["cat", "dog"], "labels in a.npz hold 'emu', but `classes` names only 'cat' and 'dog'"),
        ([b"caf\xe9"], None, r"`y` of a.npz holds b'caf\\xe9', which is not UTF-8 text"),
        ([0, 1], ["cat", "cat"], "`classes` of a.npz holds 'cat' more than once; each class needs a name of its own"),
        ([0, 1], [b"cat", b"cat"], "`classes` of a.npz holds 'cat' more than once"),
        ([0, 1], ["cat", ""], "holds an empty name"),
        ([0, 1], "cat", r"`classes` of a.npz is <U3 of shape \(\), but must be \(n_classes,\), names as text"),
        ([0, 1], [0.5, 1], r"`classes` of a.npz is float64 of shape \(2,\), but must be"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_labels_is_said_with_what_to_do(y: object, classes: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(y, classes)


def test_text_and_numbers_do_not_mix() -> None:
    with pytest.raises(DataError, match="some arrays are text and others numbers"):
        read_labels({"y": np.array([0, 1]), "y_test": np.array(["a", "b"])}, None, "a.npz")
