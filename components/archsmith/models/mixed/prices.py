"""What each option of a mixed network costs, for methods that make costly options less probable.

Reference: Cai, Zhu, Han 2019, ProxylessNAS (arXiv:1812.00332), section 3.2.1: the cost that is expected is the sum over all
points of the probabilities times the options' costs; for that, costs must not depend on each other.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archsmith.models.mixed.network import Mix, Mixed, Mixing, Mixture

M = TypeVar("M", bound=nn.Module)

PriceOf = Callable[[nn.Module, tuple[int, ...]], float]
"""From a module and the shape of its input without the batch, (C, H, W) or (C,), to what it costs."""


def multiply_adds(module: nn.Module, shape: tuple[int, ...]) -> float:
    """Return the multiply-adds of a module on one image, as `archsmith.models.cost` counts them.

    Args:
        module: On any device; it is not run there.
        shape: Of its input, without the batch.
    """
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        _weightless(module)(torch.zeros(1, *shape, device="meta"))
    return float(counter.get_total_flops()) / 2


def prices(
    network: Mixed, input_shape: tuple[int, int, int], price_of: PriceOf = multiply_adds
) -> tuple[float, dict[str, Tensor]]:
    """Return what everything costs that is no option, and what each option does in all places of its point together.

    Args:
        network: On any device; it is not run there.
        input_shape: Channels, height and width of an image.
        price_of: Is asked for options as a whole, and for each module between them that has no parts of its own; once for those
            that are written alike and are given the same shape.

    Returns:
        The fixed cost, and of each point, by its name, (n_options,), float32, on the CPU.

    Raises:
        ValueError: What an option costs depends on what is chosen elsewhere; see `archsmith.spaces.mixing.unpriceable`.
    """
    if not network.has_prices:
        raise ValueError("The options of the network have no prices, as what each costs depends on the other choices.")
    shapes, known = _shapes(network, input_shape), dict[tuple[str, tuple[int, ...]], float]()
    fixed, of = 0.0, {point.name: torch.zeros(len(point.options)) for point in network.points}
    for name, module, option in _units(network, ""):
        if name not in shapes:
            continue  # no connection, which is not computed
        key = repr(module), shapes[name]
        price = known[key] if key in known else known.setdefault(key, price_of(module, shapes[name]))
        if option is None:
            fixed += price
        else:
            point, place = option
            of[point][place] += price
    return fixed, of


def _units(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module, tuple[str, int] | None]]:
    """Yield each module that is priced as a whole: its name, itself, and the point and the place of the option that it is."""
    for name, child in module.named_children():
        if isinstance(module, Mixture):
            yield prefix + name, child, (module.point, list(module).index(name))
        elif isinstance(child, nn.ModuleDict) or any(isinstance(m, Mixing) for m in child.modules()):
            yield from _units(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child, None


def _shapes(network: Mixed, input_shape: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what modules are given, without the batch, by name, where every option is active."""
    copied, shapes = _weightless(network), dict[str, tuple[int, ...]]()
    for name, module in copied.named_modules():
        module.register_forward_pre_hook(partial(_note, shapes, name))
    numbers = {point.name: len(point.options) for point in network.points}
    mixes = {name: Mix(torch.ones(n, device="meta"), tuple(range(n))) for name, n in numbers.items()}
    with torch.no_grad():
        copied(torch.zeros(1, *input_shape, device="meta"), mixes)
    return shapes


def _note(shapes: dict[str, tuple[int, ...]], name: str, _: nn.Module, inputs: tuple[object, ...]) -> None:
    """Note the shape of the first input, if that is a tensor."""
    if isinstance(inputs[0], Tensor):
        shapes[name] = tuple(inputs[0].shape[1:])


def _weightless(module: M) -> M:
    """Return a copy that has no memory and computes nothing."""
    return deepcopy(module).to("meta").eval()
