"""Verdicts on shared weights: tables of what must be said, and of what must not."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import kendalltau

from archsmith.values import Architecture, Fidelity, History, Proposal, SupernetEpoch, Trial
from archsmith.values.proposals import SHARED
from archsmith.values.verdicts import Skips, Verdict, reranking, verdicts

Numbers = Sequence[float]


def architecture(k: int) -> Architecture:
    return Architecture("s", (k,))


def skips(found: Architecture) -> tuple[Skips, ...]:
    """An architecture's choice is how many of six operations are skips; more than ten of them are of cells of eight."""
    n = int(found.choices[0] or 0)
    return (
        (Skips("the network", n, 6),)
        if n < 10
        else (Skips("the normal cell", n // 10, 8), Skips("the reduction cell", n % 10, 8))
    )


def record(
    epoch: int = 1, probabilities: Sequence[Numbers] = (), derived: int | None = None, eigenvalue: float | None = None
) -> SupernetEpoch:
    points = {f"edge {i}": {f"option {k}": p for k, p in enumerate(some)} for i, some in enumerate(probabilities)}
    chosen = None if derived is None else architecture(derived)
    return SupernetEpoch(epoch, epoch, 1.0, 1.0, probabilities=points, eigenvalue=eigenvalue, derived=chosen)


def judged(
    records: Sequence[SupernetEpoch] = (), history: History | None = None, *, trained: bool = True, ended: bool = True
) -> tuple[Verdict, ...]:
    history = history or History()
    return verdicts(records, history, skips=skips, metric="accuracy", sign=1, trained=trained, ended=ended)


def searched(looks: Numbers | None, alone: Numbers) -> History:
    """Looks at some architectures and trainings of them; trainings only where there are no looks."""
    proposals = [(Proposal(architecture(k), Fidelity(5), SHARED, number=k), look) for k, look in enumerate(looks or ())]
    proposals += [(Proposal(architecture(k), Fidelity(5), number=100 + k), found) for k, found in enumerate(alone)]
    return History.of([Trial(proposal, "complete", {"accuracy": value}) for proposal, value in proposals])


@pytest.mark.parametrize(
    ("derived", "said"),
    [
        (4, "4 of 6 operations of the network are skips"),
        (6, "6 of 6 operations of the network are skips"),
        (83, "8 of 8 operations of the normal cell are skips"),
        (25, "5 of 8 operations of the reduction cell are skips"),
    ],
)
def test_most_operations_being_skips_is_a_collapse(derived: int, said: str) -> None:
    (found,) = judged([record(derived=0), record(2, derived=derived)])
    assert found.kind == "collapse"
    assert said in found.said


@pytest.mark.parametrize(
    "derived",
    [
        0,
        3,
        33,  # DARTS_V1: 3 of 8 in either cell
        23,  # DARTS_V2
        44,
        None,
    ],
)
def test_skips_that_are_not_the_most_are_no_collapse(derived: int | None) -> None:
    assert judged([record(derived=6), record(2, derived=derived)]) == ()


def test_two_skips_of_three_operations_are_no_collapse_and_three_are() -> None:
    assert [Skips("a", n, 3).is_collapse for n in (2, 3)] == [False, True]


def test_operations_that_pass_nothing_on_are_a_collapse_too_and_not_counted_as_skips() -> None:
    def told(n: int, gaps: int) -> list[str]:
        found = verdicts(
            [record(derived=0)], History(), skips=lambda _: [Skips("the network", n, 6, gaps)],
            metric="accuracy", sign=1, trained=True, ended=True,
        )  # fmt: skip
        return [verdict.said for verdict in found]

    assert told(1, 4) == ["What is derived has collapsed: 4 of 6 operations of the network are `none`, which pass nothing on."]
    assert told(3, 3) == []


def test_before_the_end_a_collapse_has_to_last_for_five_epochs() -> None:
    course = [record(e, derived=n) for e, n in enumerate((0, 6, 0, 4, 5, 6, 6, 6), 1)]
    assert [bool(judged(course[:n], trained=False)) for n in range(1, 9)] == [False] * 7 + [True]


EVEN = (0.2,) * 5
LIKELY = (0.4, 0.15, 0.15, 0.15, 0.15)
TENTH = (0.25, *[1 / 12] * 9)
"""Of entropy .96, of ten options, and one of them 2.5 times as probable as equal ones."""
SURE = (0.96, 0.01, 0.01, 0.01, 0.01)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([EVEN] * 6, "the options of 6 of 6 choices are nearly equally probable (entropy 1.000 of 1)"),
        ([EVEN] * 5 + [LIKELY], "5 of 6 choices"),
        ([(0.24, 0.19, 0.19, 0.19, 0.19)] * 6, "6 of 6 choices"),
        ([EVEN], "the choice are nearly"),
        ([(0.55, 0.45)] * 3, "3 of 3 choices"),
    ],
)
def test_nearly_equal_probabilities_in_the_end_are_told(points: Sequence[Numbers], said: str) -> None:
    found = judged([record(probabilities=points)])
    assert [v.kind for v in found] == ["undecided"]
    assert said in found[0].said
    assert judged([record(probabilities=points)], trained=False) == ()


