"""From JSON schema to structural schema, piece by piece; the whole is tested with the custom resource."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from archsmith.cluster.rules import Rule
from archsmith.cluster.structural import structural


class Inner(BaseModel):
    """A section."""

    rate: float = Field(gt=0, lt=1)


class Outer(BaseModel):
    """A section with all that is hard to say."""

    inner: Inner | None = None
    workers: int | Literal["auto"] = "auto"
    labels: dict[str, str] = {}
    kind: Literal["a"] = "a"
    limit: int | None = Field(None, ge=1)


class Endless(BaseModel):
    """It holds itself."""

    more: list["Endless"] = []


class Either(BaseModel):
    """A number or a list of numbers."""

    both: int | list[int]


def converted(model: type[BaseModel], **rules: tuple[Rule, ...]) -> dict[str, Any]:
    whole = model.model_json_schema()
    return structural(whole, whole, rules)


def test_null_is_a_key_that_is_left_out() -> None:
    limit = converted(Outer)["properties"]["limit"]
    assert limit == {"type": "integer", "minimum": 1}


def test_a_reference_is_replaced_by_what_it_means() -> None:
    inner = converted(Outer)["properties"]["inner"]
    assert inner["type"] == "object"
    assert inner["required"] == ["rate"]


def test_an_exclusive_bound_is_a_bound_and_a_flag() -> None:
    rate = converted(Inner)["properties"]["rate"]
    assert rate == {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1, "exclusiveMaximum": True}


def test_a_number_or_a_word_is_an_int_or_string() -> None:
    workers = converted(Outer)["properties"]["workers"]
    assert workers == {"x-kubernetes-int-or-string": True, "pattern": "^(auto)$", "default": "auto"}


def test_a_mapping_stays_one_and_an_object_keeps_its_unknown_keys() -> None:
    made = converted(Outer)
    assert made["properties"]["labels"]["additionalProperties"] == {"type": "string"}
    assert "x-kubernetes-preserve-unknown-fields" not in made["properties"]["labels"]
    assert made["x-kubernetes-preserve-unknown-fields"]


def test_a_constant_is_the_only_choice() -> None:
    assert converted(Outer)["properties"]["kind"]["enum"] == ["a"]


def test_the_rules_of_a_model_go_where_it_is_used() -> None:
    made = converted(Outer, Inner=(Rule("self.rate < 1", "'no'", "rate"),))
    assert "x-kubernetes-validations" not in made
    assert made["properties"]["inner"]["x-kubernetes-validations"] == [
        {"rule": "self.rate < 1", "messageExpression": "'no'", "fieldPath": ".rate"}
    ]


def test_a_model_that_holds_itself_is_an_error() -> None:
    with pytest.raises(ValueError, match="Endless holds itself"):
        converted(Endless)


def test_another_union_is_an_error() -> None:
    with pytest.raises(ValueError, match="can't say the union"):
        converted(Either)


def test_a_rule_of_the_policy_is_about_the_object_at_its_path() -> None:
    assert Rule("self.a < selfish(self.b)", "string(self.a)", "a").at("spec.x") == {
        "expression": "object.spec.x.a < selfish(object.spec.x.b)",
        "messageExpression": "'spec.x.a: ' + string(object.spec.x.a)",
    }
