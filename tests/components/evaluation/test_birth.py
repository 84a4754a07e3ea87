from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from archsmith.evaluation.checkpoint import dump, loaded
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.estimator import Checkpoints
from archsmith.evaluation.train import TrainEstimator
from archsmith.spaces.chain import ChainSpace
from archsmith.spec import TrainingSpec
from archsmith.testing.estimators import Killed, MemoryCheckpoints, killed_in_epoch, outcome
from archsmith.values import Architecture, Born, Fidelity, GoesOn, Inherits, Orphan, Proposal, Trial

SETTINGS = TrainingSpec(batch_size=32, augment=("crop",))
FULL = Fidelity(2)

Family = tuple[MemoryCheckpoints, Trial]
"""What is in the store, and a parent."""


@pytest.fixture(scope="module")
def estimator(few: Dataset, space: ChainSpace, cpu: Device) -> TrainEstimator:
    return TrainEstimator(few, space, SETTINGS, cpu, MemoryCheckpoints(), limit_s=60, data_seed=0, horizon=2)


def measure(estimator: TrainEstimator, checkpoints: Checkpoints, proposal: Proposal, **told: Any) -> Trial:
    made = replace(estimator, checkpoints=checkpoints)
    return made.estimate(proposal, seed=3, **{"progress": lambda _: None, **told})


def child_of(parent: Trial, architecture: Architecture) -> Proposal:
    return Proposal(architecture, FULL, Inherits(parent.id))


def as_born(trial: Trial) -> tuple[object, ...]:
    """Return what of a trial depends on proposal, seed and parent alone."""
    assert trial.birth is not None
    return *outcome(trial), replace(trial.birth, seconds=0.0)


@pytest.fixture(scope="module")
def trained(estimator: TrainEstimator, architecture: Architecture) -> Family:
    checkpoints = MemoryCheckpoints()
    return checkpoints, measure(estimator, checkpoints, Proposal(architecture, FULL))


@pytest.fixture
def family(trained: Family) -> Family:
    """Return a parent that was trained for two epochs, with its checkpoint."""
    return MemoryCheckpoints(dict(trained[0].states)), trained[1]


@pytest.fixture
def child(family: Family, deep: Architecture) -> Proposal:
    """Return a child that is deeper than its parent."""
    return child_of(family[1], deep)


def test_a_child_that_is_like_its_parent_begins_with_what_that_one_has_reached(estimator: TrainEstimator, family: Family) -> None:
    checkpoints, parent = family
    trial = measure(estimator, checkpoints, child_of(parent, parent.proposal.architecture))
    assert isinstance(trial.birth, Born)
    assert trial.birth.accuracy == parent.metrics["accuracy"]
    assert (trial.birth.parent, trial.birth.epochs, trial.birth.same) == (parent.id, 2, True)
    assert (trial.birth.exact, trial.birth.approximate) == (1.0, 0.0)
    assert [record.epoch for record in trial.curve] == [1, 2]
    assert trial.curve[0].val_loss < parent.curve[0].val_loss
    assert set(checkpoints.states) == {parent.id, trial.id}


def test_what_was_shrunk_learns_its_parents_outputs_before_its_first_epoch(
    estimator: TrainEstimator, deep: Architecture, space: ChainSpace
) -> None:
    checkpoints = MemoryCheckpoints()
    parent = measure(estimator, checkpoints, Proposal(deep, Fidelity(10)))
    narrow = space.architecture({**space.assignment(deep), "filters_2": 8})
    plain, taught = (measure(replace(estimator, distil=d), checkpoints_of(checkpoints), child_of(parent, narrow)) for d in (0, 4))
    assert isinstance(plain.birth, Born)
    assert isinstance(taught.birth, Born)
    assert not plain.birth.same
    assert plain.birth.accuracy + 0.1 < taught.birth.accuracy
    again = measure(replace(estimator, distil=4), checkpoints_of(checkpoints), child_of(parent, narrow))
    assert as_born(again) == as_born(taught)


