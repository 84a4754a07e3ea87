"""Networks without numbers: what is where in a network, built in a few milliseconds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import init
from torch.overrides import TorchFunctionMode

_FILLING: frozenset[Callable[..., Any]] = frozenset(
    [getattr(init, name) for name in dir(init) if name.endswith("_") and not name.startswith("_")]
    + [Tensor.zero_, Tensor.fill_, Tensor.normal_, Tensor.uniform_]
)
"""What fills tensors as modules are made. On `meta` there is nothing to fill; torch takes long to find that out."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A parameter or a buffer of a network."""

    name: str
    """Its name in the network."""
    own_name: str
    """Its name in its module."""
    module: nn.Module
    """What has it."""
    value: Tensor
    """The tensor."""

    def put(self, tensor: Tensor) -> None:
        """Put another tensor in its place, a parameter for a parameter."""
        module = self.module
        if type(module).__setattr__ is not nn.Module.__setattr__:
            setattr(module, self.own_name, tensor)  # a recurrent layer keeps a list of its weights beside them
        elif isinstance(tensor, nn.Parameter):
            module._parameters[self.own_name] = tensor
        else:
            module._buffers[self.own_name] = tensor


_MAKING: frozenset[Callable[..., Any]] = frozenset({torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn})
"""What makes tensors of a given shape. Few, and so known quickly; the others make small ones with numbers of their own."""


class _Shapes(TorchFunctionMode):
    """Tensors of a given shape have no numbers, and are not filled; `torch.device` would ask of each call what it is twice."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call `func`, unless it only fills a tensor."""
        del types
        given = kwargs or {}
        if func in _FILLING:
            return args[0] if args else given["tensor"]
        if func in _MAKING and given.get("device") is None:
            return func(*args, **{**given, "device": "meta"})
        return func(*args, **given)


def skeleton(make: Callable[[], nn.Module]) -> nn.Module:
    """Return the module that `make` makes, on `meta`, where tensors have shapes and no numbers.

    Where a module keeps a tensor that is neither parameter nor buffer, nobody could give it its numbers later: then it is
    made in earnest.

    Args:
        make: Makes the module; it is called once or twice.
    """
    with _Shapes():
        module = make()
    if any(isinstance(value, Tensor) for part in module.modules() for value in vars(part).values()):
        with torch.random.fork_rng(devices=[]):
            return make()
    return module


def owned(network: nn.Module) -> list[Owned]:
    """Return the parameters and buffers of a network; one that has several names comes with each of them."""
    found: list[Owned] = []
    left = [("", network)]
    while left:  # `named_modules` recurses with a generator a level, and takes several times as long
        path, module = left.pop()
        for tensors in (module._parameters, module._buffers):
            found += [Owned(path + name, name, module, tensor) for name, tensor in tensors.items() if tensor is not None]
        left += [(f"{path}{name}.", child) for name, child in reversed(module._modules.items()) if child is not None]
    return found
