import itertools
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from archsmith.errors import CorruptObjectError
from archsmith.stores import LocalStore, Store
from archsmith.stores.folder import SearchFolder
from archsmith.stores.rounds import encode
from archsmith.stores.segments import Segment
from archsmith.testing.stores import CountingStore, Crash, CrashingStore, MemoryStore
from archsmith.values import Trial

MakeTrial = Callable[..., Trial]


def run_round(folder: SearchFolder, trials: list[Trial], recorded: list[Trial]) -> None:
    """What a search does in a round; `recorded` gets each trial once it is."""
    (index,) = {t.proposal.round for t in trials}
    folder.write_proposals(index, [t.proposal for t in trials])
    pending = {p.id for p in folder.pending(index)}
    for trial in trials:
        if trial.id in pending:
            assert folder.record(trial)
            recorded.append(trial)
    assert folder.compact(index)


def ids(trials) -> list[str]:
    return [t.id for t in trials]


def rounds_of(make_trial: MakeTrial, n: int, size: int = 2) -> list[list[Trial]]:
    return [[make_trial(r, i + 1, size=size) for i in range(size)] for r in range(n)]


def test_a_history_is_the_trials_in_the_order_of_their_proposals(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    rounds = rounds_of(make_trial, 7)
    assert list(folder.history()) == []
    for done in rounds[:5]:
        run_round(folder, done[::-1], [])
    for late in rounds[5:]:
        folder.record(late[1])
        folder.record(late[0])
    assert list(folder.history()) == list(itertools.chain(*rounds))


def test_what_has_no_trial_yet_is_running(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    rounds = rounds_of(make_trial, 4)
    run_round(folder, rounds[0], [])
    for trials in rounds[1:3]:
        folder.write_proposals(trials[0].proposal.round, [t.proposal for t in trials])
    folder.record(rounds[2][0])
    assert ids(folder.history()) == ids([*rounds[0], rounds[2][0]])
    assert folder.history().running == tuple(t.proposal for t in [*rounds[1], rounds[2][1]])


def test_a_round_is_compacted_only_when_all_its_trials_are_there(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    trials = [make_trial(0, n) for n in (1, 2)]
    assert not folder.compact(0)
    folder.write_proposals(0, [t.proposal for t in trials])
    folder.record(trials[0])
    assert not folder.compact(0)
    assert any_store.list("searches/cells/history/") == []
    folder.record(trials[1])
    assert folder.compact(0)
    assert folder.compact(0)
    assert any_store.list("searches/cells/history/") == ["searches/cells/history/000000-000000.jsonl"]
    assert any_store.list("searches/cells/rounds/") == ["searches/cells/rounds/000000/proposals.json"]


def test_a_round_without_proposals_is_none(tmp_path: Path):
    folder = SearchFolder(LocalStore(tmp_path), "cells")
    with pytest.raises(ValueError, match="no proposals of round 0"):
        folder.write_proposals(0, [])
    assert folder.rounds() == 0


def test_reading_a_history_takes_two_lists_and_one_read_for_each_binary_digit(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    for n, trials in enumerate(rounds_of(make_trial, 23, size=1), start=1):
        run_round(folder, trials, [])
        counting = CountingStore(any_store)
        history = SearchFolder(counting, "cells").history()
        assert len(history) == n
        assert counting.calls == {"list": 2, "get": n.bit_count()}


def test_rounds_may_complete_in_any_order(tmp_path: Path, make_trial: MakeTrial):
    folder = SearchFolder(LocalStore(tmp_path), "cells")
    rounds = rounds_of(make_trial, 9)
    order = random.Random(1).sample(range(9), 9)
    done: list[Trial] = []
    for index in order:
        run_round(folder, rounds[index], done)
        assert sorted(ids(folder.history())) == sorted(ids(done))
    assert list(folder.history()) == list(itertools.chain(*rounds))
    assert folder.rounds() == 9


def test_a_crash_before_any_write_loses_nothing_and_counts_nothing_twice(make_trial: MakeTrial):
    rounds = rounds_of(make_trial, 5)
    for writes in itertools.count():
        store = MemoryStore()
        crashing = SearchFolder(CrashingStore(store, writes), "cells")
        recorded: list[Trial] = []
        try:
            for trials in rounds:
                run_round(crashing, trials, recorded)
            break
        except Crash:
            pass
        folder = SearchFolder(store, "cells")
        assert ids(folder.history()) == ids(recorded), writes
        for trials in rounds:
            assert sorted(ids(folder.trials(trials[0].proposal.round))) == sorted(set(ids(recorded)) & set(ids(trials)))

        for trials in rounds:
            run_round(folder, trials, recorded)
        assert ids(folder.history()) == ids(itertools.chain(*rounds)) == ids(recorded), writes
    assert writes > 30


def test_a_crash_while_several_rounds_are_compacted_loses_nothing(make_trial: MakeTrial):
    """Rounds of a trial each go into segments of four, and those that are left at the end into what they fill."""
    trials = list(itertools.chain(*rounds_of(make_trial, 11, size=1)))
    for writes in itertools.count():
        store = MemoryStore()
        crashing = SearchFolder(CrashingStore(store, writes), "cells")
        recorded: list[Trial] = []
        crashed = False
        try:
            measure_in_fours(crashing, trials, recorded)
        except Crash:
            crashed = True
        folder = SearchFolder(store, "cells")
        assert ids(folder.history()) == ids(recorded), writes
        assert {p.id for p in folder.history().running}.isdisjoint(ids(recorded))
        measure_in_fours(folder, trials, recorded)
        assert ids(folder.history()) == ids(trials) == ids(recorded), writes
        left = [key.removeprefix("searches/cells/history/") for key in store.list("searches/cells/history/")]
        assert left == ["000000-000007.jsonl", "000008-000009.jsonl", "000010-000010.jsonl"]
        assert not [key for key in store.list("searches/cells/rounds/") if "/trials/" in key]
        if not crashed:
            break
    assert writes > 30


def measure_in_fours(folder: SearchFolder, trials: list[Trial], recorded: list[Trial]) -> None:
    """What a search does whose rounds are of a trial each."""
    for trial in trials:
        folder.write_proposals(trial.proposal.round, [trial.proposal])
        if trial.id not in ids(recorded):
            folder.record(trial)
            recorded.append(trial)
        if trial.proposal.round % 8 == 3:
            assert folder.compact(trial.proposal.round - 3, trial.proposal.round)
        elif trial.proposal.round % 8 == 7:
            folder.compact_known(Segment(trial.proposal.round - 3, trial.proposal.round), trials[4:8])
    folder.compact_all()


def test_rounds_are_not_compacted_while_one_of_them_lacks_a_trial(make_trial: MakeTrial):
    folder = SearchFolder(MemoryStore(), "cells")
    trials = list(itertools.chain(*rounds_of(make_trial, 4, size=1)))
    for trial in trials:
        folder.write_proposals(trial.proposal.round, [trial.proposal])
    for trial in (trials[0], trials[1], trials[3]):
        assert not folder.compact(0, 3)
        folder.record(trial)
    assert not folder.compact(0, 3)
    folder.compact_all()  # each round by itself, as far as they are complete
    segments = [key.rpartition("/")[2] for key in folder.store.list("searches/cells/history/")]
    assert segments == ["000000-000001.jsonl", "000003-000003.jsonl"]
    folder.record(trials[2])
    assert folder.compact(0, 3)
    assert ids(folder.history()) == ids(trials)
    assert len(folder.store.list("searches/cells/history/")) == 1


def test_a_second_crash_while_the_first_is_mended_loses_nothing(make_trial: MakeTrial):
    rounds = rounds_of(make_trial, 4, size=1)
    for first, second in itertools.product(range(0, 16, 2), range(8)):
        store = MemoryStore()
        recorded: list[Trial] = []
        for writes in (first, second):
            try:
                for trials in rounds:
                    run_round(SearchFolder(CrashingStore(store, writes), "cells"), trials, recorded)
            except Crash:
                pass
            assert ids(SearchFolder(store, "cells").history()) == ids(recorded)


def test_compacting_again_removes_what_a_crash_left(tmp_path: Path, make_trial: MakeTrial):
    folder = SearchFolder(LocalStore(tmp_path), "cells")
    for trials in rounds_of(make_trial, 3, size=1):
        run_round(folder, trials, [])
    segment = folder.get("history/000000-000001.jsonl")
    folder.put("history/000000-000000.jsonl", segment.splitlines(keepends=True)[0])
    trial = make_trial(1, 1, size=1)
    folder.store.put(folder.key(f"rounds/000001/trials/{trial.id}.json"), segment.splitlines(keepends=True)[1])
    assert ids(folder.history()) == [make_trial(r, 1, size=1).id for r in range(3)]
    assert folder.compact(1)
    left = [key.removeprefix("searches/cells/") for key in folder.store.list("searches/cells/")]
    assert left == [
        "history/000000-000001.jsonl",
        "history/000002-000002.jsonl",
        *(f"rounds/{r:06d}/proposals.json" for r in range(3)),
    ]


def test_readers_see_every_trial_once_while_two_compact_and_one_writes(any_store: Store, make_trial: MakeTrial):
    rounds = rounds_of(make_trial, 16, size=3)
    recorded: list[Trial] = []
    done = threading.Event()

    def write() -> None:
        folder = SearchFolder(any_store, "cells")
        try:
            for trials in rounds:
                folder.write_proposals(trials[0].proposal.round, [t.proposal for t in trials])
                for trial in trials:
                    assert folder.record(trial)
                    recorded.append(trial)
        finally:
            done.set()

    def compact() -> None:
        folder = SearchFolder(any_store, "cells")
        left = list(range(len(rounds)))
        while left and not (done.is_set() and len(recorded) < 48):
            left = [r for r in left if not folder.compact(r)]

    def read() -> None:
        folder = SearchFolder(any_store, "cells")
        while not done.is_set():
            before = ids(list(recorded))
            seen = ids(folder.history())
            assert len(seen) == len(set(seen))
            assert set(before) <= set(seen)
            latest = max(0, folder.rounds() - 2)
            assert ids(folder.trials(latest)) == ids(rounds[latest]) or latest == 0

    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(work) for work in (write, compact, compact, read)]:
            job.result()
    folder = SearchFolder(any_store, "cells")
    assert ids(folder.history()) == ids(itertools.chain(*rounds))
    assert folder.store.list("searches/cells/history/")[0] == "searches/cells/history/000000-000015.jsonl"


@pytest.mark.parametrize("moves", [1, 5])
def test_a_segment_that_is_merged_while_it_is_read_is_found_in_the_wider_one(tmp_path: Path, make_trial: MakeTrial, moves: int):
    store = LocalStore(tmp_path)
    writer = SearchFolder(store, "cells")
    rounds = rounds_of(make_trial, 1 + moves, size=1)
    run_round(writer, rounds[0], [])
    left = iter(rounds[1:])

    class Busy(CountingStore):
        """Another process completes and compacts a round before each read, so that what was listed is gone."""

        def get(self, key: str) -> bytes:
            for trials in itertools.islice(left, 1):
                run_round(writer, trials, [])
            return super().get(key)

    assert ids(SearchFolder(Busy(store), "cells").history())[:1] == ids(rounds[0])


def test_a_round_that_is_compacted_between_two_lists_is_not_overlooked(tmp_path: Path, make_trial: MakeTrial):
    store = LocalStore(tmp_path)
    writer = SearchFolder(store, "cells")
    trials = [make_trial(0, n) for n in (1, 2)]
    writer.write_proposals(0, [t.proposal for t in trials])
    for trial in trials:
        writer.record(trial)

    class Busy(CountingStore):
        """Another process compacts the round after the segments were listed and before the trials are."""

        def list(self, prefix: str, *, start_after: str = "") -> list[str]:
            if "/rounds/" in prefix:
                assert writer.compact(0)
            return super().list(prefix, start_after=start_after)

    assert list(SearchFolder(Busy(store), "cells").history()) == trials
    assert SearchFolder(Busy(store), "cells").trials(0) == trials
    assert SearchFolder(Busy(store), "cells").pending(0) == ()


def test_a_segment_that_is_cut_is_named_and_nothing_is_merged_with_it_or_deleted_for_it(tmp_path: Path, make_trial: MakeTrial):
    folder = SearchFolder(LocalStore(tmp_path), "cells")
    rounds = rounds_of(make_trial, 2)
    run_round(folder, rounds[0], [])
    segment = "history/000000-000000.jsonl"
    whole = folder.get(segment)
    folder.write_proposals(1, [t.proposal for t in rounds[1]])
    for trial in [*rounds[1], rounds[0][0]]:
        folder.put(f"rounds/{trial.proposal.round:06d}/trials/{trial.id}.json", encode(trial))
    line = whole.index(b"\n") + 1  # a cut after a line leaves lines that are whole
    for cut in (0, 1, line - 1, line, len(whole) // 2 + 3, len(whole) - 2, len(whole) - 1):
        folder.put(segment, whole[:cut])
        before = folder.store.list("")
        for use in (folder.history, lambda: folder.compact(0), lambda: folder.compact(1)):
            with pytest.raises(CorruptObjectError, match=r"searches/cells/history/000000-000000\.jsonl is damaged"):
                use()
        assert folder.store.list("") == before
    folder.put(segment, whole)
    assert folder.compact(0)
    assert folder.compact(1)
    assert list(folder.history()) == list(itertools.chain(*rounds))
