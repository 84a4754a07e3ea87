"""Files whose trials are cross-validated."""

import pytest

from archsmith.errors import SpecError
from archsmith.search import Search, parse
from archsmith.testing.searches import TINY

FOLDED = TINY.replace("estimation: {epochs: 2}", "estimation: {epochs: 2, folds: 5}")


def read(strategy: str = "evolution, population: 4, sample: 2") -> Search:
    return parse(FOLDED.replace("evolution, population: 4, sample: 2", strategy).replace(", rounds: 3", ""))


def test_folds_are_said_and_belong_to_what_a_trial_means() -> None:
    search = read()
    assert search.explained[0].startswith("Each trial is trained 5 times, each time without another part")
    assert any("folds" in difference for difference in search.differences(parse(TINY)))


def test_a_file_without_folds_is_what_it_was() -> None:
    assert not any("times" in text for text in parse(TINY).explained)


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        (
            "hill-climbing",
            "but the strategy 'hill-climbing' lets networks begin with the weights of others, which know the images",
        ),
        ("evolution, population: 4, sample: 2, inherit: true", "lets networks begin with the weights of others"),
        ("single-path", "but the strategy 'single-path' trains weights that all architectures share"),
    ],
)
def test_where_weights_know_the_images_of_other_folds_they_are_refused(strategy: str, said: str) -> None:
    with pytest.raises(SpecError, match=said) as error:
        read(strategy)
    assert "spec.estimation.folds: the value is 5" in str(error.value)


@pytest.mark.parametrize("k", [1, 21])
def test_there_are_from_two_to_twenty_folds(k: int) -> None:
    with pytest.raises(SpecError, match=r"spec.estimation.folds: got"):
        parse(FOLDED.replace("folds: 5", f"folds: {k}"))
