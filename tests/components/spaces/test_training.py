"""Settings of the training as decisions."""

from typing import Any

import pytest

from archsmith.errors import SpecError
from archsmith.search import parse
from archsmith.spaces import SPACES
from archsmith.spaces.space import Space
from archsmith.spaces.training import TrainingChoices, chosen
from archsmith.spec import TrainingSpec
from archsmith.testing.spaces import SpaceConformance

HEAD = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: joint}
spec:
  data: {name: digits}
  space:
    name: chain
    layers: {min: 1, max: 1}
    operations: [conv]
    dense_layers: {min: 0, max: 0}
    training: TRAINING
"""
"""A search file whose line 11 says what of the training is searched."""


def searched(training: str) -> Space:
    return parse(HEAD.replace("TRAINING", training)).space


class TestJointSpace(SpaceConformance):
    @pytest.fixture
    def space(self) -> Space:
        return searched("{learning_rate: [0.05, 0.1, 0.2], augment: [none, flip+crop], optimizer: [sgd, adamw]}")


def test_each_setting_multiplies_the_size_by_its_choices() -> None:
    plain = searched("null").size()
    assert searched("{learning_rate: [0.05, 0.1, 0.2], batch_size: [32, 64]}").size() == plain * 3 * 2


def test_a_range_is_a_decision_among_its_numbers_and_numbers_have_an_order() -> None:
    space = searched("{learning_rate: {min: 0.01, max: 1, log: true, steps: 5}, batch_size: [64, 32], optimizer: [sgd, adamw]}")
    decisions = {d.name.removeprefix("training."): d for d in space.decisions}
    rate, size = decisions["learning_rate"], decisions["batch_size"]
    assert (rate.choices, rate.ordered) == ((0.01, 0.03, 0.1, 0.3, 1.0), True)
    assert (size.choices, size.ordered, size.ranks) == ((64, 32), True, (1, 0))
    assert not decisions["optimizer"].ordered


def test_architectures_that_differ_in_the_training_have_different_ids_and_a_space_without_has_those_of_before() -> None:
    space = searched("{learning_rate: [0.05, 0.1]}")
    ids = {a.id for a in space.enumerate()}
    assert len(ids) == space.size()
    assert not ids & {a.id for a in searched("null").enumerate()}


def test_what_was_chosen_is_what_the_training_takes() -> None:
    whole = {
        "optimizer": ("adamw",), "learning_rate": (0.01,), "weight_decay": (0.0,), "batch_size": (16,),
        "label_smoothing": (0.1,), "augment": ("flip+crop",),
    }  # fmt: skip
    decisions = TrainingChoices(**whole).decisions()  # type: ignore[arg-type]
    settings = chosen({**{d.name: d.choices[0] for d in decisions}, "kernel_1": 3})
    expected = TrainingSpec(
        optimizer="adamw", learning_rate=0.01, weight_decay=0.0, batch_size=16, label_smoothing=0.1, augment=("flip", "crop")
    )
    assert TrainingSpec().model_copy(update=settings) == expected == TrainingSpec(**settings)


@pytest.mark.parametrize(("text", "meant"), [("none", ()), ("cutout", ("cutout",)), ("crop+flip", ("crop", "flip"))])
def test_an_augmentation_is_a_sum_or_none(text: str, meant: tuple[str, ...]) -> None:
    assert chosen({"training.augment": text}) == {"augment": meant}


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ("{}", "training: `training` names no setting, but needs at least one of: optimizer, learning_rate,"),
        ("{learning_rat: [0.1]}", "training.learning_rat: unknown key; valid here: augment, batch_size, label_smoothing,"),
        (
            "{learning_rate: {min: 0.1, max: 0.01}}",
            "training.learning_rate: `min` is 0.1, but must be less than `max`, which is 0.01.",
        ),
        ("{learning_rate: {min: 0, max: 1}}", "training.learning_rate.min: got 0, but must be > 0."),
        (
            "{batch_size: {min: 16, max: 64, stps: 3}}",
            "training.batch_size.stps: unknown key; valid here: log, max, min, steps.",
        ),
        ("{batch_size: {min: 16, max: 64.5}}", "training.batch_size.max: got 64.5, but must be a whole number."),
        ("{weight_decay: 0.1}", "training.weight_decay: got 0.1, but must be a list."),
        ("{learning_rate: [0.1, 0]}", "training.learning_rate[1]: got 0, but must be > 0."),
        ("{learning_rate: [0.1, 0.1]}", "training.learning_rate: the list has 0.1 twice, but its values must be distinct."),
        ("{learning_rate: 0.1}", "training.learning_rate: got 0.1, but must be a list."),
        ("{batch_size: [0]}", "training.batch_size[0]: got 0, but must be >= 1."),
        ("{optimizer: [adam]}", "training.optimizer[0]: got 'adam', but must be one of sgd, adamw."),
        ("{label_smoothing: [1.0]}", "training.label_smoothing[0]: got 1.0, but must be < 1."),
        (
            "{augment: [flip+crob]}",
            "training.augment[0]: Unknown augmentation 'crob'; valid: crop, cutout, flip. Did you mean 'crop'?",
        ),
        ("{augment: [flip+flip]}", "training.augment[0]: 'flip+flip' has an augmentation twice, but each can be given once."),
        ("{augment: [none+flip]}", "training.augment[0]: Unknown augmentation 'none'"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_line(training: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        searched(training)
    assert str(caught.value).startswith(f"search.yaml:11: spec.space.{said}")


@pytest.mark.parametrize("name", sorted(SPACES))
def test_every_space_takes_them_behind_its_own_decisions(name: str) -> None:
    own: dict[str, Any] = {}
    if name == "yaml":
        own = {"decisions": [{"name": "n", "choices": [1, 2]}], "network": [{"repeat": "$n", "blocks": [{"op": "relu"}]}]}
    plain = SPACES[name].model_validate(own).build()
    joint = SPACES[name].model_validate({**own, "training": {"weight_decay": [0.0, 1e-4]}}).build()
    assert [d.name for d in joint.decisions] == [*(d.name for d in plain.decisions), "training.weight_decay"]
    assert joint.size() == 2 * plain.size()
