import copy
import math
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from archsmith.errors import DivergedError, TimeLimitError
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.training import Training, evaluate
from archsmith.models import build
from archsmith.spaces.chain import ChainSpace
from archsmith.spec import TrainingSpec
from archsmith.values import Architecture, Fidelity

Settings = Callable[..., TrainingSpec]
Begin = Callable[..., Training]


@pytest.fixture
def begin(few: Dataset, space: ChainSpace, architecture: Architecture, cpu: Device, settings: Settings) -> Begin:
    """Make a training on a few images."""

    def make(
        dataset: Dataset = few,
        epochs: int = 4,
        seed: int = 0,
        options: dict[str, Any] | None = None,
        width: float = 1.0,
        **spec: Any,
    ) -> Training:
        training, fidelity = settings(**spec), Fidelity(1, width=width)
        return Training(
            build(space, architecture, dataset.input_shape, 10, fidelity=fidelity, mean=dataset.mean, std=dataset.std),
            Batches(dataset.train, training.batch_size, augment=training.augment, channels_last=True),
            Batches(dataset.validation, 64, channels_last=True),
            training, epochs=epochs, device=cpu, seed=seed, **(options or {}),
        )  # fmt: skip

    return make


def run(training: Training) -> Training:
    for _ in training.run():
        pass
    return training


def measured(training: Training) -> tuple[object, ...]:
    """Return the curve without its seconds, and the weights."""
    weights = {name: value.tolist() for name, value in training.network.state_dict().items()}
    return [astuple(record)[:-1] for record in training.curve], weights


def test_digits_are_learnt_in_twenty_epochs(begin: Begin, digits: Dataset) -> None:
    training = run(begin(digits, epochs=20))
    assert training.curve[-1].val_accuracy >= 0.95
    assert [record.step for record in training.curve] == [n * (len(digits.train) // 32) for n in range(1, 21)]


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(begin: Begin) -> None:
    augment = ("flip", "crop", "cutout")
    first, again, other = (run(begin(epochs=2, seed=seed, augment=augment)) for seed in (5, 5, 6))
    assert measured(first) == measured(again)
    assert measured(first)[0] != measured(other)[0]
    assert measured(first)[1] != measured(other)[1]


def test_no_one_else_who_draws_random_numbers_changes_a_training(begin: Begin) -> None:
    undisturbed, disturbed = run(begin(augment=("crop",))), begin(augment=("crop",))
    for _ in disturbed.run():
        torch.rand(3)
    assert measured(disturbed) == measured(undisturbed)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant"])
def test_stopped_after_any_epoch_it_goes_on_to_the_same_bits(begin: Begin, optimizer: str, schedule: str) -> None:
    spec = {"optimizer": optimizer, "schedule": schedule, "learning_rate": 0.02, "augment": ("crop",)}
    undisturbed = begin(epochs=3, options={"keep_best": True}, **spec)
    states = [undisturbed.state() for _ in undisturbed.run()]
    for state in states:
        resumed = begin(epochs=3, options={"keep_best": True}, **spec)
        resumed.restore(copy.deepcopy(state))
        assert measured(run(resumed)) == measured(undisturbed)
        assert resumed.curve[-1].seconds > state["curve"][-1][-1] or len(state["curve"]) == 3
        assert resumed.best_weights is not None
        assert undisturbed.best_weights is not None
        assert all(torch.equal(value, undisturbed.best_weights[name]) for name, value in resumed.best_weights.items())


def test_a_prefix_of_a_longer_training_has_its_bits(begin: Begin) -> None:
    longer = begin(epochs=3)
    states = [longer.state() for _ in longer.run()]
    prefix = run(begin(epochs=1, options={"spans": (3,)}))
    assert astuple(prefix.curve[0])[:-1] == astuple(longer.curve[0])[:-1]
    assert all(torch.equal(value, states[0]["network"][name]) for name, value in prefix.state()["network"].items())
    assert measured(run(begin(epochs=1)))[1] != measured(prefix)[1]


def test_what_goes_on_counts_its_own_seconds_and_has_its_own_limit(begin: Begin) -> None:
    first = run(begin(epochs=1, options={"spans": (3,)}))
    state = first.state()
    state["curve"][-1][-1] = 1000.0
    second = begin(epochs=3, options={"limit_s": 999.0})
    second.continue_from(state)
    assert (second.before, second.seconds) == (1, 0)
    next(iter(second.run()))
    killed = second.state()
    third = begin(epochs=3, options={"limit_s": 999.0})
    third.restore(copy.deepcopy(killed))
    assert third.seconds == second.seconds == second.curve[-1].seconds - 1000.0 > 0
    assert measured(run(third)) == measured(run(begin(epochs=3)))


def test_a_training_on_more_images_than_before_counts_on(begin: Begin, few: Dataset) -> None:
    part = Dataset(few.train.take(torch.arange(96)), few.validation, few.test, few.classes, few.mean, few.std)
    rates: list[float] = []

    def goes_on(training: Training) -> Training:
        training._optimizer.register_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))  # type: ignore[attr-defined]
        return run(training)

    first = goes_on(begin(part, epochs=2, options={"spans": (4,)}, schedule="cosine", learning_rate=1.0))
    second = begin(few, epochs=4, schedule="cosine", learning_rate=1.0)
    second.continue_from(first.state())
    assert [r.step for r in goes_on(second).curve] == [3, 6, 11, 16]
    at = [k / 3 for k in range(6)] + [2 + k / 5 for k in range(10)]
    assert rates == pytest.approx([(1 + math.cos(math.pi * t / 4)) / 2 for t in at])


