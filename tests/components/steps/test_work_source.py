"""Pods that share the work of a search: many of them in one process, with a clock of their own, some killed at any moment."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from uuid import uuid4

import numpy as np
import pytest

from archsmith.errors import UnavailableError
from archsmith.machine.process_id import is_gone, name_of_this
from archsmith.search import Search, parse
from archsmith.spec import at_once
from archsmith.steps.checkpoints import is_kept
from archsmith.steps.pace import seen_by
from archsmith.steps.pods import DEAD_AFTER_S, Pods
from archsmith.steps.pool import LATER
from archsmith.steps.propose import Paced, propose
from archsmith.steps.select import select
from archsmith.steps.work_source import NoProposer, WorkSource
from archsmith.steps.workers import workers_in_all
from archsmith.stores.board import Board
from archsmith.stores.folder import SearchFolder
from archsmith.strategies.strategy import kept
from archsmith.testing.heirs import with_heirs
from archsmith.testing.searches import TINY
from archsmith.testing.stores import Crash, CrashingStore, MemoryStore
from archsmith.values import GoesOn, History, Inherits, Proposal, Trial

N = 20


def search_of(pods: int, workers: int = 1) -> Search:
    text = TINY.replace("{trials: 6, rounds: 3}", f"{{trials: {N}}}").replace(", {metric: n_params, limit: 20000}", "")
    return parse(text.replace("{workers: 2}", f"{{workers: {workers}, pods: {pods}}}"))


def rungs_of(strategy: str) -> Search:
    text = TINY.replace("{name: evolution, population: 4, sample: 2}", strategy).replace("{epochs: 2}", "{epochs: 9}")
    return parse(text.replace("{trials: 6, rounds: 3}", "{trainings: 5}").replace(", {metric: n_params, limit: 20000}", ""))


def elsewhere() -> str:
    """Return the name of a pod on another machine."""
    return f"0000000000-1-2-{uuid4().hex}"


def measured(proposal: Proposal) -> Trial:
    return Trial(proposal, "complete", {"accuracy": int(proposal.architecture.id, 16) % 997 / 997})


@dataclass
class Time:
    """Seconds that go on when the test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Pod:
    """A pod with one worker: each step claims something or ends what it works on."""

    store: CrashingStore
    search: Search
    clock: Time
    named: str = ""
    work: Proposal | None = None
    done: list[Proposal] = field(default_factory=list)
    over: bool = False
    source: WorkSource | None = None

    def begin(self) -> None:
        self.folder = SearchFolder(self.store, "tiny")
        board = Board(self.folder)
        self.pods = Pods(self.folder, self.clock, elsewhere())
        proposer = Paced(self.folder, self.search, board)
        self.source = WorkSource(self.folder, board, self.pods, proposer, may_start=lambda: True, clock=self.clock)

    def measure(self, proposal: Proposal) -> Trial:
        """Measure as a worker does, which may begin with the checkpoint of another trial."""
        if isinstance(proposal.origin, GoesOn | Inherits):
            assert self.folder.read_checkpoint(proposal.origin.trial) is not None, "what it begins with is gone"
        self.folder.write_checkpoint(proposal.id, b"weights")
        trial = measured(proposal)
        if is_kept(self.search.strategy(), trial):
            return replace(trial, checkpoint=self.folder.checkpoint_key(trial.id))
        self.folder.delete_checkpoint(proposal.id)
        return trial

    def step(self) -> None:
        if self.source is None:
            self.begin()
        assert self.source is not None
        if self.work in self.source.given_up():
            self.work = None
        if self.work is not None:
            trial = self.measure(self.work)
            self.source.ended(self.work, trial if self.folder.record(trial) else None)
            self.done.append(self.work)
            self.work = None
            return
        found = next(self.source, None)
        if found is None:
            self.over = True
            self.pods.leave()
        elif found is not LATER:
            assert isinstance(found, Proposal)
            self.work = found


def run(search: Search, n_pods: int, seed: int = 0, *, kills: float = 0.0) -> tuple[SearchFolder, list[Proposal], int]:
    """Run pods in any order to the end; return the folder, what was measured to its end, and how many were killed."""
    rng, memory, clock = np.random.default_rng(seed), MemoryStore(), Time()
    folder = SearchFolder(memory, "tiny")
    propose(folder, search, -1)
    pods = [Pod(CrashingStore(memory, 10**9), search, clock) for _ in range(n_pods)]
    done: list[Proposal] = []
    killed = 0
    while not all(pod.over for pod in pods):
        k = int(rng.integers(n_pods))
        pod = pods[k]
        clock.now += float(rng.exponential(2.0))
        if rng.random() < kills:
            pod.store.writes = int(rng.integers(3))
        try:
            if not pod.over:
                pod.step()
        except Crash:
            killed += 1
            done += pod.done
            pods[k] = Pod(CrashingStore(memory, 10**9), search, clock)
    return folder, done + [p for pod in pods for p in pod.done], killed


