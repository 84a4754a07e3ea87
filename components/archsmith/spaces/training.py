"""Settings of the training as decisions of a space, to search them together with the architecture.

References: Zela, Klein, Falkner, Hutter 2018, Towards Automated Deep Learning: Efficient Joint Neural
Architecture and Hyperparameter Search (arXiv:1807.06906); Runge, Stoll, Falkner, Hutter 2019, Learning to Design RNA
(arXiv:1812.11951). What is a range there is an ordered decision among a few of its numbers here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, Tag, model_validator

from archsmith.errors import unknown
from archsmith.spaces.decisions import Decision, are_numbers
from archsmith.spaces.settings import Options
from archsmith.spaces.spread import ListOrRange, NotNegative, Positive, Share, Spread, Whole
from archsmith.spec import Config
from archsmith.values import Choice

PREFIX = "training."
"""What the names of these decisions begin with."""

AUGMENTATIONS = ("flip", "crop", "cutout")


def _is_augmentation(text: str) -> str:
    """Refuse what is neither `none` nor a sum of augmentations."""
    parts = [] if text == "none" else text.split("+")
    for part in parts:
        if part not in AUGMENTATIONS:
            raise ValueError(f"{unknown('augmentation', part, AUGMENTATIONS)} Join several with `+`; `none` is without")
    if len(set(parts)) != len(parts):
        raise ValueError(f"{text!r} has an augmentation twice, but each can be given once")
    return text


Augmentation = Annotated[str, AfterValidator(_is_augmentation)]
"""`none`, or augmentations joined by `+`: `flip+crop`."""


Rates = Annotated[Annotated[Options[Annotated[float, Field(gt=0)]], Tag("list")] | Annotated[Positive, Tag("range")], ListOrRange]
Decays = Annotated[
    Annotated[Options[Annotated[float, Field(ge=0)]], Tag("list")] | Annotated[NotNegative, Tag("range")], ListOrRange
]
Sizes = Annotated[Annotated[Options[Annotated[int, Field(ge=1)]], Tag("list")] | Annotated[Whole, Tag("range")], ListOrRange]
Shares = Annotated[
    Annotated[Options[Annotated[float, Field(ge=0, lt=1)]], Tag("list")] | Annotated[Share, Tag("range")], ListOrRange
]


class TrainingChoices(Config):
    """Settings of the training to choose from; what is left out is as `spec.training` has it.

    Numbers are a list, or a range such as `{min: 0.01, max: 1, log: true, steps: 9}`. Either way they are choices with an order.
    """

    optimizer: Options[Literal["sgd", "adamw"]] | None = None
    """Optimizers."""
    learning_rate: Rates | None = None
    """Highest learning rates of the schedule."""
    weight_decay: Decays | None = None
    """Decays of the weights."""
    batch_size: Sizes | None = None
    """Images a step."""
    label_smoothing: Shares | None = None
    """Shares of the target that are spread over all classes."""
    augment: Options[Augmentation] | None = None
    """Random changes of the training images, each `none` or a sum such as `flip+crop`."""

    @model_validator(mode="after")
    def _has_choices(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"`training` names no setting, but needs at least one of: {', '.join(type(self).model_fields)}")
        return self

    def decisions(self) -> tuple[Decision, ...]:
        """Return a decision a setting, to be put after those of the architecture."""
        found = ((name, getattr(self, name)) for name in type(self).model_fields)
        given = ((name, tuple(x.choices) if isinstance(x, Spread) else x) for name, x in found if x is not None)
        return tuple(Decision(f"{PREFIX}{name}", choices, ordered=are_numbers(choices)) for name, choices in given)


def decided(assignment: Mapping[str, Choice]) -> dict[str, Choice]:
    """Return the settings of the training that an architecture has decided, as it has written them."""
    return {name.removeprefix(PREFIX): choice for name, choice in assignment.items() if name.startswith(PREFIX)}


def chosen(assignment: Mapping[str, Choice]) -> dict[str, Any]:
    """Return the settings of the training that an architecture has decided, as `TrainingSpec` has them."""
    settings: dict[str, Any] = decided(assignment)
    if "augment" in settings:
        settings["augment"] = () if settings["augment"] == "none" else tuple(settings["augment"].split("+"))
    return settings
