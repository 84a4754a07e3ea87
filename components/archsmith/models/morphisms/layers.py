"""What a layer with weights is, as far as morphisms go: which kind, and where the taps of its kernel are."""

from typing import Literal

from torch import nn

Kind = Literal["dense", "depthwise", "transposed", "linear", "norm"]
"""Convolutions that mix all channels or none, transposed ones, linear layers, and normalisations."""

Taps = tuple[tuple[tuple[int, int], ...], ...]
"""For each direction, the places of taps in the parent's kernel with their places in the child's."""


def kind_of(module: nn.Module) -> Kind | None:
    """Return the kind of a layer; None where it is none that is known here."""
    if isinstance(module, nn.Conv2d) and module.padding_mode == "zeros" and not isinstance(module.padding, str):
        if module.groups == 1:
            return "dense"
        return "depthwise" if module.groups == module.in_channels == module.out_channels else None
    if isinstance(module, nn.ConvTranspose2d):
        return "transposed" if module.groups == 1 else None
    if isinstance(module, nn.Linear):
        return "linear"
    # Others have no statistics, or nothing that takes these back.
    is_norm = isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.affine and module.running_mean is not None
    return "norm" if is_norm else None


def outputs_of(module: nn.Module) -> int:
    """Return how many channels a layer of a known kind gives."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        return module.out_channels
    if isinstance(module, nn.Linear):
        return module.out_features
    assert isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
    return module.num_features


def taps(parent: nn.Module, child: nn.Module, *, same_stride: bool = True) -> Taps | None:
    """Return which taps of two kernels see the same pixels; None where strides or biases differ, or the kinds.

    A layer without a kernel has no directions, so that nothing is left to compare.

    Args:
        parent: Whose kernel is taken.
        child: Whose kernel it becomes.
        same_stride: Whether strides must agree.
    """
    kind = kind_of(child)
    if (
        kind is None
        or kind_of(parent) != kind
        or (getattr(parent, "bias", None) is None) != (getattr(child, "bias", None) is None)
    ):
        return None
    if isinstance(parent, nn.BatchNorm1d | nn.BatchNorm2d) and isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
        return () if (type(parent), parent.eps) == (type(child), child.eps) else None
    if isinstance(parent, nn.Linear):
        return ()
    if isinstance(parent, nn.Conv2d) and isinstance(child, nn.Conv2d):
        return tuple(_along(parent, child, d) for d in (0, 1)) if parent.stride == child.stride or not same_stride else None
    settings = ("kernel_size", "stride", "padding", "dilation", "output_padding") if same_stride else ("kernel_size",)
    if any(getattr(parent, name) != getattr(child, name) for name in settings):
        return None
    return tuple(tuple((t, t) for t in range(n)) for n in parent.kernel_size)  # type: ignore[union-attr]


def n_taps(module: nn.Module) -> int:
    """Return how many taps a kernel has."""
    return module.kernel_size[0] * module.kernel_size[1] if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) else 1


def n_shared(shared: Taps) -> int:
    """Return how many taps two kernels have in common."""
    return len(shared[0]) * len(shared[1]) if shared else 1


def centre(module: nn.Module) -> tuple[int, ...] | None:
    """Return the tap that sees a pixel at its own place; None where there is none, or pixels are left out."""
    if not isinstance(module, nn.Conv2d):
        return () if isinstance(module, nn.Linear) else None
    found = [divmod(int(module.padding[d]), module.dilation[d]) for d in (0, 1)]
    same = all(2 * int(module.padding[d]) == module.dilation[d] * (module.kernel_size[d] - 1) for d in (0, 1))
    return tuple(tap for tap, _ in found) if same and module.stride == (1, 1) and not any(rest for _, rest in found) else None


def _along(parent: nn.Conv2d, child: nn.Conv2d, d: int) -> tuple[tuple[int, int], ...]:
    """Return the shared taps in one direction, by where they lie in pixels from the middle of what is seen."""
    lies = {t * child.dilation[d] - int(child.padding[d]): t for t in range(child.kernel_size[d])}
    at = [(t, t * parent.dilation[d] - int(parent.padding[d])) for t in range(parent.kernel_size[d])]
    return tuple((t, lies[pixels]) for t, pixels in at if pixels in lies)
