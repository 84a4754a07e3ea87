from archsmith.errors import UnavailableError
from archsmith.stores import Store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.stores import CountingStore


def test_the_progress_of_running_trials_is_shown_until_it_is_cleared(any_store: Store, make_trial):
    folder = SearchFolder(any_store, "cells")
    one, two = make_trial(0, 1), make_trial(0, 2)
    assert folder.progress() == {}
    folder.write_progress(one.proposal, ())
    folder.write_progress(one.proposal, one.curve)
    folder.write_progress(two.proposal, ())
    assert folder.progress() == {one.id: (one.proposal, one.curve), two.id: (two.proposal, ())}
    folder.clear_progress(one.id)
    folder.clear_progress(one.id)
    assert folder.progress() == {two.id: (two.proposal, ())}


def test_a_store_that_does_not_answer_does_not_stop_a_trial_from_showing_its_progress(any_store: Store, make_trial):
    class Down(CountingStore):
        def put(self, key: str, data: bytes) -> None:
            raise UnavailableError("The store sleeps.")

    SearchFolder(Down(any_store), "cells").write_progress(make_trial(0, 1).proposal, ())


def test_a_checkpoint_is_kept_until_it_is_deleted(any_store: Store):
    folder = SearchFolder(any_store, "cells")
    assert folder.read_checkpoint("abc") is None
    folder.write_checkpoint("abc", b"epoch 1")
    folder.write_checkpoint("abc", b"epoch 2")
    assert folder.read_checkpoint("abc") == b"epoch 2"
    assert any_store.get(folder.checkpoint_key("abc")) == b"epoch 2"
    folder.delete_checkpoint("abc")
    folder.delete_checkpoint("abc")
    assert folder.read_checkpoint("abc") is None


def test_the_footprint_is_another_one_with_each_step_that_is_done_and_each_beat_of_a_pod(any_store: Store, make_trial):
    folder, trial = SearchFolder(any_store, "cells"), make_trial(0, 1)
    deeds = (
        lambda: folder.write_proposals(0, [trial.proposal]),
        lambda: folder.beat("one", 0),
        lambda: folder.write_progress(trial.proposal, ()),
        lambda: folder.write_progress(trial.proposal, trial.curve),
        lambda: folder.beat("one", 1),
        lambda: folder.record(trial),
        lambda: folder.leave("one"),
    )
    seen = [folder.footprint()]
    for deed in deeds:
        deed()
        seen.append(folder.footprint())
    assert len(set(seen)) == len(deeds) + 1