@pytest.mark.parametrize(
    "points",
    [
        [SURE] * 6,
        [LIKELY] * 6,  # of entropy .93, an option twice as probable as equal ones
        [TENTH] * 6,
        [TENTH] * 3 + [(0.1,) * 10] * 3,  # half of them are made
        [EVEN] * 3 + [SURE] * 3,
        [(0.75, 0.25)] * 3,
        [],  # as in uniform sampling
    ],
)
def test_a_preferred_option_is_a_choice(points: Sequence[Numbers]) -> None:
    assert judged([record(probabilities=points)]) == ()


def eigenvalues(values: Numbers) -> list[SupernetEpoch]:
    return [record(e, eigenvalue=v) for e, v in enumerate(values, 1)]


def zela(values: Numbers) -> bool:
    """The rule of the paper, epoch by epoch: the average of 5 epochs, over that of 5 epochs ago, is more than 1/.75."""
    means = np.convolve(values, np.ones(5) / 5, mode="valid")
    return any(later > earlier / 0.75 for earlier, later in zip(means, means[5:], strict=False))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([0.1] * 10 + [0.5] * 10, True),
        ([0.1 * 1.1**e for e in range(25)], True),
        ([0.1] * 20 + [0.2, 0.3, 0.4, 0.5, 0.5], True),
        ([0.1] * 8 + [0.4, 0.4, 0.4], True),  # too few for windows of 5 after the first epochs
        ([0.2] * 25, False),
        ([0.2 + 0.001 * e for e in range(25)], False),
        ([0.5 - 0.02 * e for e in range(25)], False),
        ([0.1] * 10 + [0.5] * 10 + [0.1] * 10, False),  # it has come back
        ([0.1] * 8 + [0.4, 0.4], False),  # too few to tell
        # as measured: it grows with the weights in the first epochs, and then no more
        ([0.01, 0.06, 0.23, 0.68, 1.4, 2.7, 2.2, 3.0, 2.3, 2.9, 2.5, 2.7, 2.6, 3.0, 4.3, 2.8, 3.9, 3.8, 2.8, 2.6, 3.0], False),
        ([], False),
    ],
)
def test_an_eigenvalue_that_has_grown_is_told(values: Numbers, told: bool) -> None:
    assert [v.kind for v in judged(eigenvalues(values))] == ["sharp"] * told
    if len(values) >= 15 and told:
        assert zela(values)


def test_an_eigenvalue_that_only_scatters_has_not_grown() -> None:
    rng = np.random.default_rng(0)
    alarms = [bool(judged(eigenvalues((0.2 * np.exp(0.3 * rng.standard_normal(30))).tolist()))) for _ in range(200)]
    assert np.mean(alarms) < 0.03


def test_when_it_grew_is_named() -> None:
    (found,) = judged(eigenvalues([0.1] * 10 + [0.5] * 10))
    assert "from 0.1 about epoch 10 to 0.5 in the last 5" in found.said


TEN = tuple(0.5 + 0.01 * k for k in range(10))


