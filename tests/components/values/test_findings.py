import json

import pytest

from archsmith.values.findings import KINDS, Finding, of_counts, row

ABC = ("a", "b", "c")
ENOUGH = (60, 70, 80)
UNEVEN = "The classes are uneven, from {} to {} training images; a network that never names the small ones looks accurate."


def told(**counts: tuple[int, ...]) -> list[tuple[str, str, int]]:
    return [
        (each.kind, each.text, each.n)
        for each in of_counts(ABC, {"train": ENOUGH, "validation": ENOUGH, "test": ENOUGH} | counts)
    ]


def test_a_finding_goes_to_json_and_back_unchanged() -> None:
    finding = Finding("leakage", "Too much.", 3, ("a/1.png is b/2.png",))
    assert Finding.from_dict(json.loads(json.dumps(finding.to_dict()))) == finding


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, []),
        ({"validation": (60, 0, 9)}, [("empty", "There is no validation image of 'b'.", 1)]),
        ({"test": (10, 9, 6)}, [("few", "There are 25 test images only, so that accuracy on them moves in steps of 4 %.", 25)]),
        (
            {"train": (1, 12, 13)},
            [
                ("single", "'a' has a single training image, which hardly says what others of the class look like.", 1),
                ("uneven", UNEVEN.format(1, 13), 3),
            ],
        ),
        (
            {"train": (20, 1, 1)},
            [
                (
                    "single",
                    "'b', 'c' have a single training image each, which hardly says what others of the class look like.",
                    2,
                ),
                ("uneven", UNEVEN.format(1, 20), 3),
            ],
        ),
        ({"train": (2, 9, 10)}, [("few", "There are fewer than 10 training images of 'a', 'b'.", 2)]),
        ({"train": (21, 200, 30)}, []),
        ({"train": (500, 50, 51)}, [("uneven", UNEVEN.format(50, 500), 3)]),
        ({"train": (499, 50, 51)}, []),
    ],
)
def test_what_follows_from_numbers_of_images_is_told(
    counts: dict[str, tuple[int, ...]], expected: list[tuple[str, str, int]]
) -> None:
    assert told(**counts) == expected


def test_where_there_are_no_counts_there_is_nothing_to_tell() -> None:
    assert list(of_counts(ABC, {})) == []


def test_every_kind_that_counts_lead_to_is_known() -> None:
    assert {kind for kind, *_ in told(train=(1, 2, 900), test=(0, 1, 2))} == {"empty", "few", "single", "uneven"} <= set(KINDS)


def test_of_many_names_the_first_are_written() -> None:
    assert row(["a", "b"], 2) == "'a', 'b'"
    assert row(list("abcd"), 2) == "'a', 'b' and 2 more"
