from archsmith.values import Architecture, Fidelity, GoesOn, History, Proposal, Stop, Trial
from archsmith.values.spending import spending
from archsmith.values.words import SPENDING_HEADINGS, epochs, spending_line, spending_rows

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
        ("1 epoch", "2", "1", "", "", "2", "4 s", "3", "", ""),
        ("4 epochs", "1", "", "1", "", "1", "2 s", "", "2", "1"),
        ("in all", "3", "1", "1", "", "3", "6 s", "3", "2", "1"),
    ]
    assert {len(row) for row in spending_rows(found, seconds)} == {len(SPENDING_HEADINGS)}


def test_of_a_search_that_trains_all_in_full_there_is_nothing_to_say() -> None:
    assert spending_line(spending(History.of(LOW), Fidelity(1)), seconds) == ""