def test_pods_share_a_search_and_it_comes_out_the_same_whoever_is_faster() -> None:
    search = search_of(pods=3)
    expected: tuple[Proposal, ...] | None = None
    for seed, n_pods in enumerate((1, 3, 3, 3)):
        folder, done, _ = run(search, n_pods, seed)
        assert sorted(p.number for p in done) == list(range(N)), "none is left out, none is measured twice"
        assert len({p.id for p in done}) == N
        expected = expected or folder.history().proposals
        assert folder.history().proposals == expected
        assert [p.seen for p in expected] == [max(0, k - 4) for k in range(N)]


def test_pods_that_are_killed_lose_nothing_and_measure_nothing_to_its_end_twice() -> None:
    search = search_of(pods=3)
    expected = run(search, 3)[0].history()
    killed = 0
    for seed in range(6):
        folder, done, kills = run(search, 3, seed, kills=0.05)
        assert folder.history() == expected
        assert sorted(p.number for p in done) == list(range(N))
        killed += kills
    assert killed > 8


@pytest.mark.parametrize(
    "search",
    [rungs_of("{name: asha}"), rungs_of("{name: successive-halving}"), with_heirs(search_of(pods=3))],
    ids=["asha", "successive halving", "heirs"],
)
def test_checkpoints_are_there_as_long_as_a_training_may_begin_with_them_and_no_longer(search: Search) -> None:
    folder, done, _ = run(search, 3, kills=0.03)
    history, strategy_ = folder.history(), search.strategy()
    assert sum(isinstance(p.origin, GoesOn | Inherits) for p in done) > 3
    last = history.proposals[-1]
    seen = seen_by(history, last)
    left = {PurePosixPath(key).stem for key in folder.store.list(folder.key("checkpoints/"))}
    wanted = kept(strategy_, History(seen.trials, (*seen.running, last)))
    since = {t.id for t in history if t.checkpoint and t.id not in {s.id for s in seen}}
    assert left == (wanted & {t.id for t in seen if t.checkpoint}) | since
    select(folder, search)
    still = {PurePosixPath(key).stem for key in folder.store.list(folder.key("checkpoints/"))}
    unseen = at_once(workers_in_all(search)) - 1  # with a larger budget, so many of the last ones still run for the next maker
    later = [History(history.trials[:n]) for n in range(len(history) - unseen, len(history) + 1)]
    assert still == frozenset().union(*(kept(strategy_, h) for h in later)) & left


def test_children_have_the_same_parents_whichever_pod_is_faster_or_killed() -> None:
    search = with_heirs(search_of(pods=3))
    expected = run(search, 1)[0].history()
    assert [run(search, 3, seed, kills=0.05)[0].history() for seed in range(3)] == [expected] * 3
    assert len({p.origin.trial for p in expected.proposals if isinstance(p.origin, Inherits)}) > 5


@pytest.mark.parametrize("done", [0, 3, N - 1])
def test_a_claim_whose_answer_is_lost_is_taken_again_by_the_pod_that_has_made_it(done: int) -> None:
    class Deaf(MemoryStore):
        lost = ""

        def put_new(self, key: str, data: bytes) -> bool:
            written = super().put_new(key, data)
            if written and not self.lost and len(pod.done) == done and "/claims/" in key:
                self.lost = key
                raise UnavailableError("The server does not answer.")
            return written

    clock, search, memory = Time(), search_of(pods=1, workers=2), Deaf()
    pod = Pod(CrashingStore(memory, 10**9), search, clock)
    propose(SearchFolder(memory, "tiny"), search, -1)
    pod.begin()
    steps = 0
    while not pod.over:
        clock.now, steps = clock.now + 10.0, steps + 1
        assert steps < 10 * N, f"it waits for {memory.lost}, which it holds itself"
        with contextlib.suppress(UnavailableError):
            pod.step()
    assert memory.lost
    assert len(pod.folder.history()) == N == len({p.id for p in pod.done})


def test_a_checkpoint_that_is_gone_is_not_deleted_again_with_each_proposal() -> None:
    deleted: list[str] = []

    class Noting(MemoryStore):
        def delete(self, keys: Iterable[str]) -> None:
            deleted.extend(keys := list(keys))
            super().delete(keys)

    pod = Pod(CrashingStore(Noting(), 10**9), rungs_of("{name: successive-halving}"), Time())
    propose(SearchFolder(pod.store, "tiny"), pod.search, -1)
    while not pod.over:
        pod.step()
    checkpoints = [key for key in deleted if "/checkpoints/" in key]
    assert len(checkpoints) == len(set(checkpoints)) > 10


