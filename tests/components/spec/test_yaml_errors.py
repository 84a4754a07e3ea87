"""The words of single mistakes; whole search files are in test_search.py."""

from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from archsmith.spec import Config
from archsmith.spec.yaml_document import read_yaml
from archsmith.spec.yaml_errors import describe, dotted


class Inner(Config):
    """Something inside."""

    alpha: int = 0
    beta: float = 0.0


class Outer(Config):
    """Something with something inside."""

    inner: Inner = Inner()
    items: tuple[Inner, ...] = ()
    many: Annotated[tuple[int, ...], Field(min_length=2)] = (1, 2)
    names: dict[str, str] = Field(default_factory=dict)
    word: Annotated[str, Field(min_length=3)] = "one"
    several: Annotated[tuple[Inner, ...], Field(min_length=1, max_length=2)] = (Inner(),)


class Empty(Config):
    """Nothing to set."""


def said(text: str) -> list[str]:
    document = read_yaml(text, "f")
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(document.value)
    return describe(document, [(Outer, (), caught.value)]).splitlines()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), "(top)"),
        (("spec",), "spec"),
        (("spec", "objectives", 1, "goal"), "spec.objectives[1].goal"),
        (("a", 0, 1), "a[0][1]"),
    ],
)
def test_a_path_is_written_as_people_do(path: tuple[str | int, ...], text: str) -> None:
    assert dotted(path) == text


def test_the_valid_keys_are_those_of_the_place() -> None:
    assert said("inner: {alpa: 1}\n") == ["f:1: inner.alpa: unknown key; valid here: alpha, beta. Did you mean `alpha`?"]
    assert said("items:\n- {}\n- {bet: 1}\n") == ["f:3: items[1].bet: unknown key; valid here: alpha, beta. Did you mean `beta`?"]
    assert said("zzz: 1\n") == ["f:1: zzz: unknown key; valid here: inner, items, many, names, several, word."]


def test_a_key_may_be_called_like_a_type() -> None:
    assert said("int: 1\n") == ["f:1: int: unknown key; valid here: inner, items, many, names, several, word."]
    assert said("names: {str: 1}\n") == ["f:1: names.str: got 1, but must be text."]


def test_an_error_without_words_of_ours_has_those_of_pydantic() -> None:
    (line,) = said("word: no\n")
    assert line == "f:1: word: got 'no'; String should have at least 3 characters."


def test_a_list_of_the_wrong_length_is_told_the_right_one() -> None:
    assert said("many: []\n") == ["f:1: many: got an empty list, but must be a list of 2 or more."]
    assert said("several: [{}, {}, {}]\n") == ["f:1: several: got a list, but must be a list of 2 or fewer."]


def test_a_list_is_not_called_too_short_because_of_wrong_items() -> None:
    assert said("several: [{alpha: x}]\n") == ["f:1: several[0].alpha: got 'x', but must be a whole number."]


def test_where_there_is_nothing_to_set_no_keys_are_listed() -> None:
    document = read_yaml("a: 1\n", "f")
    with pytest.raises(ValidationError) as caught:
        Empty.model_validate(document.value)
    assert describe(document, [(Empty, (), caught.value)]) == "f:1: a: unknown key; there is nothing to set here."


def test_a_long_text_is_cut() -> None:
    (line,) = said(f"inner: {{alpha: {'x' * 100}}}\n")
    assert line == f"f:1: inner.alpha: got '{'x' * 56}..., but must be a whole number."


def test_the_same_mistake_is_said_once_and_mistakes_come_in_the_order_of_the_file() -> None:
    document = read_yaml("b: 1\na: 2\n", "f")
    mistakes = [(Outer, ("a",), "second"), (Outer, ("b",), "first."), (Outer, ("a",), "second")]
    assert describe(document, mistakes).splitlines() == ["f:1: b: first.", "f:2: a: second."]