@pytest.mark.parametrize(
    ("alone", "said"),
    [
        (TEN[::-1], "Trainings contradict the ranking by shared weights: Kendall's tau is -1.00 among the 10"),
        ((3, 9, 1, 8, 2, 6, 0, 5, 4, 7), "Trainings do not bear out the ranking by shared weights: Kendall's tau is -0.02"),
        ((9, 1, 0, 3, 2, 7, 6, 5, 4, 8), "The best among the 10 that were trained alone was the last of them in the ranking"),
    ],
)
def test_a_ranking_that_the_trainings_contradict_is_told(alone: Numbers, said: str) -> None:
    (found,) = judged(history=searched(TEN, alone))
    assert found.kind == "contradicted"
    assert said in found.said
    assert ("within ±0.49 in 19 of 20 cases" in found.said) == (kendalltau(TEN, alone).pvalue > 0.05)
    assert judged(history=searched(TEN, alone), ended=False) == ()


@pytest.mark.parametrize(
    ("looks", "alone"),
    [
        (TEN, TEN),
        (TEN, (1, 0, 3, 2, 5, 4, 7, 6, 9, 8)),
        (TEN, (2, 5, 0, 3, 1, 9, 4, 8, 6, 7)),
        (TEN[:4], TEN[3::-1]),  # of four, one order in 24 is that one
        (TEN, (9, 0, 1, 2, 3, 4, 5, 6, 7, 8)),  # the best was last, but in all they surely agree
        (TEN, (1.0,) * 10),
        (TEN, ()),
        ((), ()),
    ],
)
def test_a_ranking_that_is_not_contradicted_is_not_told(looks: Numbers, alone: Numbers) -> None:
    assert judged([record()], searched(looks, alone)) == ()


def test_looks_are_held_to_their_losses_which_order_them() -> None:
    history = searched(TEN[::-1], TEN)
    told = [replace(t, metrics={**t.metrics, "loss": 10.0 - t.metrics["accuracy"]}) for t in history.alone]
    losses = {t.proposal.architecture: t.metrics["loss"] for t in told}
    looks = [replace(t, metrics={**t.metrics, "loss": losses[t.proposal.architecture]}) for t in history.looks]
    assert judged([record()], history)[0].kind == "contradicted"
    assert judged([record()], History.of([*looks, *told])) == ()
    failed = replace(
        looks[0], proposal=replace(looks[0].proposal, architecture=architecture(77)), metrics={}, status="failed", error="x"
    )
    assert judged([record()], History.of([*looks, failed, *told])) == ()  # it says nothing of the others


def test_an_order_of_derivation_is_contradicted_only_where_it_is_no_chance() -> None:
    assert judged([record()], searched(None, (0, 2, 1, 4, 3, 6, 5, 8, 9, 7)))[0].said.startswith(
        "Trainings contradict the order in which they were derived: Kendall's tau is -0.78"
    )
    assert judged([record()], searched(None, (3, 9, 1, 8, 2, 6, 0, 5, 4, 7))) == ()


def test_of_a_search_without_shared_weights_nothing_is_said() -> None:
    assert judged((), searched(None, TEN)) == ()
    assert reranking((), searched(None, TEN), "accuracy", 1) is None


def test_less_is_better_where_it_is() -> None:
    history = searched(TEN, TEN)
    one, other = (reranking((), history, "accuracy", sign) for sign in (1, -1))
    assert one is not None
    assert other is not None
    assert one.agreement == other.agreement
    assert other.alone == tuple(-a for a in one.alone)


def test_a_random_ranking_is_told_of_every_second_time_and_a_good_one_hardly_ever() -> None:
    rng = np.random.default_rng(0)

    def alarms(noise: float) -> float:
        quality = rng.random((300, 10))
        looks = quality * (noise < 9) + noise * rng.standard_normal((300, 10))
        return float(
            np.mean([bool(judged(history=searched(a.tolist(), b.tolist()))) for a, b in zip(looks, quality, strict=True)])
        )

    assert alarms(0.1) < 0.01
    assert alarms(10.0) == pytest.approx(0.5, abs=0.08)


def test_all_at_once_are_all_told() -> None:
    course = [record(e, [EVEN] * 6, 6, value) for e, value in enumerate([0.1] * 10 + [0.5] * 10, 1)]
    found = judged(course, searched(TEN, TEN[::-1]))
    assert [v.kind for v in found] == ["collapse", "undecided", "sharp", "contradicted"]
    assert all(a.words.endswith(".") and a.to_dict()["advice"] for a in found)
    assert all(a.said != b.said for a, b in pairwise(found))
