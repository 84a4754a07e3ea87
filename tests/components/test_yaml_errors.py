"""The words of single mistakes; whole search files are in test_search.py."""

from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from archsmith.spec import Config
from archsmith.yaml_document import read_yaml
from archsmith.yaml_errors import describe, dotted


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
    assert said("zzz: 1\n") == ["f:1: zzz: unknown key; valid here: inner, items, many, names."]


def test_a_key_may_be_called_like_a_type() -> None:
    assert said("int: 1\n") == ["f:1: int: unknown key; valid here: inner, items, many, names."]
    assert said("names: {str: 1}\n") == ["f:1: names.str: got 1, but must be text."]


def test_an_error_without_words_of_ours_has_those_of_pydantic() -> None:
    (line,) = said("many: [1]\n")
    assert line.startswith("f:1: many: got a list; Tuple should have at least 2 items")
    assert line.endswith(".")


def test_a_long_text_is_cut() -> None:
    (line,) = said(f"inner: {{alpha: {'x' * 100}}}\n")
    assert line == f"f:1: inner.alpha: got '{'x' * 56}..., but must be a whole number."


def test_the_same_mistake_is_said_once_and_mistakes_come_in_the_order_of_the_file() -> None:
    document = read_yaml("b: 1\na: 2\n", "f")
    mistakes = [(Outer, ("a",), "second"), (Outer, ("b",), "first."), (Outer, ("a",), "second")]
    assert describe(document, mistakes).splitlines() == ["f:1: b: first.", "f:2: a: second."]
