"""Types of the settings that spaces share in the search file."""

from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from archsmith.spec import Config

T = TypeVar("T")


def _distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse an empty list and one that names a value twice."""
    if not values:
        raise ValueError("the list is empty, but needs at least one value to choose from")
    if twice := [v for k, v in enumerate(values) if v in values[:k]]:
        raise ValueError(f"the list has {twice[0]} twice, but its values must be distinct")
    return values


def _odd(value: int) -> int:
    """Refuse a kernel that has no middle."""
    if value % 2 == 0:
        raise ValueError(
            f"the kernel size is {value}, but must be odd, as a kernel is centred on a pixel; take {value - 1} or {value + 1}"
        )
    return value


Options = Annotated[tuple[T, ...], AfterValidator(_distinct), Field(json_schema_extra={"minItems": 1})]
"""What a decision chooses from: a list of distinct values, at least one."""

Count = Annotated[int, Field(ge=1, le=65536)]
"""A number of filters or units."""

CellOperation = Literal[
    "conv_1x1",
    "conv_3x3",
    "conv_5x5",
    "conv_1x3_3x1",
    "conv_7x1_1x7",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "avg_pool_3x3",
    "se",
]
"""An operation of cells, with its kernel in its name; what leaves everything as it is has another name in each paper."""

Kernel = Annotated[int, Field(ge=1, le=31), AfterValidator(_odd)]
"""Height and width of a convolution's kernel, in pixels."""


class Range(Config):
    """From how many to how many."""

    min: Annotated[int, Field(ge=0, le=100)]
    """The fewest."""
    max: Annotated[int, Field(ge=0, le=100)]
    """The most; as `min` where the number is fixed."""

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"`max` is {self.max}, but must be at least `min`, which is {self.min}")
        return self

    @property
    def choices(self) -> tuple[int, ...]:
        """Every number of the range."""
        return tuple(range(self.min, self.max + 1))
