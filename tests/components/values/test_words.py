import pytest

from archsmith.values import (
    Architecture,
    Born,
    EpochRecord,
    Fidelity,
    GoesOn,
    History,
    Inherits,
    Orphan,
    Proposal,
    Stop,
    SupernetEpoch,
    Trial,
)
from archsmith.values.families import Families, families
from archsmith.values.proposals import SHARED
from archsmith.values.spending import spending
from archsmith.values.words import (
    FAMILY_HEADINGS,
    SPENDING_HEADINGS,
    counted,
    epochs,
    family_line,
    family_rows,
    filled,
    looked_and_trained,
    orphan_lines,
    spending_line,
    spending_rows,
)

A, B = Architecture("s", (0,)), Architecture("s", (1,))
LOW = [Trial(Proposal(a, Fidelity(1)), "complete", seconds=2.0) for a in (A, B)]
HIGH = Trial(Proposal(A, Fidelity(4), GoesOn(LOW[0].id, 1)), "stopped", seconds=2.0, stop=Stop(2, "median", 0.5, 0.1))


def seconds(value: float) -> str:
    return f"{value:g} s"


def test_only_what_is_less_than_full_is_named() -> None:
    assert Fidelity(1).words == "1 epoch"
    said = "8 epochs, 25 % of the images, 50 % of the width, 75 % of the depth, 12.5 % of the resolution"
    assert Fidelity(8, 0.25, 0.5, 0.75, 0.125).words == said


def test_epochs_have_no_more_digits_than_tell_anything() -> None:
    assert [epochs(n) for n in (0, 12.0, 12.3456, 123.456, 12345.6)] == ["0", "12", "12.3", "123", "12,346"]


def test_what_was_spent_and_avoided_is_a_line_and_a_table() -> None:
    found = spending(History.of([*LOW, HIGH]), Fidelity(4))
    # of 8 epochs, 1 + 1 + 1 were trained: B was spared 3, A was stopped before 2 and went on after 1
    assert spending_line(found, seconds) == (
        "trained 3 of the 8 epochs that 2 architectures in full take (37.5 %), in 6 s; "
        "avoided 3 by rungs, 2 by stopping early, about 10 s; 1 not trained again, going on from checkpoints"
    )
    assert spending_rows(found, seconds) == [
        ("1 epoch", "2", "1", "", "", "2", "4 s", "", "3", "", ""),
        ("4 epochs", "1", "", "1", "", "1", "2 s", "", "", "2", "1"),
        ("in all", "3", "1", "1", "", "3", "6 s", "", "3", "2", "1"),
    ]
    assert {len(row) for row in spending_rows(found, seconds)} == {len(SPENDING_HEADINGS)}


def test_of_a_search_that_trains_all_in_full_there_is_nothing_to_say() -> None:
    assert spending_line(spending(History.of(LOW), Fidelity(1)), seconds) == ""


LOOKS = [Trial(Proposal(Architecture("s", (k,)), Fidelity(1), SHARED), "complete", seconds=0.5) for k in range(20)]
RECORDS = [SupernetEpoch(1, 1, 1.0, 4.0), SupernetEpoch(2, 2, 1.0, 8.0)]


def test_looks_are_told_apart_from_trainings() -> None:
    assert looked_and_trained(History.of([*LOOKS, *LOW])) == "20 looked at with shared weights, 2 trained"
    assert looked_and_trained(History.of(LOW)) == ""


def test_what_was_spent_on_shared_weights_is_told_first() -> None:
    found = spending(History.of([*LOOKS, *LOW]), Fidelity(1), RECORDS)
    # 2 epochs of 8 s, 20 looks of .05 epoch and 10 s, 2 trainings of 1 epoch and 2 s; 18 others would have taken 2 s each
    assert spending_line(found, seconds) == (
        "trained shared weights for 2 epochs, looked at 20 architectures with them, trained 2 alone for 2 epochs, in 22 s: "
        "5 of the 20 epochs that 20 architectures in full take (25 %), avoided about 18 s"
    )
    assert filled(SPENDING_HEADINGS, spending_rows(found, seconds)) == [
        ("fidelity", "trials", "epochs", "time", "avoided by sharing"),
        ("shared weights", "", "2", "8 s", ""),
        ("looks", "20", "1", "10 s", "15"),
        ("1 epoch", "2", "2", "4 s", ""),
        ("in all", "22", "5", "22 s", "15"),
    ]


