"""A block of a network as it stands in the search file."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from archsmith.spaces.blocks.layers import LAYERS
from archsmith.spaces.settings import Options
from archsmith.spec import Config
from archsmith.values import Choice


def _as_tuple(value: Any) -> Any:
    """Make a list, also one in a mapping or another list, the tuple that strict settings want."""
    if isinstance(value, list | tuple):
        return tuple(map(_as_tuple, value))
    return {key: _as_tuple(inner) for key, inner in value.items()} if isinstance(value, dict) else value


Condition = Annotated[Mapping[str, Options[Choice]], BeforeValidator(_as_tuple)]
"""Choices by decision: it holds if each of these decisions is active and has one of the choices given for it."""

Number = int | str
"""A number, or the name of a decision after a dollar sign."""


class Block(Config):
    """One layer, or several put together; it has exactly one of `op`, `repeat`, `residual`, `branches` and `when`.

    What can be a number or a text can also be `$name`: what the decision of that name has chosen.
    """

    op: Annotated[str | None, Field(description=f"A layer: {', '.join(f'`{name}`' for name in LAYERS)}.")] = None
    filters: Number | None = None
    """Filters of a layer, at full width; a primitive keeps the channels that come in where it is left out."""
    kernel: Number | None = None
    """Height and width of a layer's kernel or window in pixels: 3 for convolutions, 2 for poolings where it is left out."""
    stride: Number | None = None
    """Pixels between neighbouring windows, 1 where it is left out: 2 halves height and width."""
    dilation: Number | None = None
    """Pixels between neighbouring taps of the kernel of a `dilconv`, 2 where it is left out."""
    expansion: Number | None = None
    """Channels inside of an `mbconv` by those that come in, 6 where it is left out."""
    se: bool | str | None = None
    """Whether an `mbconv` has squeeze-and-excitation inside; not where it is left out."""
    units: Number | None = None
    """Units of a `dense` layer, at full width."""
    repeat: Number | None = None
    """How many times `blocks` come one after the other; a lower `depth` in the estimation has fewer, at least one."""
    residual: tuple["Block", ...] | None = None
    """Blocks whose input is added to their output, through a 1x1 convolution where the shapes differ."""
    branches: Annotated[tuple[tuple["Block", ...], ...], BeforeValidator(_as_tuple)] | None = None
    """Lists of blocks that all take the same input; an empty list hands it on."""
    join: str | None = None
    """How the branches come together: `sum` (where it is left out), in the first one's number of channels, or `concat`."""
    when: Condition | None = None
    """`blocks` are there if each of these decisions is active and has one of the choices given for it."""
    blocks: tuple["Block", ...] | None = None
    """What `repeat` repeats, or what is there `when` its condition holds."""
