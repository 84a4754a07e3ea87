"""How long an epoch of shared weights is expected to take."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from archsmith.evaluation.data import Dataset, load
from archsmith.search import Search, parse
from archsmith.spec import DataSpec
from archsmith.spec.supernets import Sampled
from archsmith.steps import supernet_work
from archsmith.steps.supernet_work import MeasuringShared
from archsmith.values import SupernetEpoch
from archsmith.values.durations import images_at

TEXT = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: tiny}
spec:
  data: {name: digits}
  space: {name: nas-bench-201, cells: 1, channels: 4}
  strategy: STRATEGY
  estimation: {epochs: 1, data: DATA}
  training: {batch_size: 16}
"""

IMAGE_S, UPDATE_S, EIGENVALUE_S = 0.001, 0.5, 7.0


def search_of(strategy: str = "{name: darts}", data: float = 1.0) -> Search:
    return parse(TEXT.replace("STRATEGY", strategy).replace("DATA", str(data)))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load(DataSpec(name="digits"), seed=0)


@pytest.fixture
def by_class(digits: Dataset) -> Dataset:
    """Digits class by class, as the images of a folder lie."""
    return replace(digits, train=digits.train.take(torch.argsort(digits.train.labels, stable=True)))


class Costly:
    """A training that takes a time for each image, each update of a policy, and for the eigenvalue."""

    def __init__(self, settings: Any, *, dataset: Dataset, training: Any, **_: Any) -> None:
        n = len(dataset.train)
        self.epoch_s = IMAGE_S * n
        if isinstance(settings, Sampled):
            self.epoch_s += UPDATE_S * settings.updates_of(-(-n // training.batch_size))
        elif settings.eigenvalue:
            self.epoch_s += EIGENVALUE_S

    def run(self) -> Iterator[SupernetEpoch]:
        yield from (SupernetEpoch(k, k, 1.0, 1.0 + k * self.epoch_s) for k in (1, 2))


def test_images_that_lie_class_by_class_are_measured_as_any_others(by_class: Dataset) -> None:
    seconds = MeasuringShared(search_of(), by_class, 1, batches=2)(None, 0)
    assert seconds is not None
    assert seconds > 0


@pytest.mark.parametrize("data", [1.0, 0.5, 0.25])
@pytest.mark.parametrize(
    "strategy", ["{name: darts}", "{name: darts, eigenvalue: true}", "{name: enas}", "{name: enas, updates: 40}"]
)
def test_what_is_told_is_what_an_epoch_takes(
    digits: Dataset, strategy: str, data: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supernet_work, "make_training", Costly)
    search = search_of(strategy, data)
    n = images_at(digits.counts("train"), data)
    whole = Costly(
        search.supernet, dataset=replace(digits, train=digits.train.take(torch.arange(n))), training=search.spec.training
    )
    assert MeasuringShared(search, digits, 1)(None, 0) == pytest.approx(whole.epoch_s, rel=0.2)
