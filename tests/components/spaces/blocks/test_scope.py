"""What is known at a place in a network, against all assignments of the decisions."""

from collections.abc import Mapping

import pytest

from archsmith.spaces.blocks.scope import Scope
from archsmith.spaces.decisions import Decision
from archsmith.testing.spaces import PlainSpace
from archsmith.values import Choice

DECISIONS = (
    Decision("a", (1, 2, 3)),
    Decision("b", ("x", "y"), {"a": (1, 2)}),
    Decision("c", (True, False), {"b": ("y",)}),
    Decision("d", (0, 1), {"a": (2, 3), "c": (True,)}),
    Decision("e", (7, 8)),
)

CONDITIONS: list[Mapping[str, tuple[Choice, ...]]] = [
    {},
    {"a": (1,)},
    {"a": (1, 2)},
    {"b": ("y",)},
    {"c": (True, False)},
    {"c": (True,)},
    {"d": (0,)},
    {"a": (1, 2), "d": (0, 1)},
    {"e": (7,), "b": ("x",)},
    {"a": (3,), "b": ("x",)},
    {"b": ("x",), "c": (True,)},
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_a_scope_knows_what_a_list_of_all_architectures_says(condition: Mapping[str, tuple[Choice, ...]]) -> None:
    space = PlainSpace("plain", DECISIONS)
    every = [space.assignment(a) for a in space.enumerate()]
    here = [chosen for chosen in every if all(chosen.get(name) in allowed for name, allowed in condition.items())]
    scope = Scope({d.name: d for d in DECISIONS}).narrowed(condition)
    assert scope.is_empty() == (not here)
    if here:
        for decision in DECISIONS:
            assert scope.is_active(decision.name) == all(decision.name in chosen for chosen in here)
            if scope.is_active(decision.name):
                assert set(scope.choices(decision.name)) == {chosen[decision.name] for chosen in here}
