"""What is said of classes, against scikit-learn."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, recall_score

from archsmith.report import ReportData
from archsmith.report.classes import matrix, mistakes, rows
from archsmith.values.data_facts import DataFacts

Make = Callable[..., ReportData]
Tested = tuple[ReportData, np.ndarray, np.ndarray]
NAMES = ("cat", "dog", "owl", "<b>")


@pytest.fixture(name="tested")
def _tested(search: Make) -> Tested:
    """Make a search whose winner was tested, with the true classes and those that it predicted."""
    rng = np.random.default_rng(1)
    true = rng.integers(0, 4, 300)
    predicted = np.where(rng.random(300) < 0.7, true, rng.integers(0, 4, 300))
    data = search(3, classes=NAMES)
    assert data.model is not None
    model = replace(data.model, confusion=tuple(map(tuple, confusion_matrix(true, predicted).tolist())))
    facts = DataFacts((1, 8, 8), NAMES, {"train": (5, 6, 7, 8000), "test": tuple(np.bincount(true).tolist())}, ("train", "test"))
    return replace(data, model=model, images=facts), true, predicted


def test_the_accuracy_of_a_class_is_its_recall_and_the_worst_comes_first(
    tested: tuple[ReportData, np.ndarray, np.ndarray],
) -> None:
    data, true, predicted = tested
    recall = dict(zip(NAMES, recall_score(true, predicted, average=None), strict=True))
    found = rows(data)
    assert {row.name: row.accuracy for row in found} == pytest.approx(recall)
    assert [row.name for row in found] == sorted(recall, key=recall.__getitem__)
    assert {row.name: row.images for row in found}["<b>"] == ("8,000", str((true == 3).sum()))


def test_what_a_class_is_most_often_taken_for_is_never_itself(tested: Tested) -> None:
    data, true, predicted = tested
    for row in rows(data):
        wrong = np.bincount(predicted[(true == NAMES.index(row.name)) & (predicted != true)], minlength=4)
        assert row.taken_for == f"{NAMES[wrong.argmax()]} ({wrong.max()})"


def test_the_matrix_and_the_mistakes_have_every_test_image(tested: Tested) -> None:
    data, true, predicted = tested
    assert [[cell.n for cell in cells] for _, cells in matrix(data)] == confusion_matrix(true, predicted).tolist()
    assert all(sum(cell.share for cell in cells) == pytest.approx(1) for _, cells in matrix(data))
    found = mistakes(data)
    assert sum(m.n for m in found) == (true != predicted).sum()
    assert [m.n for m in found] == sorted((m.n for m in found), reverse=True)


def test_classes_without_a_test_have_their_numbers_of_images_in_the_order_of_the_classes(search: Make) -> None:
    facts = DataFacts((1, 8, 8), NAMES, {"train": (1, 2, 3, 4)})
    found = rows(search(2, trained=False, images=facts))
    assert [(row.name, row.images, row.taken_for) for row in found] == [(n, (str(k),), "") for k, n in enumerate(NAMES, start=1)]


def test_a_class_that_is_always_known_is_taken_for_nothing(search: Make) -> None:
    data = search(3, classes=("a", "b"))
    assert data.model is not None
    found = rows(replace(data, model=replace(data.model, confusion=((5, 0), (0, 7)))))
    assert [(row.accuracy, row.taken_for) for row in found] == [(1.0, ""), (1.0, "")]
    assert mistakes(replace(data, model=replace(data.model, confusion=((5, 0), (0, 7))))) == []
