"""Brackets of rungs, by themselves."""

from archsmith.strategies.rungs.brackets import Brackets
from archsmith.strategies.rungs.ladder import Ladder
from archsmith.strategies.rungs.plans import halving
from archsmith.values import Architecture, Fidelity, GoesOn, Proposal, Trial


def test_what_has_no_place_in_any_bracket_begins_none() -> None:
    ladder = Ladder((Fidelity(1), Fidelity(3), Fidelity(9)), widens=False)
    brackets = Brackets([halving(3, 3, 9)], ladder, [0, 0])
    for k in range(9):
        proposal = Proposal(Architecture("s", (k,)), ladder[0], number=k)
        assert brackets.put(proposal, Trial(proposal, "complete", {"accuracy": k / 10}), (0, -k / 10))
    left = 0.2  # which does not pay for another bracket
    assert not brackets.opens(left)
    orphan = Proposal(Architecture("s", (99,)), ladder[1], GoesOn("gone", 1), number=9)  # whose first rung nobody knows any more
    assert not brackets.put(orphan, None, (2, 0.0))
    assert not brackets.opens(left)
