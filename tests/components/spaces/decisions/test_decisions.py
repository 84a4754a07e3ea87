"""A single decision."""

import pytest

from archsmith.spaces.decisions import Decision


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
