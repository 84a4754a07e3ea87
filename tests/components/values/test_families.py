"""Families, against what is counted one by one."""

import json
import math

import numpy as np
import pytest

from archsmith.values import Architecture, Birth, Born, EpochRecord, Fidelity, History, Inherits, Orphan, Proposal, Trial
from archsmith.values.families import Families, families
from archsmith.values.proposals import FROM_SCRATCH

FULL = Fidelity(3)
EPOCH_S = 2.0


def trial(number: int, birth: Birth | None = None, *, accuracy: float | None = 0.9) -> Trial:
    """Return a trial of three epochs of two seconds each, after its birth; a failed one where it has no accuracy."""
    proposal = Proposal(Architecture("s", (number,)), FULL, Inherits(birth.parent) if birth else FROM_SCRATCH, number=number)
    begun = birth.seconds if birth else 0.0
    curve = tuple(EpochRecord(e, e, 1.0, 1.0, 0.5, begun + EPOCH_S * e) for e in (1, 2, 3))
    failed = accuracy is None
    metrics = {} if accuracy is None else {"accuracy": accuracy}
    return Trial(proposal, "failed" if failed else "complete", metrics, curve, error="none" if failed else None, birth=birth)


def born(parent: Trial, epochs: int, accuracy: float = 0.5, seconds: float = 0.5) -> Born:
    return Born(parent.id, epochs, 0.8, 0.1, same=False, accuracy=accuracy, seconds=seconds)


def random_families(seed: int) -> list[Trial]:
    """Return trials of which each may have any earlier one as its parent."""
    rng, trials = np.random.default_rng(seed), [trial(0)]
    lines = {trials[0].id: 3}
    for number in range(1, 40):
        parent = trials[int(rng.integers(number))]
        kind = rng.random()
        if kind < 0.2:
            made = trial(number)
        elif kind < 0.3:
            made = trial(number, Orphan(parent.id, "its checkpoint is gone"))
        else:
            birth = born(parent, lines[parent.id], float(rng.random()), float(rng.random()))
            made = trial(number, birth, accuracy=None if rng.random() < 0.1 else float(rng.random()))
        lines[made.id] = 3 + (made.birth.epochs if isinstance(made.birth, Born) else 0)
        trials.append(made)
    return trials


def ancestors(trial: Trial, trials: list[Trial]) -> list[Trial]:
    """Go up from a trial, parent by parent."""
    if not isinstance(trial.birth, Born):
        return [trial]
    (parent,) = (t for t in trials if t.id == trial.birth.parent)
    return [trial, *ancestors(parent, trials)]


@pytest.mark.parametrize("seed", range(5))
def test_generations_lines_and_what_was_saved_are_as_counted_one_by_one(seed: int) -> None:
    trials = random_families(seed)
    found = families(History.of(trials))
    inherited = [t for t in trials if isinstance(t.birth, Born)]
    assert [c.trial for c in found.children] == inherited
    assert [c.generation for c in found.children] == [len(ancestors(t, trials)) - 1 for t in inherited]
    assert [found.line(t.id) for t in trials] == [ancestors(t, trials) for t in trials]
    assert [t for t, _ in found.orphans] == [t for t in trials if isinstance(t.birth, Orphan)]
    saved_s = 0.0
    for t in inherited:
        if t.status == "complete" and isinstance(t.birth, Born):
            saved_s += (
                3 * EPOCH_S * (len(ancestors(t, trials)) - 1) - t.birth.seconds
            )  # each of the line was trained for 3 epochs
    assert found.saved_s == pytest.approx(saved_s)
    mean = np.mean([t.birth.accuracy for t in inherited if isinstance(t.birth, Born)])
    assert found.born_accuracy == pytest.approx(mean)
    assert len(found.trials) == 40


def test_a_birth_that_took_longer_than_what_it_spared_has_saved_less_than_nothing() -> None:
    first = trial(0)
    (child,) = families(History((first, trial(1, born(first, 1, seconds=7.0))))).children
    assert child.saved_s == 1 * EPOCH_S - 7.0


def test_a_child_of_a_trial_that_is_not_known_is_a_child_all_the_same() -> None:
    orphaned = trial(1, born(trial(0), 3))
    (child,) = families(History((orphaned,))).children
    assert (child.parent, child.generation) == (None, 1)
    assert families(History((orphaned,))).line(orphaned.id) == [orphaned]


def test_where_nothing_is_inherited_there_are_no_families() -> None:
    found = families(History((trial(0),)))
    assert found.are_none
    assert math.isnan(found.born_accuracy)
    assert found.line("unknown") == []
    assert found.to_dict()["born_accuracy"] is None


def test_the_json_form_has_every_birth_and_every_orphan() -> None:
    trials = random_families(3)
    found: Families = families(History.of(trials))
    raw = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (raw["trials"], raw["inherited"], len(raw["orphans"])) == (40, len(found.children), len(found.orphans))
    assert [c["parent"] for c in raw["children"]] == [c.birth.parent for c in found.children]
    assert {c["trained_accuracy"] is None for c in raw["children"]} == {True, False}