@pytest.mark.parametrize("how", ["wider", "the same"])
def test_what_computes_the_same_is_taught_nothing(estimator: TrainEstimator, family: Family, space: ChainSpace, how: str) -> None:
    checkpoints, parent = family
    architecture = parent.proposal.architecture
    if how == "wider":
        parent = measure(estimator, checkpoints, Proposal(narrowed(space, architecture), FULL))
    plain, taught = (
        measure(replace(estimator, distil=d), checkpoints_of(checkpoints), child_of(parent, architecture)) for d in (0, 4)
    )
    assert as_born(plain) == as_born(taught)
    assert isinstance(plain.birth, Born)
    assert plain.birth.same
    assert plain.birth.accuracy == parent.metrics["accuracy"]


def narrowed(space: ChainSpace, architecture: Architecture) -> Architecture:
    return space.architecture({**space.assignment(architecture), "filters_1": 8})


def checkpoints_of(checkpoints: MemoryCheckpoints) -> MemoryCheckpoints:
    """Return a copy, to which a child's checkpoint is written."""
    return MemoryCheckpoints(dict(checkpoints.states))


def test_the_epochs_of_a_line_add_up(estimator: TrainEstimator, family: Family, deep: Architecture) -> None:
    checkpoints, parent = family
    first = measure(estimator, checkpoints, child_of(parent, deep))
    second = measure(estimator, checkpoints, child_of(first, parent.proposal.architecture))
    on = Proposal(deep, Fidelity(3), GoesOn(first.id, 2))
    third = measure(estimator, checkpoints, child_of(measure(estimator, checkpoints, on), deep))
    births = [trial.birth for trial in (first, second, third)]
    assert [birth.epochs for birth in births if isinstance(birth, Born)] == [2, 4, 5]


def test_the_optimizer_of_a_child_is_fresh(estimator: TrainEstimator, family: Family, child: Proposal) -> None:
    checkpoints, parent = family
    with pytest.raises(Killed):
        measure(estimator, DyingAfter(checkpoints, writes=1), child)
    state = loaded(checkpoints.states[child.id])
    assert state["optimizer"]["state"] == {}
    assert loaded(checkpoints.states[parent.id])["optimizer"]["state"] != {}
    assert state["curve"] == []


@dataclass
class DyingAfter:
    """Checkpoints whose process is killed once it has written so many of them."""

    kept: MemoryCheckpoints
    writes: int
    read_: list[str] = field(default_factory=list)

    def read(self, trial: str) -> bytes | None:
        self.read_.append(trial)
        return self.kept.read(trial)

    def write(self, trial: str, state: bytes) -> None:
        self.kept.write(trial, state)
        self.writes -= 1
        if not self.writes:
            raise Killed


@pytest.mark.parametrize("written", [1, 2, 3], ids=["before its first epoch", "after one", "after its last one"])
def test_a_child_that_was_killed_is_the_same_in_the_end_and_reads_its_parent_only_once(
    estimator: TrainEstimator, family: Family, child: Proposal, written: int
) -> None:
    checkpoints, parent = family
    whole = measure(estimator, MemoryCheckpoints(dict(checkpoints.states)), child)
    with pytest.raises(Killed):
        measure(estimator, DyingAfter(checkpoints, written), child)
    del checkpoints.states[parent.id]
    again = DyingAfter(checkpoints, writes=-1)
    assert as_born(measure(estimator, again, child)) == as_born(whole)
    assert again.read_ == [child.id]


def test_a_child_that_was_killed_before_it_wrote_anything_is_born_again(
    estimator: TrainEstimator, family: Family, child: Proposal
) -> None:
    checkpoints, _ = family

    class Away(MemoryCheckpoints):
        """A store that is away whenever something is written, which is passed over."""

        def write(self, trial: str, state: bytes) -> None:
            del trial, state

    whole = measure(estimator, MemoryCheckpoints(dict(checkpoints.states)), child)
    with pytest.raises(Killed):
        measure(estimator, Away(checkpoints.states), child, progress=killed_in_epoch(2))
    assert as_born(measure(estimator, checkpoints, child)) == as_born(whole)


