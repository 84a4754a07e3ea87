"""What a store keeps of the training of shared weights."""

from pathlib import Path

import pytest

from archsmith.stores import LocalStore
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture, SupernetEpoch

FIRST = Architecture("cell", ("skip", 1))


def _epoch(epoch: int, loss: float = 1.5) -> SupernetEpoch:
    return SupernetEpoch(epoch, 10 * epoch, loss, float(epoch), 1.0, 0.5, {"edge": {"skip": 0.25, "conv": 0.75}}, derived=FIRST)


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    return SearchFolder(LocalStore(tmp_path), "cells")


def test_the_records_of_epochs_are_in_order_and_a_repeated_epoch_has_one(folder: SearchFolder) -> None:
    assert folder.supernet_epochs() == ()
    for record in (_epoch(2), _epoch(10), _epoch(1), _epoch(10, 1.25)):
        folder.write_supernet_epoch(record)
    assert folder.supernet_epochs() == (_epoch(1), _epoch(2), _epoch(10, 1.25))


def test_a_damaged_record_is_passed_over_and_named(folder: SearchFolder) -> None:
    folder.write_supernet_epoch(_epoch(1))
    folder.put("supernet/epochs/000002.json", b'{"epoch": 2')
    said: list[str] = []
    assert folder.supernet_epochs(said.append) == (_epoch(1),)
    assert len(said) == 1
    assert "supernet/epochs/000002.json is damaged" in said[0]


def test_an_epoch_makes_the_footprint_another_one(folder: SearchFolder) -> None:
    before = folder.footprint()
    folder.write_supernet_epoch(_epoch(1))
    assert folder.footprint() != before


def test_state_and_what_is_derived_are_none_until_they_are_written(folder: SearchFolder) -> None:
    assert folder.supernet_state() is None
    assert folder.derived() is None
    folder.write_supernet_state(b"one")
    folder.write_supernet_state(b"two")
    folder.write_derived([FIRST, Architecture("cell", ("conv", 0))])
    assert folder.supernet_state() == b"two"
    assert folder.derived() == (FIRST, Architecture("cell", ("conv", 0)))


def test_the_seconds_of_training_are_those_of_the_last_epoch_and_a_new_training_begins_with_nothing(folder: SearchFolder) -> None:
    assert folder.supernet_seconds() == 0.0
    for k in (1, 2, 3):
        folder.write_supernet_epoch(_epoch(k))
    folder.put("supernet/epochs/000004.json", b"[")
    folder.write_supernet_state(b"one")
    assert folder.supernet_seconds() == 3.0
    folder.forget_supernet()
    assert folder.supernet_epochs() == ()
    assert folder.supernet_state() is None
    assert folder.supernet_seconds() == 0.0
