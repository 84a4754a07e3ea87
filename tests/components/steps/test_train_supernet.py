"""The step that trains shared weights, around a training that needs no torch: stopped anywhere, it ends as it would have."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from archsmith.errors import CorruptObjectError, PermanentError, UnavailableError
from archsmith.evaluation.sharing.group import Group
from archsmith.evaluation.sharing.training import SupernetTraining
from archsmith.search import Search, parse
from archsmith.steps.derive import derive
from archsmith.steps.pool import Died
from archsmith.steps.supernet_work import shared_state, train
from archsmith.steps.train_supernet import SHARE, train_supernet
from archsmith.stores import LocalStore, open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.estimators import Killed
from archsmith.testing.searches import TINY
from archsmith.testing.supernets import Disturb, WalkingTraining, undisturbed

EPOCHS = 5

SHARED = f"""\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {{name: tiny}}
spec:
  data: {{name: digits}}
  space: {{name: nas-bench-201}}
  strategy: {{name: darts, epochs: {EPOCHS}, top: 3}}
  budget: {{}}
  resources: {{workers: 8}}
"""


def search_of(budget: str = "{}") -> Search:
    return parse(SHARED.replace("budget: {}", f"budget: {budget}"))


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    return SearchFolder(open_store(str(tmp_path)), "tiny")


def begun(disturb: Disturb = undisturbed, **settings: float) -> Callable[[], SupernetTraining]:
    return lambda: WalkingTraining(search_of().space, EPOCHS, disturb=disturb, **settings)  # type: ignore[arg-type]


def killed_at(epoch: int, step: int) -> Disturb:
    def disturb(*now: int) -> None:
        if now == (epoch, step):
            raise Killed

    return disturb


def left(folder: SearchFolder) -> tuple[object, ...]:
    return folder.supernet_epochs(), folder.supernet_state()


@pytest.fixture
def whole(tmp_path: Path) -> tuple[object, ...]:
    """What an undisturbed training leaves."""
    folder = SearchFolder(LocalStore(tmp_path / "whole"), "tiny")
    assert train(folder, begun()) == EPOCHS
    return left(folder)


def test_each_epoch_has_a_record_and_the_state_is_that_of_the_last_one(folder: SearchFolder) -> None:
    assert train(folder, begun()) == EPOCHS
    assert [record.epoch for record in folder.supernet_epochs()] == [1, 2, 3, 4, 5]
    assert shared_state(folder)["epoch"] == EPOCHS
    assert train(folder, begun()) == 0


@pytest.mark.parametrize(("epoch", "step"), [(1, 1), (3, 2), (5, 4)])
def test_killed_in_mid_epoch_it_ends_as_an_undisturbed_one(
    folder: SearchFolder, whole: tuple[object, ...], epoch: int, step: int
) -> None:
    with pytest.raises(Killed):
        train(folder, begun(killed_at(epoch, step)))
    assert len(folder.supernet_epochs()) == epoch - 1
    assert train(folder, begun()) == EPOCHS - epoch + 1
    assert left(folder) == whole


def test_killed_between_the_record_and_the_state_it_repeats_the_epoch(folder: SearchFolder, whole: tuple[object, ...]) -> None:
    with pytest.raises(Killed):
        train(folder, begun(killed_at(4, 1)))
    state = folder.supernet_state()
    with pytest.raises(Killed):
        train(folder, begun(killed_at(5, 1)))
    assert state is not None
    folder.write_supernet_state(state)  # as it was before that epoch's
    assert len(folder.supernet_epochs()) == 4
    assert train(folder, begun()) == 2
    assert left(folder) == whole


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 torn", b"{}"])
def test_a_damaged_state_is_named_and_the_weights_are_trained_anew(
    folder: SearchFolder, whole: tuple[object, ...], damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    train(folder, begun())
    folder.write_supernet_state(damage)
    with caplog.at_level(logging.WARNING):
        assert train(folder, begun()) == EPOCHS
    assert "supernet/state.pt can't be used, and are trained anew" in caplog.text
    assert left(folder) == whole


def test_what_was_noted_of_weights_that_are_damaged_is_gone_once_others_are_trained(folder: SearchFolder) -> None:
    train(folder, begun())
    folder.write_supernet_state(b"torn")
    assert train(folder, begun(), 2.0) == 2  # each epoch takes a second
    assert [record.epoch for record in folder.supernet_epochs()] == [1, 2]
    assert folder.supernet_seconds() == 2


def test_time_is_counted_from_the_first_epoch_however_often_the_training_is_killed(folder: SearchFolder) -> None:
    with pytest.raises(Killed):
        train(folder, begun(killed_at(3, 1)), 3.0)
    assert train(folder, begun(), 3.0) == 1
    assert folder.supernet_seconds() == 3


def test_whoever_needs_weights_that_are_damaged_or_gone_says_what_to_do(folder: SearchFolder) -> None:
    for _ in range(2):
        with pytest.raises(CorruptObjectError, match=r"supernet/state\.pt are missing, or damaged .*`archsmith run`"):
            shared_state(folder)
        folder.write_supernet_state(b"torn")


def test_a_store_that_is_away_for_an_epoch_stops_nothing(tmp_path: Path, whole: tuple[object, ...]) -> None:
    class Flaky(LocalStore):
        """It refuses the third epoch, and the fifth one once."""

        refuses: ClassVar[list[str]] = ["000003", "000003", "000005"]

        def put(self, key: str, data: bytes) -> None:
            name = Path(key).stem
            if name in self.refuses:
                self.refuses.remove(name)
                raise UnavailableError("The store is away.")
            super().put(key, data)

    folder = SearchFolder(Flaky(tmp_path), "tiny")
    assert train(folder, begun()) == EPOCHS
    assert [record.epoch for record in folder.supernet_epochs()] == [1, 2, 4, 5]  # the last one was tried again
    assert folder.supernet_state() == whole[1]


def test_a_loss_that_is_no_number_ends_the_search_with_what_it_was(folder: SearchFolder) -> None:
    with pytest.raises(PermanentError, match="shared weights can't be trained: DivergedError: The training loss is nan"):
        train(folder, begun(diverges_after=2))
    assert len(folder.supernet_epochs()) == 2


def test_only_the_first_of_several_processes_writes(folder: SearchFolder) -> None:
    class Second(Group):
        def agreed(self, said: bool) -> bool:
            return said

    assert train(folder, begun(), group=Second(1, 2)) == EPOCHS
    assert left(folder) == ((), None)


class TestStep:
    """The step as a whole, but for the process that trains."""

    def run(self, folder: SearchFolder, search: Search) -> int:
        return train_supernet(folder, search, "", train=lambda until_s: void(train(folder, begun(), until_s)))

    def test_where_one_of_several_processes_dies_all_of_them_go_on_once_more(
        self, folder: SearchFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pools: list[Any] = []

        class Dying:
            """A pool whose second process is killed, the first time."""

            def __init__(self, work: Any, **settings: Any) -> None:
                pools.append((work.meeting, settings["attempts"]))

            def run(self, ranks: range, _: Any) -> Iterator[tuple[int, Any]]:
                yield from ((rank, Died("killed", 1.0) if rank == 1 and len(pools) == 1 else EPOCHS) for rank in ranks)

        monkeypatch.setattr("archsmith.steps.train_supernet.Pool", {(int, int): Dying})
        monkeypatch.setattr("archsmith.steps.train_supernet.n_gpus", lambda _: 2)
        train_supernet(folder, search_of(), "")
        assert [attempts for _, attempts in pools] == [1, 1]
        assert len({meeting for meeting, _ in pools}) == 2

    def test_it_says_how_many_epochs_there_were_and_does_nothing_twice(self, folder: SearchFolder) -> None:
        assert self.run(folder, search_of()) == self.run(folder, search_of()) == EPOCHS

    def test_a_search_that_shares_nothing_trains_nothing(self, folder: SearchFolder) -> None:
        assert self.run(folder, parse(TINY)) == 0
        assert left(folder) == ((), None)

    def test_a_budget_of_minutes_leaves_a_part_for_what_is_trained_alone(self, folder: SearchFolder) -> None:
        budget = search_of(f"{{minutes: {3 / SHARE / 60}}}")  # each epoch takes a second
        assert self.run(folder, budget) == 3
        assert self.run(folder, budget) == 3
        assert self.run(folder, search_of(f"{{minutes: {4 / SHARE / 60}}}")) == 4

    def test_an_epoch_is_trained_however_short_the_time_is(self, folder: SearchFolder) -> None:
        assert self.run(folder, search_of("{minutes: 0.0001}")) == 1

    def test_what_something_was_derived_from_is_not_trained_on(self, folder: SearchFolder) -> None:
        self.run(folder, search_of(f"{{minutes: {3 / SHARE / 60}}}"))
        folder.write_derived([])
        assert self.run(folder, search_of()) == 3

    def test_where_the_weights_are_gone_all_is_trained_and_derived_anew(
        self, folder: SearchFolder, whole: tuple[object, ...]
    ) -> None:
        self.run(folder, search_of())
        folder.write_derived([])
        folder.store.delete([folder.key("supernet/state.pt")])
        assert self.run(folder, search_of()) == EPOCHS
        assert left(folder) == whole
        assert folder.derived() is None


def void(_: object) -> None:
    """Return nothing."""


class TestDerive:
    """What is derived, and the proposals that it opens the search with."""

    def derive(self, folder: SearchFolder, search: Search) -> int:
        training = begun()()
        training.restore(shared_state(folder))
        return derive(folder, search, ask=training.derived)

    def test_the_best_are_proposed_in_order(self, folder: SearchFolder) -> None:
        folder.write_search(SHARED)
        train(folder, begun())
        assert self.derive(folder, search_of()) == 3
        derived = folder.derived()
        assert derived is not None
        assert [p.architecture for p in folder.history().running] == list(derived[:3])
        assert next(p.reason for p in folder.history().running) == "number 1 of what the shared weights prefer"
        assert self.derive(folder, search_of()) == 3

    def test_with_a_larger_top_more_is_proposed(self, folder: SearchFolder) -> None:
        folder.write_search(SHARED)
        train(folder, begun())
        self.derive(folder, search_of())
        larger = parse(SHARED.replace("top: 3", "top: 5"))
        assert larger.differences(search_of()) == []
        assert self.derive(folder, larger) == 5
