import math
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss

from archsmith.errors import DivergedError
from archsmith.evaluation.data import Dataset, Images
from archsmith.evaluation.device import Device
from archsmith.evaluation.retrain import InFull, Retrained, retrain
from archsmith.models.cost import cost_of
from archsmith.spaces.chain import ChainSpace
from archsmith.spec import TrainingSpec
from archsmith.testing.estimators import Killed, MemoryCheckpoints, killed_in_epoch
from archsmith.values import Architecture, EpochRecord

Retrain = Callable[..., Retrained]


class Told:
    """A progress that keeps how many epochs there were to be, each time that it was told of one."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def __call__(self, curve: tuple[EpochRecord, ...], epochs: int) -> None:
        assert len(curve) <= epochs
        self.epochs.append(epochs)


class Counting:
    """A data set that counts how often its test images are asked for."""

    def __init__(self, dataset: Dataset) -> None:
        self._test = dataset.test
        self.train, self.validation, self.classes = dataset.train, dataset.validation, dataset.classes
        self.mean, self.std, self.input_shape = dataset.mean, dataset.std, dataset.input_shape
        self.asked = 0

    @property
    def test(self) -> Images:
        self.asked += 1
        return self._test


@pytest.fixture
def again(few: Dataset, space: ChainSpace, architecture: Architecture, cpu: Device) -> Retrain:
    """Train an architecture in full, on a few images."""

    def run(dataset: Any = few, settings: TrainingSpec | None = None, **changes: Any) -> Retrained:
        options = {
            "epochs": 6,
            "device": cpu,
            "seed": 1,
            "checkpoints": MemoryCheckpoints(),
            "key": "k",
            "progress": lambda *_: None,
        }
        how = InFull(**{**options, **changes})
        return retrain(dataset, space, architecture, settings or TrainingSpec(batch_size=32), how)

    return run


def outcome(trained: Retrained) -> tuple[object, ...]:
    quick = ("test_accuracy", "test_loss", "val_accuracy", "val_loss", "n_params", "flops")
    weights = {name: value.tolist() for name, value in trained.network.state_dict().items()}
    return [astuple(r)[:-1] for r in trained.curve], {name: trained.metrics[name] for name in quick}, weights


def test_the_epoch_of_the_highest_validation_accuracy_is_kept(again: Retrain, few: Dataset) -> None:
    settings = TrainingSpec(batch_size=16, learning_rate=0.5, schedule="constant")
    accuracies = [record.val_accuracy for record in again(settings=settings, epochs=15).curve]
    worse = next(n for n in range(1, 15) if accuracies[n] < max(accuracies[:n]))
    trained = again(settings=settings, epochs=worse + 1)  # the same up to an epoch that is not the best
    assert [record.val_accuracy for record in trained.curve] == accuracies[: worse + 1]
    assert trained.best.val_accuracy == max(accuracies[: worse + 1]) > trained.curve[-1].val_accuracy
    with torch.no_grad():
        logits = trained.network(few.validation.images.float() / 255)
    assert accuracy_score(few.validation.labels, logits.argmax(1)) == trained.best.val_accuracy
    assert (trained.metrics["val_accuracy"], trained.metrics["val_loss"]) == (trained.best.val_accuracy, trained.best.val_loss)


def test_the_kept_network_is_tested_as_scikit_learn_would(again: Retrain, few: Dataset) -> None:
    trained = again()
    with torch.no_grad():
        logits = trained.network(few.test.images.float() / 255)
    assert trained.metrics["test_accuracy"] == accuracy_score(few.test.labels, logits.argmax(1))
    probabilities = logits.double().softmax(1).numpy()
    assert trained.metrics["test_loss"] == pytest.approx(log_loss(few.test.labels, probabilities, labels=range(10)), rel=1e-5)


def test_the_test_images_are_asked_for_once_after_the_last_epoch(again: Retrain, few: Dataset) -> None:
    dataset = Counting(few)
    before: list[int] = []
    again(dataset, progress=lambda *_: before.append(dataset.asked))
    assert before == [0] * 6
    assert dataset.asked == 1


def test_other_test_images_make_no_other_network(again: Retrain, few: Dataset) -> None:
    flipped = Dataset(few.train, few.validation, Images(255 - few.test.images, few.test.labels), few.classes, few.mean, few.std)
    (curve, _, weights), (other_curve, _, other_weights) = outcome(again()), outcome(again(flipped))
    assert (curve, weights) == (other_curve, other_weights)


def test_killed_in_any_epoch_it_goes_on_to_the_same_network(again: Retrain) -> None:
    undisturbed = outcome(again())
    for epoch in range(1, 7):
        checkpoints, told = MemoryCheckpoints(), Told()
        with pytest.raises(Killed):
            again(checkpoints=checkpoints, progress=killed_in_epoch(epoch))
        assert outcome(again(checkpoints=checkpoints, progress=told)) == undisturbed
        assert told.epochs == [6] * (7 - epoch)


def test_killed_after_its_last_epoch_it_tests_without_training(again: Retrain) -> None:
    checkpoints = MemoryCheckpoints()
    undisturbed = again(checkpoints=checkpoints)
    told = Told()
    assert outcome(again(checkpoints=checkpoints, progress=told)) == outcome(undisturbed)
    assert told.epochs == []


def test_the_seed_decides(again: Retrain) -> None:
    assert outcome(again()) == outcome(again())
    assert outcome(again(seed=2)) != outcome(again())


def test_the_costs_are_those_of_the_network_that_is_kept(again: Retrain, space: ChainSpace, architecture: Architecture) -> None:
    metrics = again().metrics
    counted = cost_of(space, architecture, (1, 8, 8), 10)
    assert (metrics["n_params"], metrics["flops"]) == (counted.n_params, counted.flops)
    assert 0 < metrics["latency_s"] < 1
    assert 4 * counted.n_params / 1e6 < metrics["peak_memory_mb"] < 1  # weights and activations, and not the process
    assert set(metrics) == {
        "test_accuracy", "test_loss", "val_accuracy", "val_loss", "n_params", "flops",
        "latency_s", "latency_spread_s", "peak_memory_mb",
    }  # fmt: skip


def test_what_is_returned_is_ready_for_export(again: Retrain) -> None:
    network = again().network
    assert not network.training
    assert all(p.device.type == "cpu" and p.is_contiguous() for p in network.parameters())


def test_a_training_that_diverges_says_so(again: Retrain) -> None:
    with pytest.raises(DivergedError):
        again(settings=TrainingSpec(batch_size=32, learning_rate=1e30, schedule="constant"))


@pytest.fixture
def in_time(slow_space: Any, few: Dataset, cpu: Device) -> Retrain:
    """Train in full, in limited time, a network that takes 0.02 s a step and 0.01 s a batch of validation."""

    def run(limit_s: float, **changes: Any) -> Retrained:
        options = {"checkpoints": MemoryCheckpoints(), "key": "k", "progress": lambda *_: None, "epochs": 30, **changes}
        architecture = slow_space.architecture({"seconds": 0.02})
        how = InFull(device=cpu, seed=1, limit_s=limit_s, **options)
        return retrain(few, slow_space, architecture, TrainingSpec(batch_size=40), how)

    return run


def test_as_many_epochs_are_trained_as_fit_and_the_learning_rate_falls_over_these(in_time: Retrain) -> None:
    for limit_s in (1.0, 0.7, 1.3):  # four steps and a batch of validation an epoch: 0.09 s and a little more
        first = Told()
        trained = in_time(limit_s, progress=first)
        if len(trained.curve) == first.epochs[0] and trained.curve[-1].step == 4 * len(trained.curve):
            break  # else the machine has become slower meanwhile, and the training was cut off
    assert 1 <= len(trained.curve) < 30  # fewer where the machine is busy; all thirty take 2.7 s
    told = Told()
    unlimited = in_time(math.inf, epochs=len(trained.curve), progress=told)
    assert outcome(unlimited)[::2] == outcome(trained)[::2]
    assert told.epochs == [len(trained.curve)] * len(trained.curve)
    assert len(in_time(60.0, epochs=3).curve) == 3


def test_killed_it_goes_on_with_as_many_epochs_though_the_machine_has_another_pace(in_time: Retrain, slow_space: Any) -> None:
    checkpoints, told = MemoryCheckpoints(), Told()
    kill = killed_in_epoch(1)

    def killed(curve: tuple[EpochRecord, ...], epochs: int) -> None:
        told(curve, epochs)
        kill(curve)

    with pytest.raises(Killed):
        in_time(1.0, checkpoints=checkpoints, progress=killed)
    slow_space.pace = 0.001
    trained = in_time(1.0, checkpoints=checkpoints, progress=told)
    assert told.epochs == [len(trained.curve)] * (1 + len(trained.curve))
    assert len(trained.curve) <= 10  # ten times as many fit by the new pace


def test_on_a_machine_that_becomes_slow_it_ends_in_time_with_the_best_of_what_it_has(in_time: Retrain, slow_space: Any) -> None:
    checkpoints = MemoryCheckpoints()

    def slower(curve: tuple[EpochRecord, ...], epochs: int) -> None:
        for network in slow_space.built:
            network.seconds = 0.4

    trained = in_time(1.0, checkpoints=checkpoints, progress=slower)
    assert trained.curve[-1].seconds < 10  # the step that runs ends, and so does the validation; all epochs would take 40
    assert trained.curve[-1].step < 4 * len(trained.curve)
    assert trained.best == max(trained.curve, key=lambda r: (r.val_accuracy, -r.val_loss))
    again = in_time(1.0, checkpoints=checkpoints)
    assert outcome(again) == outcome(trained)  # it is over, and not gone on with


def test_where_there_is_no_time_for_an_epoch_part_of_one_is_trained(in_time: Retrain, slow_space: Any) -> None:
    slow_space.pace = 0.1
    trained = in_time(0.35)
    (record,) = trained.curve
    assert 1 <= record.step <= 3
    assert record.seconds < 2
    assert math.isfinite(trained.metrics["test_accuracy"])