def test_the_same_process_that_is_gone_is_dead_at_once_and_another_one_after_a_while(tmp_path: Path) -> None:
    clock, memory = Time(), MemoryStore()
    folder = SearchFolder(memory, "tiny")
    host, pid, begun, random = name_of_this().split("-")
    gone, other = f"{host}-{pid}-{int(begun) + 1}-{random}", elsewhere()
    for name in (gone, other):
        folder.beat(name, 0)
    pods = Pods(folder, clock)
    assert [is_gone(name) for name in (gone, other, pods.name)] == [True, None, False]
    assert [pods.is_dead(name) for name in (gone, other, pods.name, "1-2-3-unknown")] == [True, False, False, True]
    alive_until = 100.0
    count = 0
    while not pods.is_dead(other):
        clock.now += 5.0
        if clock.now <= alive_until and clock.now % 10 == 0:
            count += 1
            folder.beat(other, count)
        pods.beat()
    assert alive_until + DEAD_AFTER_S <= clock.now <= alive_until + 60, "within a minute"
    folder.leave(other)
    assert set(folder.beats()) == {gone, pods.name}


def test_what_others_have_put_among_the_beats_and_claims_is_nobody(tmp_path: Path) -> None:
    clock, folder = Time(), SearchFolder(MemoryStore(), "tiny")
    host = name_of_this().split("-")[0]
    strange = ["notes", "a-b", f"{host}-x-1-y", f"{host}--1-y", "1-2-3-4-5"]
    for name in (f"pods/{name}/000001" for name in strange):
        folder.put(name, b"")
    for name in ("pods/readme.txt", "pods/notes/later", "pods/a/b/000001"):
        folder.put(name, b"")
    pods = Pods(folder, clock)
    assert set(folder.beats()) == {*strange, pods.name}
    for name in (*strange, "", "../../x"):
        assert pods.is_dead(name) == (name not in strange)
        assert not pods.is_alive(name)
    for _ in range(6):
        clock.now += 10.0
        pods.beat()
    assert all(map(pods.is_dead, strange)), "they never say that they live"


def test_a_pod_that_has_slept_takes_nobody_for_dead_because_of_that() -> None:
    clock, folder = Time(), SearchFolder(MemoryStore(), "tiny")
    other = "0000000000-1-2-other"
    folder.beat(other, 0)
    pods = Pods(folder, clock)
    clock.now += 3600.0
    assert pods.beat(), "it was late itself"
    assert not pods.is_dead(other)


def test_a_pod_that_was_taken_for_dead_gives_up_what_was_taken_over_from_it() -> None:
    memory, clock = MemoryStore(), Time()
    search = search_of(pods=2)
    folder = SearchFolder(memory, "tiny")
    propose(folder, search, -1)

    def source() -> tuple[WorkSource, Pods]:
        board, pods = Board(folder), Pods(folder, clock, elsewhere())
        return WorkSource(folder, board, pods, NoProposer(), may_start=lambda: True, clock=clock), pods

    slow, _ = source()
    quick, _ = source()
    taken = [next(slow), *(next(quick) for _ in range(2))]
    assert len(set(taken)) == 3
    again = None
    while not isinstance(again, Proposal):
        clock.now += 5.0
        quick.given_up()
        again = next(quick, None)
    assert again == taken[0]
    assert list(slow.given_up()) == [taken[0]]
    assert list(slow.given_up()) == []


def test_a_proposal_that_is_lost_is_made_again_the_same() -> None:
    search = search_of(pods=2)
    folder, _, _ = run(search, 2)
    before = folder.history()
    memory = folder.store
    lost = before.trials[7].proposal
    left = [t for t in before if t.proposal.number < 12 and t.proposal.number != 7]
    again = SearchFolder(MemoryStore(), "tiny")
    for trial in left:
        again.write_proposals(trial.proposal.round, [trial.proposal])
        again.record(trial)
    assert memory is not again.store
    propose(again, search, -1)
    assert again.proposals(7) == (lost,)


def test_the_store_is_asked_less_and_less_while_there_is_nothing_to_do() -> None:
    from archsmith.testing.stores import CountingStore

    memory, clock = MemoryStore(), Time()
    search = search_of(pods=1)
    propose(SearchFolder(memory, "tiny"), search, -1)
    other = Pods(SearchFolder(memory, "tiny"), clock)
    folder = SearchFolder(memory, "tiny")
    for proposal in folder.history().running:
        folder.claim(proposal, other.name, 1)
    counting = CountingStore(memory)
    folder = SearchFolder(counting, "tiny")
    board = Board(folder)
    source = WorkSource(folder, board, Pods(folder, clock), Paced(folder, search, board), may_start=lambda: True, clock=clock)
    lists: list[int] = []
    for _ in range(3):
        for _ in range(240):  # a minute
            assert next(source) is LATER
            clock.now += 0.25
        lists.append(counting.calls["list"])
    assert lists[0] < 150
    assert lists[2] - lists[1] < 30


@pytest.mark.parametrize("workers", [1, 2])
def test_a_search_opens_with_as_many_proposals_as_can_be_at_once(workers: int) -> None:
    search = search_of(pods=2, workers=workers)
    folder = SearchFolder(MemoryStore(), "tiny")
    assert propose(folder, search, -1) == at_once(2 * workers)
    assert propose(folder, search, -1) == at_once(2 * workers), "again costs nothing"
    assert folder.workers() == 2 * workers
    assert all(replace(p, seen=0) == p for p in folder.history().running)
