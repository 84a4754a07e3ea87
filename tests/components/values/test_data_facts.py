import json
from dataclasses import replace

import pytest

from archsmith.values.data_facts import DataFacts, LeftOut
from archsmith.values.findings import Finding

FACTS = DataFacts(
    (3, 16, 20), ("cat", "dog"), {"train": (4, 5), "validation": (1, 1000), "test": (2, 1)}, ("train", "test"),
    (LeftOut("train/cat", "no image", 2), LeftOut("notes", "no split", 1)), "ab12", ("The test images are few.",),
    (Finding("blank", "2 images show nothing.", 2, ("a.png", "b.png")),),
)  # fmt: skip


def test_facts_go_to_json_and_back_unchanged() -> None:
    assert DataFacts.from_dict(json.loads(json.dumps(FACTS.to_dict()))) == FACTS


def test_a_split_has_the_images_of_all_its_classes_and_one_that_is_not_there_has_none() -> None:
    assert FACTS.n("train") == 9
    assert FACTS.n("other") == 0


def test_people_are_told_of_images_splits_classes_and_of_what_was_left_out() -> None:
    assert FACTS.summary() == [
        "1,013 coloured images of 20 x 16 pixels, 2 classes: train 9, validation 1,001 (split off), test 3",
        "train/validation/test of the classes: cat 4/1/2, dog 5/1,000/1",
        "files left out: 2 in train/cat (no image), 1 in notes (no split)",
    ]


def test_warnings_and_findings_are_told_after_what_there_is() -> None:
    assert FACTS.told() == [*FACTS.summary(), "warning: The test images are few.", "warning: 2 images show nothing."]


def test_classes_of_equal_numbers_are_told_of_at_once_and_of_many_the_first() -> None:
    even = replace(FACTS, counts={"train": (4, 4), "test": (2, 2)}, left_out=())
    assert even.summary()[1:] == ["train/test of each class: 4/2"]
    many = DataFacts((1, 8, 8), tuple("abcd"), {"train": (1, 2, 3, 4)}, left_out=FACTS.left_out)
    assert many.summary(most=1)[1:] == [
        "train of the classes: a 1, and 3 more", "files left out: 2 in train/cat (no image), and 1 more"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "what"),
    [((1, 8, 9), "grey images of 9 x 8 pixels,"), ((4, 8, 9), "images of 4 channels of 9 x 8 pixels,")],
)
def test_images_are_called_grey_or_coloured_where_they_are(shape: tuple[int, int, int], what: str) -> None:
    assert what in replace(FACTS, input_shape=shape).summary()[0]


def test_of_a_search_without_images_there_is_nothing_to_tell() -> None:
    assert DataFacts((1, 8, 8), ("0", "1"), {}).summary() == []


def test_facts_that_an_older_version_wrote_are_read() -> None:
    raw = FACTS.to_dict()
    for key in ("counts", "own", "left_out", "digest", "warnings", "findings"):
        del raw[key]
    assert DataFacts.from_dict(raw) == DataFacts((3, 16, 20), ("cat", "dog"), {})
