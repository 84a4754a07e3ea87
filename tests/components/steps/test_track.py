"""What tracking is told of shared weights while they are trained."""

from pathlib import Path

import pytest

from archsmith.search import parse
from archsmith.steps.track import DRAW_EVERY_S, SharedSoFar
from archsmith.stores import LocalStore
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import TINY
from archsmith.values import SupernetEpoch

SHARING = TINY.replace("{name: evolution, population: 4, sample: 2}", "{name: single-path}").replace(", rounds: 3", "")


class Clock:
    """Stands still until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    return SearchFolder(LocalStore(tmp_path), "tiny")


def train(folder: SearchFolder, epoch: int, *, chosen: bool = True) -> None:
    probabilities = {"edge": {"skip": 0.5, "conv": 0.5}} if chosen else {}
    folder.write_supernet_epoch(SupernetEpoch(epoch, epoch, 1.0, 1.0, probabilities=probabilities))


def test_choices_are_drawn_now_and_then_and_once_more_in_the_end(folder: SearchFolder) -> None:
    clock = Clock()
    shared = SharedSoFar(folder, parse(SHARING), clock)
    assert shared().records == ()
    drawn = []
    for epoch in (1, 2, 3, 3):
        train(folder, epoch)
        known = shared()
        assert len(known.records) == epoch
        drawn.append([name for name, data in known.files.items() if data.startswith(b"\x89PNG")])
        clock.now += DRAW_EVERY_S / 2
    picture = ["probability-map.png"]
    assert drawn == [picture, [], picture, []]  # the second one is too soon, the last one is drawn already
    train(folder, 4)
    folder.write_derived([])
    assert list(shared().files) == picture
    assert list(shared().files) == []


def test_what_prefers_nothing_is_not_drawn(folder: SearchFolder) -> None:
    train(folder, 1, chosen=False)
    known = SharedSoFar(folder, parse(SHARING))()
    assert (len(known.records), dict(known.files)) == (1, {})


def test_of_other_searches_nothing_is_read(folder: SearchFolder) -> None:
    train(folder, 1)
    assert SharedSoFar(folder, parse(TINY))().records == ()
