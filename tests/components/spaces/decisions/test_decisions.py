"""A single decision."""

import pytest

from archsmith.spaces.decisions import Decision, are_numbers


def test_a_decision_without_choices_is_refused():
    with pytest.raises(ValueError, match="`a` has no choices"):
        Decision("a", ())


def test_a_decision_with_equal_choices_is_refused_even_if_their_types_differ():
    with pytest.raises(ValueError, match="same choice twice"):
        Decision("a", (1, True))


def test_a_choice_is_told_from_an_equal_one_of_another_type():
    assert Decision("a", (1, 2)).choice(1) == 1
    for other in (1.0, True):
        with pytest.raises(ValueError, match="must be one of: 1, 2"):
            Decision("a", (1, 2)).choice(other)


def test_a_condition_is_said_in_words():
    assert Decision("a", (1,), {"op": ("conv", "pool"), "on": (True,)}).condition == "`op` is conv or pool and `on` is True"
    both = Decision("a", (1,), {"on": (True,)}, if_active={"x": (1, 2), "y": (1, 2), "z": ()})
    assert both.condition == "`on` is True and `x` or `y` is 1 or 2, if active, and `z` is not active"


@pytest.mark.parametrize(
    ("chosen", "active"),
    [({}, False), ({"on": True}, True), ({"on": True, "at": 1}, True), ({"on": True, "at": 3}, False), ({"at": 1}, False)],
)
def test_a_decision_is_active_where_what_it_needs_is_there_and_what_else_is_active_allows_it(chosen, active):
    assert Decision("a", (1,), {"on": (True,)}, if_active={"at": (1, 2)}).is_active(chosen) == active


@pytest.mark.parametrize(
    ("choices", "ranks"),
    [
        ((8, 2, 4), (2, 0, 1)),
        ((0.1, 1.0, 1e-3), (1, 2, 0)),
        ((3, 2.5), (1, 0)),
        (("small", "large", "huge"), (0, 1, 2)),
        ((True, False), (0, 1)),
    ],
)
def test_numbers_are_in_the_order_of_their_values_and_anything_else_in_that_given(choices, ranks):
    assert Decision("a", choices, ordered=True).ranks == ranks


@pytest.mark.parametrize(("choices", "expected"), [((1, 2.5), True), ((1, True), False), ((1, "2"), False)])
def test_what_is_true_or_false_is_no_number(choices, expected):
    assert are_numbers(choices) == expected
