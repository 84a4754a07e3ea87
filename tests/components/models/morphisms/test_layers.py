from itertools import product

import pytest
import torch
from torch import nn

from archsmith.models.morphisms.carry import carry
from archsmith.models.morphisms.fits import Fit
from archsmith.models.morphisms.layers import centre, kind_of, n_shared, n_taps, taps


def convolution(kernel: int, *, dilation: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(4, 4, kernel, stride, padding=dilation * (kernel // 2), dilation=dilation, groups=groups, bias=False)


@pytest.mark.parametrize(
    ("small", "large"), [((1, 1), (3, 2)), ((3, 1), (5, 1)), ((3, 2), (5, 2)), ((3, 2), (5, 1)), ((3, 3), (7, 1))]
)
@pytest.mark.parametrize(("stride", "groups"), list(product((1, 2), (1, 4))))
@torch.no_grad()
def test_a_kernel_with_zeros_around_it_computes_the_same(
    small: tuple[int, int], large: tuple[int, int], stride: int, groups: int
) -> None:
    old, new = (convolution(k, dilation=d, stride=stride, groups=groups) for k, d in (small, large))
    shared = taps(old, new)
    assert shared is not None
    assert n_shared(shared) == n_taps(old)
    columns = () if groups > 1 else tuple((k, k, 1.0) for k in range(4))
    carry(Fit("same", "old", (0, 1, 2, 3), columns, shared, (1, 2, 3, 4)), old, new, torch.Generator())
    x = torch.rand(2, 4, 9, 8)
    torch.testing.assert_close(new(x), old(x))


def test_a_larger_kernel_has_no_taps_for_pixels_that_a_smaller_one_does_not_see() -> None:
    shared = taps(convolution(5), convolution(3))
    assert shared == (((1, 0), (2, 1), (3, 2)),) * 2  # the middle of the larger one is left
    assert taps(convolution(3), convolution(3, stride=2)) is None
    assert n_shared(taps(convolution(3, dilation=2), convolution(3)) or ()) == 1


def test_the_centre_is_where_a_kernel_hands_on() -> None:
    assert centre(convolution(5, dilation=2)) == (2, 2)
    assert centre(convolution(3, stride=2)) is None
    assert centre(nn.Conv2d(1, 1, 2)) is None
    assert centre(nn.Conv2d(1, 1, (1, 7), padding=(0, 3))) == (0, 3)


def test_what_is_of_no_known_kind_is_told_apart() -> None:
    assert [kind_of(m) for m in (nn.Conv2d(4, 4, 1, groups=2), nn.GroupNorm(1, 4), nn.BatchNorm2d(4, affine=False))] == [None] * 3
    assert [kind_of(m) for m in (convolution(1), convolution(3, groups=4), nn.Linear(1, 2), nn.BatchNorm2d(4))] == [
        "dense", "depthwise", "linear", "norm",
    ]  # fmt: skip
