import json
from dataclasses import replace
from typing import Any

import pytest

from archsmith.values import Architecture, Birth, Born, Fidelity, Inherits, Orphan, Proposal, Trial
from archsmith.values.births import birth_from_dict

BORN = Born("0123456789ab", 9, 0.75, 0.2, same=False, accuracy=0.6, seconds=1.5)
ORPHAN = Orphan("0123456789ab", "its checkpoint is gone", 0.25)


@pytest.mark.parametrize("birth", [BORN, ORPHAN, None], ids=["born", "orphan", "neither"])
def test_a_birth_goes_to_json_and_back_with_its_trial(birth: Birth | None) -> None:
    trial = Trial(Proposal(Architecture("s", (1,)), Fidelity(3), Inherits("0123456789ab")), "complete", birth=birth)
    read = Trial.from_dict(json.loads(json.dumps(trial.to_dict(), allow_nan=False)))
    assert read == trial
    assert read.proposal.id == trial.proposal.id


def test_a_trial_that_was_written_before_there_were_births_has_none() -> None:
    raw = Trial(Proposal(Architecture("s", (1,)), Fidelity(3)), "complete").to_dict()
    del raw["birth"]
    assert Trial.from_dict(raw).birth is None
    assert birth_from_dict(None) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"exact": -0.1},
        {"exact": 1.1},
        {"approximate": 1.5},
        {"accuracy": 1.01},
        {"accuracy": float("nan")},
        {"seconds": -1.0},
    ],
    ids=str,
)
def test_a_birth_with_impossible_numbers_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="A birth has an epoch at least"):
        replace(BORN, **wrong)


def test_what_inherits_is_another_proposal_than_what_begins_from_scratch_or_inherits_from_another_one() -> None:
    origins = [Inherits("a" * 12), Inherits("b" * 12)]
    scratch = Proposal(Architecture("s", (1,)), Fidelity(3))
    assert len({scratch.id, *(replace(scratch, origin=origin).id for origin in origins)}) == 3
    assert {replace(scratch, origin=origin).cost for origin in origins} == {scratch.cost}, "its own epochs are what it costs"
