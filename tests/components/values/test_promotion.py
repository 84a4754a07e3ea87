"""Two models on the same images, against numpy and a bootstrap by brute force."""

import json
import math

import numpy as np
import pytest

from archsmith.values.promotion import Judgement, Paired, judge


def drawn(seed: int, n: int, old: float, gain: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw which images two models know: the old one so many, the new one others too, with the same mistakes in half of them."""
    rng = np.random.default_rng(seed)
    hard = rng.random(n)
    return (hard + 0.3 * rng.normal(size=n) < old + gain), (hard + 0.3 * rng.normal(size=n) < old)


@pytest.mark.parametrize("seed", range(5))
def test_difference_and_error_are_those_of_a_mean_of_paired_values_and_of_a_bootstrap(seed: int) -> None:
    new, old = drawn(seed, 400, 0.7, 0.05)
    paired, values = Paired.of(new.tolist(), old.tolist()), new.astype(float) - old
    assert (paired.n, paired.new, paired.old) == (400, new.sum(), old.sum())
    assert (paired.gained, paired.lost) == ((new & ~old).sum(), (old & ~new).sum())
    assert math.isclose(paired.difference, values.mean(), abs_tol=1e-12)
    assert math.isclose(paired.error, values.std(ddof=1) / 20)
    again = np.random.default_rng(seed).choice(values, size=(4000, 400)).mean(axis=1)
    assert again.std() == pytest.approx(paired.error, rel=0.05)


def test_equal_models_take_the_alias_no_more_often_than_a_standard_error_lets_them() -> None:
    rng = np.random.default_rng(0)
    taken = [
        judge("better", None, "1", Paired.of(*(known.tolist() for known in drawn(int(seed), 500, 0.8)))).alias == "champion"
        for seed in rng.integers(2**31, size=200)
    ]
    rate = 0.1587  # of a normal variable beyond one standard error
    assert sum(taken) / 200 <= rate + 3 * math.sqrt(rate * (1 - rate) / 200)
    assert any(taken)


@pytest.mark.parametrize(
    ("new", "old", "gained", "margin", "alias"),
    [
        (110, 338, 2, None, "challenger"),  # 30.6 % do not take the place of 93.9 %
        (338, 110, 230, None, "champion"),
        (300, 300, 0, None, "challenger"),  # the same answers
        (301, 300, 1, None, "challenger"),  # one image of 360: exactly a standard error, not more
        (302, 300, 2, None, "champion"),
        (302, 300, 2, 0.01, "challenger"),
        (310, 300, 15, 0.01, "champion"),
        (310, 300, 160, None, "challenger"),  # as many of the one kind as of the other
    ],
)
def test_the_better_one_is_the_champion_if_it_is_better_by_more_than_the_margin(
    new: int, old: int, gained: int, margin: float | None, alias: str
) -> None:
    values = np.repeat([1.0, -1.0, 0.0], [gained, old - new + gained, 360 - 2 * gained - old + new])
    error = values.std(ddof=1) / math.sqrt(360) if margin is None else margin
    assert (values.mean() > error + 1e-12) == (alias == "champion")
    found = judge("better", margin, "4", Paired(360, new, old, gained))
    assert (found.alias, found.against) == (alias, "4")
    assert f"{new / 360:.2%} of the 360 test images, and version 4, the champion, {old / 360:.2%}" in found.why


def test_what_is_asked_for_decides_where_nothing_is_compared() -> None:
    assert judge("better", None, "", "").alias == "champion"
    assert judge("never", None, "", "").alias == "challenger"
    assert judge("never", None, "3", "").why == "Version 3 stays the champion, as `promote.when` is never."
    assert judge("always", None, "3", "").alias == "champion"
    other = judge("better", None, "3", "it takes images of (1, 8, 8), and these are of (3, 8, 8)")
    assert other.alias == "challenger"
    assert other.why.endswith("version 3, the champion: it takes images of (1, 8, 8), and these are of (3, 8, 8).")


def test_a_judgement_goes_to_json_and_back() -> None:
    for found in (judge("better", None, "2", Paired(10, 8, 7, 2)), judge("never", None, "", "")):
        assert Judgement.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (5, 6, 0, 6), (5, 2, 1, 3), (5, 4, 1, 1)])
def test_counts_that_can_not_be_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="Two models know parts of at least one image"):
        Paired(*counts)
