from dataclasses import replace

import numpy as np
import pytest
import torch

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.folds import folds
from archsmith.evaluation.train import TrainEstimator
from archsmith.spaces.chain import ChainSpace
from archsmith.spec import TrainingSpec
from archsmith.testing.estimators import EstimatorConformance, Make, MemoryCheckpoints, outcome
from archsmith.values import Architecture, Fidelity, Proposal, seed_from

SETTINGS = TrainingSpec(batch_size=32)
K = 2


@pytest.fixture
def estimator(few: Dataset, space: ChainSpace, cpu: Device) -> TrainEstimator:
    train, validation = few.train.take(torch.arange(40)), few.validation.take(torch.arange(20))
    return TrainEstimator(
        replace(few, train=train, validation=validation),
        space,
        SETTINGS,
        cpu,
        MemoryCheckpoints(),
        limit_s=60,
        data_seed=0,
        horizon=3,
        anneal="once",
        folds=K,
    )


@pytest.fixture
def proposal(architecture: Architecture) -> Proposal:
    return Proposal(architecture, Fidelity(2))


class TestFoldedTrainEstimator(EstimatorConformance):
    @pytest.fixture
    def make(self, estimator: TrainEstimator) -> Make:
        return lambda checkpoints: replace(estimator, checkpoints=checkpoints)

    @pytest.fixture
    def bad(self, estimator: TrainEstimator) -> Make:
        diverging = SETTINGS.model_copy(update={"learning_rate": 1e30, "schedule": "constant"})
        return lambda checkpoints: replace(estimator, checkpoints=checkpoints, training=diverging)

    @pytest.fixture
    def proposal(self, architecture: Architecture) -> Proposal:
        return Proposal(architecture, Fidelity(3))


def test_every_image_validates_once_and_is_trained_on_in_all_other_folds(few: Dataset) -> None:
    whole = sorted(image.numpy().tobytes() for part in (few.train, few.validation) for image in part.images)
    parts = folds(few, 5, seed=1)
    assert sorted(image.numpy().tobytes() for part in parts for image in part.validation.images) == whole
    for part in parts:
        assert sorted(image.numpy().tobytes() for half in (part.train, part.validation) for image in half.images) == whole
        assert part.test is few.test


def test_folds_have_the_same_size_and_share_of_each_class_within_one(few: Dataset) -> None:
    counts = np.array([torch.bincount(part.validation.labels, minlength=10).tolist() for part in folds(few, 7, seed=0)])
    assert np.ptp(counts, axis=0).max() <= 1
    assert np.ptp(counts.sum(1)) <= 1


def test_labels_go_with_their_images_and_another_seed_makes_other_folds(few: Dataset) -> None:
    known = {
        image.numpy().tobytes(): int(label)
        for part in (few.train, few.validation)
        for image, label in zip(part.images, part.labels, strict=True)
    }
    first, other = folds(few, 4, seed=0), folds(few, 4, seed=1)
    for part in first:
        for image, label in zip(part.train.images, part.train.labels, strict=True):
            assert known[image.numpy().tobytes()] == label
    assert not torch.equal(first[0].validation.images, other[0].validation.images)
    assert torch.equal(first[0].validation.images, folds(few, 4, seed=0)[0].validation.images)


def test_a_trial_has_the_means_of_trainings_on_each_fold(estimator: TrainEstimator, proposal: Proposal) -> None:
    trial = estimator.estimate(proposal, seed=5, progress=lambda _: None)
    alone = [
        replace(estimator, dataset=part, folds=None, checkpoints=MemoryCheckpoints()).estimate(
            proposal, seed=seed_from(f"5/fold/{k}"), progress=lambda _: None
        )
        for k, part in enumerate(folds(estimator.dataset, K, estimator.data_seed))
    ]
    for name in ("accuracy", "loss"):
        assert trial.metrics[name] == pytest.approx(np.mean([each.metrics[name] for each in alone]))
    for epoch, record in enumerate(trial.curve):
        records = [each.curve[epoch] for each in alone]
        assert record.val_accuracy == pytest.approx(np.mean([each.val_accuracy for each in records]))
        assert record.train_loss == pytest.approx(np.mean([each.train_loss for each in records]))
        assert record.step == sum(each.step for each in records)
    assert trial.metrics["n_params"] == alone[0].metrics["n_params"]


def test_the_time_of_all_folds_counts(estimator: TrainEstimator, proposal: Proposal) -> None:
    whole = estimator.estimate(proposal, seed=0, progress=lambda _: None)
    a_fold = whole.curve[0].seconds / K
    assert 0 < whole.curve[-1].seconds <= whole.seconds
    late = replace(estimator, limit_s=2 * a_fold, checkpoints=MemoryCheckpoints())
    trial = late.estimate(replace(proposal, fidelity=Fidelity(300)), seed=0, progress=lambda _: None)
    assert trial.status == "failed"
    assert trial.error is not None
    assert trial.error.startswith("TimeLimitError: ")


def test_a_checkpoint_of_other_folds_is_passed_over(estimator: TrainEstimator, proposal: Proposal) -> None:
    checkpoints = MemoryCheckpoints()
    replace(estimator, folds=3, checkpoints=checkpoints).estimate(proposal, seed=0, progress=lambda _: None)
    again = replace(estimator, checkpoints=checkpoints).estimate(proposal, seed=0, progress=lambda _: None)
    fresh = replace(estimator, checkpoints=MemoryCheckpoints()).estimate(proposal, seed=0, progress=lambda _: None)
    assert outcome(again) == outcome(fresh)


def test_folds_that_are_cut_off_end_after_an_epoch_of_all_of_them(estimator: TrainEstimator, proposal: Proposal) -> None:
    short = replace(estimator, limit_s=1e-6, cut_off=True)
    for _ in range(2):  # once more from its last checkpoint, as where it was killed before its end was noted
        trial = short.estimate(proposal, seed=0, progress=lambda _: None)
        assert trial.status == "complete"
        assert len(trial.curve) == 1
