import json

from archsmith.data_facts import DataFacts, LeftOut

FACTS = DataFacts(
    (3, 16, 20), ("cat", "dog"), {"train": (4, 5), "test": (2, 1)}, ("train", "test"), (LeftOut("train/cat", "text", 2),), "ab12"
)


def test_facts_go_to_json_and_back_unchanged() -> None:
    assert DataFacts.from_dict(json.loads(json.dumps(FACTS.to_dict()))) == FACTS


def test_a_split_has_the_images_of_all_its_classes_and_one_that_is_not_there_has_none() -> None:
    assert FACTS.n("train") == 9
    assert FACTS.n("validation") == 0
