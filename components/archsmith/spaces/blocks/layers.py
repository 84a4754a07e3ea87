"""The layers that a user's own space is put together from, and the settings that each of them takes.

References: Howard et al. 2017 (arXiv:1704.04861) for `sepconv`; Yu, Koltun 2016 (arXiv:1511.07122) for `dilconv`;
Sandler et al. 2018 (arXiv:1801.04381) for `mbconv`; Hu, Shen, Sun 2018 (arXiv:1709.01507) for `se`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from archsmith.values import Choice


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a layer."""

    rule: str
    """What it must be, in words."""
    fits: Callable[[Choice], bool]
    """Tells whether it is that."""
    default: Choice | None = None
    """What it is where it is left out."""
    required: bool = False
    """Whether it can't be left out."""


def _whole(value: Choice) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _from_to(low: int, high: int, *, default: int | None = None, required: bool = False) -> Setting:
    rule = f"a whole number from {low} to {high}"
    return Setting(rule, lambda v: _whole(v) and low <= int(v) <= high, default, required)


_FILTERS = _from_to(1, 65536, required=True)
_STRIDE = _from_to(1, 8, default=1)
_KERNEL = Setting("an odd whole number from 1 to 31", lambda v: _whole(v) and 1 <= int(v) <= 31 and int(v) % 2 == 1, default=3)

_CONVOLUTION = {"filters": _FILTERS, "kernel": _KERNEL, "stride": _STRIDE}
_POOLING = {"kernel": _from_to(2, 16, default=2), "stride": _STRIDE}
_PRIMITIVE = {"filters": replace(_FILTERS, required=False), "stride": _STRIDE}
"""A primitive of the field: it keeps the channels that come in where it is not told how many to make."""

PRIMITIVES = (
    "none", "identity", "skip_connect", "conv_1x1", "conv_3x3", "conv_5x5", "conv_1x3_3x1", "conv_7x1_1x7",
    "sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7", "dil_conv_3x3", "dil_conv_5x5",
    "max_pool_3x3", "max_pool_5x5", "max_pool_7x7", "avg_pool_3x3", "se",
)  # fmt: skip
"""The primitives of `archsmith.models.operations`, named here as well because that imports torch."""

LAYERS: Mapping[str, Mapping[str, Setting]] = {
    "conv": _CONVOLUTION,
    "sepconv": _CONVOLUTION,
    "dilconv": {**_CONVOLUTION, "dilation": _from_to(1, 16, default=2)},
    "mbconv": {
        **_CONVOLUTION,
        "expansion": _from_to(1, 16, default=6),
        "se": Setting("true or false", lambda v: isinstance(v, bool), default=False),
    },
    "maxpool": _POOLING,
    "avgpool": _POOLING,
    "batchnorm": {},
    "relu": {},
    "dense": {"units": _from_to(1, 65536, required=True)},
    **dict.fromkeys(PRIMITIVES, _PRIMITIVE),
}
"""The settings of every layer, by the layer's name."""

HEAD = ("dense", "relu")
"""Layers that may follow a dense one, which has left no image."""
