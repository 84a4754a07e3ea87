"""What a network costs, known without training it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from archsmith.errors import UnbuildableError
from archsmith.models import build
from archsmith.spaces.space import Space
from archsmith.spec import Objective, static_limits
from archsmith.values import Architecture, Fidelity

FULL = Fidelity(epochs=1)
"""The fidelity of the network that is deployed."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters and multiply-adds of a network."""

    n_params: int
    """Trainable parameters."""
    flops: int
    """Multiply-adds of one image: convolutions, linear layers and attention; torch counts each as two."""


def cost(network: nn.Module, input_shape: tuple[int, int, int]) -> Cost:
    """Count `network` on one image.

    Args:
        network: On any device, `meta` included, where it has no memory and computes nothing.
        input_shape: Channels, height and width.
    """
    device = next(network.parameters()).device
    if device.type != "meta":  # there, a layer such as an LSTM is made of operations that are counted
        with suppress(Exception):  # of a network that keeps tensors which are no buffers
            return cost(_on_meta(network), input_shape)
    training, is_fast = network.training, torch.backends.mha.get_fastpath_enabled()
    network.eval()
    torch.backends.mha.set_fastpath_enabled(False)  # of attention: a single operation, for which torch has no formula
    try:
        with torch.no_grad(), _Counter() as counter:
            network(torch.zeros(1, *input_shape, device=device))
    finally:
        network.train(training)
        torch.backends.mha.set_fastpath_enabled(is_fast)
    n_params = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return Cost(n_params, counter.flops // 2)


def _on_meta(network: nn.Module) -> nn.Module:
    """Return a copy of a network without the memory of its tensors."""
    there: dict[int, torch.Tensor] = {id(p): nn.Parameter(p.detach().to("meta"), p.requires_grad) for p in network.parameters()}
    there |= {id(buffer): buffer.to("meta") for buffer in network.buffers()}
    return deepcopy(network, there)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts by torch's formulas, as its `FlopCounterMode` does, but not module by module, and so in half of the time.

    What neither counts nor changes a shape is not computed: on the device `meta`, normalisation takes longer than convolution.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Count an operation."""
        if func in _ACTIVATIONS:
            return args[0]
        if func in _NORMALISATIONS:
            return args[0], *(args[0].new_empty(0) for _ in func._schema.returns[1:])
        out = func(*args, **(kwargs or {}))
        if (formula := flop_registry.get(func.overloadpacket)) is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        return out


_ATEN = torch.ops.aten
_ACTIVATIONS = frozenset({_ATEN.relu.default, _ATEN.relu_.default, _ATEN.hardtanh.default, _ATEN.hardtanh_.default})
_NORMALISATIONS = frozenset({
    _ATEN.native_batch_norm.default, _ATEN._native_batch_norm_legit_no_training.default, _ATEN.cudnn_batch_norm.default,
})  # fmt: skip


def cost_of(space: Space, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int) -> Cost:
    """Count the network of `architecture` at full fidelity without giving it any memory.

    Raises:
        UnbuildableError: The architecture has no network at this input.
    """
    with torch.device("meta"):
        network = build(space, architecture, input_shape, n_classes, fidelity=FULL)
        try:
            return cost(network, input_shape)
        except (RuntimeError, ValueError, IndexError) as error:  # as torch has it
            raise UnbuildableError(f"The network of {architecture.id} takes no images {input_shape}: {error}") from error


def within_limits(
    space: Space, objectives: tuple[Objective, ...], input_shape: tuple[int, int, int], n_classes: int
) -> Callable[[Architecture], bool]:
    """Return a test of whether an architecture keeps the limits that are known before it is trained.

    Where there are such limits, it fails for an architecture that no network can be built from.

    Args:
        space: The space of the architectures.
        objectives: Those that limit `n_params` or `flops` count.
        input_shape: Channels, height and width.
        n_classes: Number of classes.
    """
    static = static_limits(objectives)

    @lru_cache(maxsize=4096)
    def feasible(architecture: Architecture) -> bool:
        try:
            measured = cost_of(space, architecture, input_shape, n_classes)
        except UnbuildableError:
            return False
        return all(o.allows(getattr(measured, o.metric)) for o in static)

    return feasible if static else lambda _: True
