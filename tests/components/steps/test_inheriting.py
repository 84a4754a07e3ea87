"""Children that begin with the weights of their parents, each in a pod of its own, through one store."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from archsmith.search import Search, parse
from archsmith.steps.estimate import estimate
from archsmith.steps.images import load_images
from archsmith.steps.pool import Limits, Pool
from archsmith.steps.preload import preload
from archsmith.steps.propose import propose
from archsmith.steps.work import Work
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.estimators import outcome
from archsmith.testing.heirs import with_heirs
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import TINY
from archsmith.values import Born, Fidelity, Inherits, Orphan, Proposal, Trial

FULL = Fidelity(2)


@pytest.fixture
def store(minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URI of an empty store on a real MinIO server."""
    for name, value in minio_server.environ.items():
        monkeypatch.setenv(name, value)
    return f"s3://{minio_server.new_bucket()}/runs"


@pytest.fixture
def search() -> Search:
    """Return a search of six trials on the digits that inherit."""
    text = TINY.replace("{trials: 6, rounds: 3}", "{trials: 6}").replace(", {metric: n_params, limit: 20000}", "")
    return with_heirs(parse(text.replace("{workers: 2}", "{workers: 1}")))


def opened(search: Search, store: str) -> tuple[SearchFolder, Work]:
    folder = SearchFolder(open_store(store), search.name)
    return folder, Work(store, search, load_images(search, folder), 1, 60)


def line(search: Search) -> tuple[Proposal, Proposal, Proposal]:
    """Return a parent, its child and its grandchild, which each differ in a decision."""
    rng, space = search.rng(0), search.space
    first = space.sample(rng)
    second = space.mutate(first, rng)
    parent = Proposal(first, FULL)
    child = Proposal(second, FULL, Inherits(parent.id))
    return parent, child, Proposal(space.mutate(second, rng), FULL, Inherits(child.id))


def in_a_pod(folder: SearchFolder, work: Work, proposal: Proposal, *, killed: bool = False) -> Trial | None:
    """Measure in a fresh process, which has nothing of others but what is in the store; it may be killed once it has written."""

    def given_up() -> Collection[Proposal]:
        return [proposal] if killed and folder.read_checkpoint(proposal.id) is not None else []

    pool = Pool[Proposal, Trial](work, workers=1, limits=Limits(), method=preload())
    for _, trial in pool.run([proposal], given_up):
        assert isinstance(trial, Trial)
        return trial
    return None


def as_born(trial: Trial | None) -> tuple[object, ...]:
    """Return what of a trial depends on proposal, seed and parent alone."""
    assert trial is not None
    return *outcome(trial), trial.birth and replace(trial.birth, seconds=0.0)


@pytest.mark.cluster  # for its length; it needs none
def test_a_line_in_three_pods_of_which_one_is_killed_is_as_in_one_process(search: Search, store: str) -> None:
    folder, work = opened(search, store)
    here = [work(proposal, 0) for proposal in line(search)]
    assert [type(trial.birth) for trial in here] == [type(None), Born, Born]
    assert [trial.birth.epochs for trial in here if isinstance(trial.birth, Born)] == [2, 4]
    folder.delete_checkpoints([trial.id for trial in here])
    there = [in_a_pod(folder, work, line(search)[0])]
    in_a_pod(folder, work, line(search)[1], killed=True)
    assert folder.read_checkpoint(line(search)[1].id) is not None
    there += [in_a_pod(folder, work, proposal) for proposal in line(search)[1:]]
    assert list(map(as_born, there)) == list(map(as_born, here))


def test_a_child_whose_parents_checkpoint_was_deleted_is_an_orphan_wherever_it_is_trained(search: Search, store: str) -> None:
    folder, work = opened(search, store)
    _, child, grandchild = line(search)
    orphan = work(child, 0)
    folder.delete_checkpoint(child.id)
    assert isinstance(orphan.birth, Orphan)
    assert (orphan.status, orphan.birth.why) == ("complete", "its checkpoint is gone")
    assert as_born(in_a_pod(folder, work, child)) == as_born(orphan)
    birth = work(grandchild, 0).birth
    assert isinstance(birth, Born)
    assert birth.epochs == 2, "the line begins with the orphan"


@pytest.mark.cluster  # for its length; it needs none
def test_a_search_goes_on_where_a_parents_checkpoint_was_deleted_in_between(search: Search, store: str) -> None:
    folder, work = opened(search, store)
    child, origin = first_child(folder, search, work)
    folder.delete_checkpoint(origin.trial)
    estimate(folder, search, store, -1)
    history = folder.history()
    births = {trial.id: trial.birth for trial in history if trial.birth}
    assert [trial.status for trial in history] == ["complete"] * 6
    assert isinstance(births.pop(child.id), Orphan)
    assert any(isinstance(birth, Born) for birth in births.values())


def first_child(folder: SearchFolder, search: Search, work: Work) -> tuple[Proposal, Inherits]:
    """Begin a search, and go on until something that inherits was proposed."""
    propose(folder, search, -1)
    while True:
        for proposal in folder.history().running:
            if isinstance(proposal.origin, Inherits):
                return proposal, proposal.origin
            folder.record(replace(work(proposal, 0), checkpoint=folder.checkpoint_key(proposal.id)))
        propose(folder, search, -1)
