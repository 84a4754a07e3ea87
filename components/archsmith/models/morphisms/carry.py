"""The tensors of a layer, as a fit says: rows are filters, columns what they read, taps where they look."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from archsmith.models.morphisms.fits import Fit, Link, mixes
from archsmith.models.morphisms.layers import Taps, kind_of

LEAST_SHARE, MOST_SHARE = 0.5, 1.5
"""Range of the shares of a channel's copies, before they are brought to the sum 1."""


def carry(fit: Fit, source: nn.Module | None, layer: nn.Module, generator: torch.Generator) -> None:
    """Give a layer the tensors that a fit says, in place; normalisations that become an identity are left to the calibration.

    Args:
        fit: What it takes.
        source: The layer of the parent that it takes it from; None for an identity.
        layer: A layer of the child.
        generator: Draws the shares of copies.
    """
    if fit.way == "fresh":
        return
    kind = kind_of(layer)
    if mixes(kind):
        _mixing(fit, source, layer, generator)
    elif kind == "depthwise":
        _depthwise(fit, source, layer)
    elif source is not None:
        _norm(fit.rows, source.state_dict(), layer.state_dict())
        for k, _, factor in fit.columns:
            _divide(layer, k, factor)


def silence(layer: nn.Module) -> None:
    """Have a layer give zeros."""
    scale(layer, 0.0)


def scale(layer: nn.Module, factor: float) -> None:
    """Scale what a layer gives."""
    for parameter in layer.parameters():
        parameter.mul_(factor)


def shares(columns: Sequence[Link], generator: torch.Generator) -> list[float]:
    """Return the weight of each link: those of the copies of a channel add up to the inverse of their factors.

    Divided into equal shares, copies would have equal gradients for ever. A channel that is there once has all of it.
    """
    readers: dict[int, list[int]] = {}
    for place, (_, j, _) in enumerate(columns):
        readers.setdefault(j, []).append(place)
    found = [1.0 / factor for _, _, factor in columns]
    copied = [places for places in readers.values() if len(places) > 1]
    drawn = torch.empty(sum(map(len, copied)), dtype=torch.float64).uniform_(LEAST_SHARE, MOST_SHARE, generator=generator)
    begin = 0
    for places in copied:
        some = drawn[begin : begin + len(places)]
        for place, share in zip(places, (some / some.sum()).tolist(), strict=True):
            found[place] *= share
        begin += len(places)
    return found


def _mixing(fit: Fit, source: nn.Module | None, layer: nn.Module, generator: torch.Generator) -> None:
    """Set the weight of a layer that mixes channels, (C_out, C_in, ...), and its bias."""
    weight, bias = _outputs_first(layer), getattr(layer, "bias", None)
    n = 1 + max(fit.rows)
    old = torch.eye(n).view(n, n, *[1] * (weight.ndim - 2)) if source is None else _outputs_first(source)
    old_bias = torch.zeros(n) if source is None else getattr(source, "bias", None)
    rows = torch.tensor(fit.rows)
    ks, js = (torch.tensor([link[i] for link in fit.columns], dtype=torch.int64) for i in (0, 1))
    factors = torch.tensor(shares(fit.columns, generator), dtype=torch.float64).to(weight.dtype)
    taken = old[rows][:, js] * factors.view(1, -1, *[1] * (old.ndim - 2))
    read = old.new_zeros(len(rows), weight.shape[1], *old.shape[2:]).index_add_(1, ks, taken)
    weight.zero_()
    _look(weight, read, fit.taps)
    if bias is not None and old_bias is not None:
        bias.copy_(old_bias[rows])


def _depthwise(fit: Fit, source: nn.Module | None, layer: nn.Module) -> None:
    """Set the weight of a depthwise convolution, (C, 1, kh, kw), and its bias; channels of none are left as they are."""
    assert isinstance(layer, nn.Conv2d)
    rows = torch.tensor(fit.rows or [0] * layer.out_channels)
    at = rows >= 0
    old = torch.ones(1, 1, 1, 1) if source is None else source.weight
    weight = torch.zeros_like(layer.weight)
    _look(weight, old[rows.clamp_min(0)], fit.taps)  # type: ignore[index]
    layer.weight[at] = weight[at]
    if layer.bias is not None:
        layer.bias[at] = 0.0 if source is None else source.bias[rows[at]]  # type: ignore[index]


def _norm(rows: Sequence[int], old: Mapping[str, Tensor], new: Mapping[str, Tensor]) -> None:
    """Set weight, bias and statistics of a normalisation, each (C,)."""
    taken = torch.tensor(rows)
    at = taken >= 0
    for name, value in new.items():
        if value.ndim:
            value[at] = old[name][taken[at]]
        else:
            value.copy_(old[name])


def _divide(norm: nn.Module, k: int, factor: float) -> None:
    """Have a channel of a normalisation give for a multiple what it gave for the channel itself."""
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    before = torch.sqrt(norm.running_var[k] + norm.eps)
    norm.running_mean[k] *= factor
    norm.running_var[k] *= factor**2
    norm.weight[k] *= torch.sqrt(norm.running_var[k] + norm.eps) / (factor * before)


def _look(weight: Tensor, read: Tensor, taps: Taps) -> None:
    """Put the taps of a kernel to their places in another one."""
    if not taps:
        weight.copy_(read)
        return
    (old_y, new_y), (old_x, new_x) = ([torch.tensor(side) for side in zip(*along, strict=True)] for along in taps)
    weight[:, :, new_y[:, None], new_x] = read[:, :, old_y[:, None], old_x]


def _outputs_first(layer: nn.Module) -> Tensor:
    """Return a weight whose first dimension is that of what the layer gives."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight
