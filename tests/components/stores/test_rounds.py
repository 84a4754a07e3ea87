from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from archsmith.errors import CorruptObjectError
from archsmith.stores import LocalStore, Store
from archsmith.stores.folder import SearchFolder
from archsmith.stores.rounds import encode
from archsmith.values import Trial

MakeTrial = Callable[..., Trial]


def ids(trials) -> list[str]:
    return [t.id for t in trials]


def test_the_first_proposals_of_a_round_stay(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    ours = [make_trial(3, n).proposal for n in range(3)]
    theirs = [make_trial(3, n).proposal for n in range(3, 5)]
    assert folder.proposals(3) is None
    assert folder.write_proposals(3, ours) == tuple(ours)
    assert folder.write_proposals(3, theirs) == tuple(ours)
    assert folder.proposals(3) == tuple(ours)
    assert any_store.list("searches/cells/rounds/000003/") == ["searches/cells/rounds/000003/proposals.json"]


def test_writers_that_race_agree_on_the_proposals(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    offers = [[make_trial(0, 10 * writer + n).proposal for n in range(3)] for writer in range(8)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda offer: folder.write_proposals(0, offer), offers))
    assert len(set(results)) == 1
    assert list(results[0]) in offers


def test_the_number_of_rounds_counts_those_that_were_proposed(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    assert folder.rounds() == 0
    for r in range(4):
        folder.write_proposals(r, [make_trial(r, 0).proposal])
        assert folder.rounds() == r + 1
        folder.record(make_trial(r, 0))
        assert folder.rounds() == r + 1
        if r != 1:
            folder.compact(r)
        assert folder.rounds() == r + 1


def test_a_trial_comes_back_from_the_round_and_is_no_longer_pending(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    trials = [make_trial(0, n) for n in range(3)]
    assert folder.pending(0) == ()
    folder.write_proposals(0, [t.proposal for t in trials])
    assert ids(folder.pending(0)) == ids(trials)
    assert folder.record(trials[2])
    assert folder.record(trials[1])
    assert folder.trials(0) == trials[1:]
    assert ids(folder.pending(0)) == ids(trials[:1])
    assert folder.trials(1) == []


def test_the_first_trial_of_a_proposal_stays(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    assert folder.record(make_trial(0, 1, seed=1))
    assert not folder.record(make_trial(0, 1, seed=2))
    assert [t.seed for t in folder.trials(0)] == [1]


def test_the_first_trial_stays_after_its_round_was_compacted(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    for r in range(2):
        folder.write_proposals(r, [make_trial(r, 1).proposal])
        assert folder.record(make_trial(r, 1, seed=1))
        assert folder.compact(r)
    assert not folder.record(make_trial(0, 1, seed=2))
    assert [t.seed for t in folder.trials(0)] == [1]
    assert [t.seed for t in folder.history()] == [1, 1]
    assert any_store.list("searches/cells/rounds/000000/trials/") == []


def test_a_compacted_round_reads_as_before(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    for r in range(3):
        folder.write_proposals(r, [make_trial(r, n).proposal for n in range(1, 3)])
        for n in (2, 1):
            folder.record(make_trial(r, n))
    before = [folder.trials(r) for r in range(3)]
    for r in range(3):
        folder.compact(r)
    assert [folder.trials(r) for r in range(3)] == before
    assert [folder.pending(r) for r in range(3)] == [(), (), ()]


def test_a_torn_trial_is_named(tmp_path: Path, make_trial: MakeTrial):
    folder = SearchFolder(LocalStore(tmp_path), "cells")
    whole = orjson.loads(encode(make_trial(2, 0)))
    wrong = [{**whole, "status": "new"}, {**whole, "seconds": "1"}, {**whole, "metrics": []}, {**whole, "curve": [[1]]}, 5]
    for torn in (b'{"proposal": {"id": "1', b'{"proposal": 3}', b"[]", b"null", b"", b"\0", *map(orjson.dumps, wrong)):
        folder.put("rounds/000002/trials/abc.json", torn)
        for read in (folder.history, lambda: folder.trials(2)):
            with pytest.raises(
                CorruptObjectError,
                match=r"rounds/000002/trials/abc.json is damaged, or of another version of Archsmith \(.*remove it and run",
            ):
                read()


def test_the_first_open_round_is_the_one_that_lacks_trials_or_proposals(any_store: Store, make_trial: MakeTrial):
    folder = SearchFolder(any_store, "cells")
    assert folder.first_open() == 0
    for r in range(4):
        folder.write_proposals(r, [make_trial(r, 1).proposal])
        assert folder.first_open() == r
        folder.record(make_trial(r, 1))
        folder.compact(r)
        assert folder.first_open() == r + 1
    any_store.delete([folder.key("history/000000-000003.jsonl"), folder.key("rounds/000001/proposals.json")])
    for r in range(4):
        assert folder.first_open() == r
        folder.write_proposals(r, [make_trial(r, 1).proposal])
        folder.record(make_trial(r, 1))
    assert folder.first_open() == 4


def test_a_proposal_of_another_round_is_refused(tmp_path: Path, make_trial: MakeTrial):
    folder = SearchFolder(LocalStore(tmp_path), "cells")
    with pytest.raises(ValueError, match="A proposal of round 1 can't be written to round 2"):
        folder.write_proposals(2, [make_trial(1, 0).proposal])


@pytest.mark.parametrize("round_index", [-1, 1_000_000])
def test_a_round_that_six_digits_do_not_hold_is_refused(tmp_path: Path, round_index: int):
    with pytest.raises(ValueError, match=f"The round is {round_index}, but must be in 0..999999"):
        SearchFolder(LocalStore(tmp_path), "cells").proposals(round_index)