def test_what_goes_on_in_greater_width_begins_with_what_was_learnt(begin: Begin, few: Dataset, cpu: Device) -> None:
    narrow = run(begin(epochs=3, width=0.5))
    state = narrow.state()

    def wide() -> Training:
        training = begin(epochs=5)
        training.continue_from(copy.deepcopy(state))
        return training

    loss, accuracy = evaluate(wide().network, Batches(few.validation, 64, channels_last=True), cpu, "float32")
    assert (accuracy, loss) == pytest.approx((narrow.curve[-1].val_accuracy, narrow.curve[-1].val_loss), rel=1e-5)
    assert measured(run(wide())) == measured(run(wide()))


def test_a_state_of_more_epochs_than_it_has_does_not_fit(begin: Begin) -> None:
    with pytest.raises(ValueError, match=r"^it is of 2 epochs, 0 of them another trial's, not of 1$"):
        begin(epochs=1).restore(run(begin(epochs=2)).state())


def test_a_state_without_a_scale_of_the_loss_goes_on_where_there_is_one(begin: Begin) -> None:
    training = begin(epochs=2)
    training._scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    training.restore(run(begin(epochs=1)).state())
    assert training.state()["scaler"]["scale"] == 8.0
    again = begin(epochs=2)
    again._scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    again.restore(training.state())
    assert again.state()["scaler"]["scale"] == 8.0


def test_a_state_is_of_its_moment_whatever_comes_after(begin: Begin) -> None:
    training = begin(epochs=2)
    epochs = training.run()
    next(epochs)
    state = training.state()
    before = copy.deepcopy(state)
    next(epochs)
    assert all(torch.equal(value, before["network"][name]) for name, value in state["network"].items())
    assert state["curve"] == before["curve"]
    assert str(state["optimizer"]) == str(before["optimizer"])


def test_the_best_epoch_is_kept_with_its_weights(begin: Begin, few: Dataset, cpu: Device) -> None:
    training = run(begin(epochs=6, learning_rate=0.3, schedule="constant", options={"keep_best": True}))
    best = max(training.curve, key=lambda record: (record.val_accuracy, -record.val_loss))
    assert training.best == best
    assert training.best_weights is not None
    training.network.load_state_dict(training.best_weights)
    loss, accuracy = evaluate(training.network, Batches(few.validation, 64, channels_last=True), cpu, "float32")
    assert (accuracy, loss) == (best.val_accuracy, best.val_loss)


def test_the_weights_of_the_best_epoch_are_kept_only_where_they_are_asked_for(begin: Begin) -> None:
    assert run(begin(epochs=1)).best_weights is None


