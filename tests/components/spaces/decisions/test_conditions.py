"""What makes a list of decisions a search space."""

import pytest

from archsmith.spaces.decisions import Decision
from archsmith.spaces.decisions.conditions import check


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ([], "has no decisions"),
        ([Decision("a", (1,)), Decision("a", (2,))], "Two decisions have the name `a`"),
        ([Decision("a", (1,), {"b": (1,)}), Decision("b", (1,))], "`a` depends on `b`, which is not before it"),
        ([Decision("depth", (1,)), Decision("a", (1,), {"dept": (1,)})], "Did you mean 'depth'"),
        ([Decision("a", (1, 2)), Decision("b", (1,), {"a": (3,)})], "`a` = 3, which is no choice of it; valid: 1, 2"),
        ([Decision("a", (1,), if_active={"b": (1,)})], "`a` depends on `b`, which is not before it"),
        ([Decision("a", (1, 2)), Decision("b", (1,), if_active={"a": (3,)})], "`a` = 3, which is no choice of it; valid: 1, 2"),
    ],
)
def test_decisions_that_make_no_space_are_refused(decisions, message):
    with pytest.raises(ValueError, match=message):
        check(decisions)
