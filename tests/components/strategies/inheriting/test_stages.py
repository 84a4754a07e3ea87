"""Where EAS' steps are taken from, against the rule written out over whole histories."""

import itertools

import numpy as np
import pytest

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.morphing import morphisms
from archsmith.strategies.inheriting.eas import EASConfig
from archsmith.strategies.inheriting.stages import Stages
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import ACCURACY, FULL, ending_variously, measured_by, search, without_waiting
from archsmith.values import Architecture, FromScratch, History, Inherits, Proposal, Trial

SPACE = ChainConfig().build()
PROBLEM = Problem(SPACE, ACCURACY, FULL, budget=100)


def noisy(architecture):
    """Return an accuracy that hardly follows the size, so that the best is anywhere."""
    return np.random.default_rng(int(architecture.id, 16)).random()


def usable(trial):
    grows = any(m.operation in ("widen", "deepen") for m in morphisms(SPACE, trial.proposal.architecture))
    return trial.status == "complete" and np.isfinite(trial.metrics["accuracy"]) and grows


@pytest.mark.parametrize(("steps", "stage"), [(3, 10), (1, 4), (6, 7)])
def test_each_stage_starts_from_the_best_of_the_one_before_and_no_episode_is_longer_than_its_steps(steps, stage):
    strategy = EASConfig(start=4, steps=steps, stage=stage).build(PROBLEM)
    trials = search(strategy, ending_variously(noisy), rounds=range(60), size=1).trials
    assert {t.proposal.origin for t in trials[:4]} == {FromScratch()}
    by_id, starts = {t.id: t for t in trials}, set()
    for k in range(4, 60):
        begin, origin = 4 + (k - 4) // stage * stage, trials[k].proposal.origin
        if not isinstance(origin, Inherits):
            assert trials[k].proposal.reason.startswith("random")
            continue
        earlier = [trials[max(0, b - stage) if b > 4 else 0 : b] for b in range(begin, 3, -stage)]
        before = next(found for part in earlier if (found := list(filter(usable, part))))
        start = max(before, key=lambda t: t.metrics["accuracy"])
        parent, length = by_id[origin.trial], 1
        while parent.proposal.number >= begin:
            parent, length = by_id[parent.proposal.origin.trial], length + 1
        assert (parent, length <= steps) == (start, True)
        starts.add(start.id)
    assert len(starts) > 3


def test_an_episode_goes_on_until_its_steps_are_taken_before_another_begins():
    strategy = EASConfig(start=1, steps=3, stage=100).build(PROBLEM)
    trials = search(strategy, measured_by(noisy), rounds=range(13), size=1).trials
    parents = [t.proposal.origin.trial for t in trials[1:]]
    assert parents == [trials[0].id if k % 3 == 0 else trials[k].id for k in range(12)]


def test_without_waiting_several_episodes_are_under_way_and_only_the_start_has_several_children():
    strategy = EASConfig(start=1, steps=3, stage=1000).build(PROBLEM)
    *asked, whole = without_waiting(strategy, measured_by(noisy), at_once=4, proposals=14)
    children = [p.origin.trial for p in whole.proposals if isinstance(p.origin, Inherits)]
    start = max(set(children), key=children.count)
    assert all(children.count(c) == 1 for c in set(children) - {start})
    assert any(len({p.origin.trial for p in h.running if isinstance(p.origin, Inherits)} - {start}) > 1 for h in asked)


def trial(number, parent=None, status="complete"):
    proposal = Proposal(Architecture("chain", (number,)), FULL, Inherits(parent.id) if parent else FromScratch(), number=number)
    return Trial(proposal, status, {"accuracy": 0.5}, error="OutOfMemoryError" if status == "failed" else None)


def test_where_none_has_ended_that_was_proposed_before_the_stage_it_starts_from_the_first_that_has():
    stages, late = Stages(n_start=2, length=5, steps=3), [trial(3), trial(4)]
    stages.add(late[0], (0, -0.1))
    stages.add(late[1], (0, -0.9))
    running = tuple(trial(k).proposal for k in range(3))
    history = History(tuple(late), running)
    assert list(itertools.islice(stages.parents(history, 1), 2)) == [late[0]] * 2
    assert stages.kept(history) == {late[0].id, late[1].id}


def test_nothing_is_started_from_before_there_is_a_trial_that_can_grow():
    stages = Stages(n_start=1, length=5, steps=3)
    stages.add(trial(0), None)
    assert next(stages.parents(History((trial(0),)), 1), None) is None
    assert stages.kept(History((trial(0),))) == frozenset()


def test_the_path_to_a_network_is_that_of_its_stage():
    stages, line = Stages(n_start=1, length=4, steps=3), [trial(0)]
    for k in range(1, 7):
        line.append(trial(k, line[-1]))
    for t in line:
        stages.add(t, (0, 0.0))
    lengths = [len(stages.path(t)) for t in line]
    # The second stage begins with number 5, whose parent was proposed before it.
    assert lengths == [0, 1, 2, 3, 3, 1, 2]
    assert stages.path(line[2]) == [(line[1].proposal.architecture, line[2].proposal.architecture),
                                    (line[0].proposal.architecture, line[1].proposal.architecture)]  # fmt: skip


def test_an_episode_ends_where_a_child_fails():
    stages, start = Stages(n_start=1, length=9, steps=5), trial(0)
    first = trial(1, start)
    failed = trial(2, first, "failed")
    for t, rank in ((start, (0, 0.0)), (first, (0, 1.0)), (failed, None)):
        stages.add(t, rank)
    history = History((start, first, failed))
    assert list(itertools.islice(stages.parents(history, 1), 3)) == [start, first, start]  # another child of it, if need be
    assert stages.kept(history) == {start.id, first.id}


def test_better_networks_are_found_than_at_random():
    def size(architecture):
        chosen = SPACE.assignment(architecture)
        return (
            sum(c / 96 if n.startswith("filters_") else c / 128 for n, c in chosen.items() if n[:-1] in ("filters_", "units_"))
            / 8
        )

    trials = search(EASConfig().build(PROBLEM), measured_by(size), rounds=range(60), size=1).trials
    rng = np.random.default_rng(0)
    assert max(t.metrics["accuracy"] for t in trials) > max(size(SPACE.sample(rng)) for _ in range(60)) + 0.05