def test_shared_weights_that_nothing_is_looked_at_with_are_held_against_nothing() -> None:
    assert spending_line(spending(History(), Fidelity(1), RECORDS), seconds) == "trained shared weights for 2 epochs, in 8 s"
    said = "trained shared weights for 2 epochs, trained 2 alone for 2 epochs, in 12 s"
    found = spending(History.of(LOW), Fidelity(1), RECORDS)
    assert spending_line(found, seconds) == said
    assert filled(SPENDING_HEADINGS, spending_rows(found, seconds))[0] == ("fidelity", "trials", "epochs", "time")


def family(*, orphans: int = 0) -> Families:
    """Return a parent with a child that began with 71 %, and a child of that one; and others that could not inherit."""
    first = Trial(Proposal(A, Fidelity(3)), "complete", {"accuracy": 0.9})
    line = [first]
    for number, (accuracy, came) in enumerate(((0.71, 0.925), (0.73, None)), 1):
        curve = tuple(EpochRecord(e, e, 1.0, 1.0, 0.5, 0.5 + 2.0 * e) for e in (1, 2, 3))
        birth = Born(line[-1].id, 3 * number, 0.9, 0.05, same=number == 1, accuracy=accuracy, seconds=0.5)
        proposal = Proposal(Architecture("s", (number,)), Fidelity(3), Inherits(line[-1].id), number=number)
        metrics = {} if came is None else {"accuracy": came}
        error = None if came else "none"
        line.append(Trial(proposal, "complete" if came else "failed", metrics, curve, error=error, birth=birth))
    for number in range(3, 3 + orphans):
        proposal = Proposal(Architecture("s", (number,)), Fidelity(3), Inherits(first.id), number=number)
        line.append(Trial(proposal, "complete", {"accuracy": 0.8}, birth=Orphan(first.id, "its checkpoint is gone")))
    return families(History.of(line))


def test_what_was_inherited_is_a_line_and_a_table() -> None:
    # 3 epochs of 2 s each before the first child, less half a second; the second one failed
    assert family_line(family(), seconds) == "2 of 3 trials inherited; born with 72 % on average, 5.5 s saved"
    assert family_rows(family(), seconds) == [
        ("#1", "#0", "1", "3", "71 %", "92.5 %", "90 %", "5 %", "yes", "5.5 s"),
        ("#2", "#1", "2", "6", "73 %", "failed", "90 %", "5 %", "no", "0 s"),
    ]
    assert {len(row) for row in family_rows(family(), seconds)} == {len(FAMILY_HEADINGS)}


def test_what_could_not_inherit_is_counted_and_named() -> None:
    found = family(orphans=2)
    assert family_line(found, seconds).endswith("5.5 s saved; 2 could not, and began from scratch")
    assert orphan_lines(found) == [
        "trial 0003 was to inherit from trial 0000, but its checkpoint is gone.",
        "trial 0004 was to inherit from trial 0000, but its checkpoint is gone.",
    ]
    assert orphan_lines(family()) == []


def test_of_a_search_in_which_nothing_is_inherited_there_is_nothing_to_say_of_families() -> None:
    assert family_line(families(History.of(LOW)), seconds) == ""


@pytest.mark.parametrize(
    ("done", "most", "said"), [(24, 60, "24 of 60"), (3.666, 40, "3.67 of 40"), (1234.5, 2e3, "1,234 of 2,000")]
)
def test_what_is_used_of_a_budget_has_no_exponent(done: float, most: float, said: str) -> None:
    assert counted(done, most) == said