def damaged(state: dict[str, Any], **changed: Any) -> bytes:
    return dump({**state, **changed})


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda _: None, "its checkpoint is gone"),
        (lambda _: b"\x80\x02 nothing", "its checkpoint is damaged"),
        (lambda s: damaged(s, architecture={"space": "chain"}), "its checkpoint is damaged"),
        (lambda s: damaged(s, line=0), "its weights were not trained"),
        (
            lambda s: damaged(s, architecture={**s["architecture"], "space": "cell"}),
            "its checkpoint is of the space 'cell', not of 'chain'",
        ),
        (
            lambda s: damaged(s, network={k: v[..., :1] if v.ndim == 4 else v for k, v in s["network"].items()}),
            "its weights are not those of a network for images of 1 × 8 × 8 and 10 classes",
        ),
    ],
    ids=["gone", "damaged", "not whole", "untrained", "other space", "other images"],
)
def test_a_child_that_can_not_inherit_begins_from_scratch_and_says_why(
    estimator: TrainEstimator,
    family: Family,
    child: Proposal,
    damage: Callable[[dict[str, Any]], bytes | None],
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    checkpoints, parent = family
    left = damage(loaded(checkpoints.states.pop(parent.id)))
    trial = measure(estimator, MemoryCheckpoints({parent.id: left} if left else {}), child)
    assert isinstance(trial.birth, Orphan)
    assert (trial.birth.parent, trial.birth.why) == (parent.id, why)
    assert f"as {why}; its child begins from scratch" in caplog.text
    scratch = measure(estimator, MemoryCheckpoints(), replace(child, origin=Proposal(child.architecture, FULL).origin))
    assert outcome(trial) == outcome(scratch)


def test_an_orphan_that_was_killed_stays_one_whatever_comes_back(
    estimator: TrainEstimator, family: Family, child: Proposal
) -> None:
    checkpoints, parent = family
    orphaned = MemoryCheckpoints()
    whole = measure(estimator, MemoryCheckpoints(), child)
    with pytest.raises(Killed):
        measure(estimator, DyingAfter(orphaned, writes=1), child)
    orphaned.states[parent.id] = checkpoints.states[parent.id]
    assert as_born(measure(estimator, orphaned, child)) == as_born(whole)


def test_the_seconds_of_a_birth_are_the_childs_also_after_a_kill(
    estimator: TrainEstimator, family: Family, child: Proposal
) -> None:
    checkpoints, _ = family
    trial = measure(estimator, MemoryCheckpoints(dict(checkpoints.states)), child)
    assert isinstance(trial.birth, Born)
    assert 0 < trial.birth.seconds < trial.curve[0].seconds < trial.curve[-1].seconds < trial.seconds
    with pytest.raises(Killed):
        measure(estimator, DyingAfter(checkpoints, writes=1), child)
    state = loaded(checkpoints.states[child.id])
    slow = damaged(state, birth={**state["birth"], "seconds": 40.0})
    later = measure(estimator, MemoryCheckpoints({child.id: slow}), child)
    assert 40 < later.curve[0].seconds < later.seconds < 50
    late = measure(replace(estimator, limit_s=30), MemoryCheckpoints({child.id: slow}), child)
    assert late.error == "TimeLimitError: Epoch 1 of 2 ran past the limit of 30 s a trial."


def test_a_child_that_fails_has_its_birth(estimator: TrainEstimator, family: Family, child: Proposal) -> None:
    wild = replace(estimator, training=SETTINGS.model_copy(update={"learning_rate": 1e30, "schedule": "constant"}))
    trial = measure(wild, family[0], child)
    assert (trial.status, trial.metrics) == ("failed", {})
    assert isinstance(trial.birth, Born)


def test_parent_and_child_may_differ_in_their_fidelity(estimator: TrainEstimator, family: Family, deep: Architecture) -> None:
    checkpoints, parent = family
    narrow = Proposal(deep, replace(FULL, width=0.5, data=0.5), Inherits(parent.id))
    first = measure(estimator, checkpoints, narrow)
    second = measure(estimator, checkpoints, replace(child_of(first, deep), fidelity=replace(FULL, resolution=0.5)))
    assert [type(trial.birth) for trial in (first, second)] == [Born, Born], "a chain takes images of any size"
    assert second.status == "complete"