def test_a_loss_that_is_not_finite_ends_it(begin: Begin) -> None:
    said = r"^The (training|validation) loss is (nan|inf) .*epoch \d+; try a lower `learning_rate`\.$"
    with pytest.raises(DivergedError, match=said):
        run(begin(learning_rate=1e30, schedule="constant"))


def test_a_validation_loss_that_is_not_finite_ends_it_too(begin: Begin, few: Dataset) -> None:
    training = begin(epochs=1)
    norm = next(m for m in training.network.modules() if isinstance(m, nn.BatchNorm2d))
    norm.momentum = 0.0  # training does not look at the running mean, validation does
    norm.running_mean.fill_(math.nan)  # type: ignore[union-attr]
    with pytest.raises(DivergedError, match=r"^The validation loss is nan after epoch 1; "):
        run(training)
    assert training.curve == []


def test_a_training_past_its_time_ends(begin: Begin) -> None:
    with pytest.raises(TimeLimitError, match=r"^Epoch 1 of 4 ran past the limit of 1e-06 s a trial\.$"):
        run(begin(options={"limit_s": 1e-6}))


def test_the_time_before_an_interruption_counts_as_well(begin: Begin) -> None:
    training = begin(epochs=2)
    next(iter(training.run()))
    state = training.state()
    state["curve"][-1][-1] = 1000.0
    resumed = begin(epochs=2, options={"limit_s": 999.0})
    resumed.restore(state)
    with pytest.raises(TimeLimitError, match=r"^Epoch 2 of 2 "):
        run(resumed)


def test_precisions_may_be_mixed_on_a_cpu(begin: Begin, digits: Dataset) -> None:
    mixed = run(begin(digits, epochs=5, precision="mixed"))
    assert mixed.best.val_accuracy > 0.8
    assert all(p.dtype == torch.float32 for p in mixed.network.parameters())
    plain = run(begin(digits, epochs=5))
    assert measured(mixed)[0] != measured(plain)[0]


def test_a_clipped_gradient_is_no_longer_than_its_limit(begin: Begin) -> None:
    plain = {"momentum": 0.0, "weight_decay": 0.0, "learning_rate": 1.0, "schedule": "constant"}
    training = begin(epochs=1, batch_size=160, clip_gradient=1e-3, **plain)  # one step of rate 1
    weights = [p.detach().clone() for p in training.network.parameters()]
    run(training)
    moved = torch.cat([(p - w).flatten() for p, w in zip(training.network.parameters(), weights, strict=True)]).norm()
    assert moved.item() == pytest.approx(1e-3, rel=1e-2)


def test_smoothed_labels_are_mixed_with_all_classes_alike(begin: Begin, few: Dataset) -> None:
    still = {"epochs": 1, "learning_rate": 1e-12, "batch_size": 160}  # one batch of all images, and no step to speak of
    training = run(begin(label_smoothing=0.5, **still))
    x = (few.train.images.float() / 255).contiguous(memory_format=torch.channels_last)
    log_p = training.network.train()(x).log_softmax(1)
    targets = 0.5 * nn.functional.one_hot(few.train.labels, 10) + 0.5 / 10
    assert training.curve[0].train_loss == pytest.approx(-(targets * log_p).sum(1).mean().item(), rel=1e-4)


def test_the_evaluation_is_that_of_scikit_learn(begin: Begin, few: Dataset, cpu: Device) -> None:
    network = run(begin(epochs=1)).network.eval()
    with torch.no_grad():
        logits = network(few.test.images.float() / 255)
    labels = few.test.labels.numpy()
    for batch in (1, 7, 60, 100):
        loss, accuracy = evaluate(network, Batches(few.test, batch, channels_last=True), cpu, "float32")
        assert accuracy == accuracy_score(labels, logits.argmax(1).numpy())
        probabilities = logits.double().softmax(1).numpy()
        assert loss == pytest.approx(log_loss(labels, probabilities, labels=np.arange(10)), rel=1e-5)


def test_an_evaluation_changes_nothing(begin: Begin, few: Dataset, cpu: Device) -> None:
    network = run(begin(epochs=1)).network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    evaluate(network, Batches(few.test, 8), cpu, "float32")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
