"""Names are labels of DNS, and stay apart."""

import re

import pytest

from archsmith.spec.dns_names import dns_name

LABEL = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A label of DNS, RFC 1123."""


@pytest.mark.parametrize("name", ["a", "digits", "a" * 63, "a-" * 31 + "b", "x" * 44 + "-" * 10 + "y", "-".join("abc" * 20)])
@pytest.mark.parametrize("suffix", ["", "0123456789"])
@pytest.mark.parametrize("longest", [63, 52])
def test_a_name_is_a_label_of_the_length_that_is_asked_for(name: str, suffix: str, longest: int) -> None:
    made = dns_name(name, suffix, longest)
    assert LABEL.fullmatch(made)
    assert len(made) <= longest
    assert made.endswith(suffix)


def test_a_short_name_stays_as_it_is() -> None:
    assert dns_name("digits") == "digits"
    assert dns_name("digits", "ab12") == "digits-ab12"
    assert dns_name("a" * 63) == "a" * 63
    assert dns_name("a" * 58, "ab12") == "a" * 58 + "-ab12"


def test_two_long_names_stay_two() -> None:
    assert dns_name("a" * 70) != dns_name("a" * 71)
    assert dns_name("a" * 60 + "b", "x") != dns_name("a" * 60 + "c", "x")
