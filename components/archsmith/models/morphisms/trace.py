"""What a network computes, as a list of steps: each takes the tensors of earlier ones."""

import operator
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from archsmith.models.blocks import GlobalPool, Normalize
from archsmith.models.convolution import Conv2d
from archsmith.models.operations import Zero

Op = Literal["input", "module", "function", "add", "mul", "cat", "slice", "zero", "output"]
"""What a step does."""

LEAVES = (Conv2d, GlobalPool, Normalize, Zero)
"""Modules of ours that are one step, as those of torch.nn are."""

_BY_CHANNEL = (
    nn.Identity, nn.Dropout, nn.Dropout2d, nn.Flatten, GlobalPool, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d, nn.ZeroPad2d, nn.ReplicationPad2d, nn.ReflectionPad2d, nn.Upsample, nn.ReLU, nn.ReLU6, nn.LeakyReLU,
    nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, nn.Softplus,
)  # fmt: skip
"""Modules without weights that do the same to each channel by itself."""

_ADD = frozenset({operator.add, operator.iadd, torch.add, "add", "add_"})
_MUL = frozenset({operator.mul, operator.imul, torch.mul, "mul", "mul_"})
_NAMES: Mapping[object, str] = {F.relu: "relu", torch.relu: "relu", torch.sigmoid: "sigmoid", F.sigmoid: "sigmoid"}


class UntraceableError(ValueError):
    """What a network computes can't be told: it has control flow, or steps that are not known here."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a network."""

    op: Op
    """What is done."""
    inputs: tuple[int, ...]
    """The places of the steps whose tensors it takes."""
    channels: int
    """Of its tensor: the size of the second dimension."""
    module: str = ""
    """The dotted name of the module that it calls."""
    key: Hashable = None
    """What it does to each channel, with all arguments, for a `function`."""
    first: int = 0
    """The first of the channels that a `slice` takes."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A network with its steps."""

    network: nn.Module
    """The network."""
    steps: tuple[Step, ...]
    """Each after those that it takes tensors of; the last one is the output."""
    modules: Mapping[str, nn.Module]
    """The modules by their dotted names."""


def trace(network: nn.Module, image: Tensor) -> Traced:
    """Return the steps of a network.

    Args:
        network: In evaluation mode.
        image: A batch of one image, which tells how many channels there are at each step, (1, C, H, W).

    Raises:
        UntraceableError: It depends on its input what is computed, or a module is called twice.
    """
    try:
        graph = _Tracer(autowrap_modules=()).trace(network)
        shapes = _shapes(network, graph, image)
    except Exception as error:  # whatever a user's own forward raises when it is given no tensor
        said, _, _ = str(error).partition("\n")
        raise UntraceableError(f"it can't be traced: {said}") from error
    modules = dict(network.named_modules())
    place: dict[fx.Node, int] = {}
    steps: list[Step] = []
    for node in graph.nodes:
        if node.op != "get_attr":
            steps.append(_step(node, place, shapes, modules))
            place[node] = len(steps) - 1
    called = [step.module for step in steps if step.module and any(True for _ in modules[step.module].parameters())]
    if len(set(called)) < len(called):
        raise UntraceableError("a module with weights is called more than once")
    return Traced(network, tuple(steps), modules)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, LEAVES) or super().is_leaf_module(m, module_qualified_name)


class _Shapes(fx.Interpreter):
    """Runs a graph and keeps the shapes of all tensors."""

    def __init__(self, network: nn.Module, graph: fx.Graph) -> None:
        super().__init__(network, garbage_collect_values=True, graph=graph)
        self.shapes: dict[fx.Node, torch.Size] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.shapes[n] = result.shape
        return result


def _shapes(network: nn.Module, graph: fx.Graph, image: Tensor) -> Mapping[fx.Node, torch.Size]:
    interpreter = _Shapes(network, graph)
    interpreter.run(image)
    return interpreter.shapes


def _step(
    node: fx.Node, place: Mapping[fx.Node, int], shapes: Mapping[fx.Node, torch.Size], modules: Mapping[str, nn.Module]
) -> Step:
    """Return the step of a node of the graph."""
    if node.op == "output":
        (output,) = node.all_input_nodes
        return Step("output", (place[output],), shapes[output][1])
    if node not in shapes or any(n not in place for n in node.all_input_nodes):
        raise UntraceableError(f"{node.name!r} gives no tensor, or takes a parameter")
    inputs, channels = tuple(place[n] for n in node.all_input_nodes), _channels(shapes[node])
    if node.op == "placeholder":
        return Step("input", (), channels)
    if node.op == "call_module":
        return _called(str(node.target), modules[str(node.target)], inputs, channels, shapes[node.all_input_nodes[0]])
    return _computed(node, place, channels, shapes)


def _channels(shape: torch.Size) -> int:
    return shape[1] if len(shape) > 1 else 1


def _called(name: str, module: nn.Module, inputs: tuple[int, ...], channels: int, shape: torch.Size) -> Step:
    """Return the step of a module."""
    if isinstance(module, Zero):
        return Step("zero", inputs, channels)
    if isinstance(module, nn.Flatten) and (module.start_dim != 1 or shape[2:].numel() != 1):
        raise UntraceableError(f"{name!r} makes features of pixels")
    if any(True for _ in module.state_dict()):
        return Step("module", inputs, channels, name)
    if not isinstance(module, _BY_CHANNEL) or channels != _channels(shape):
        raise UntraceableError(f"{name!r}, a {type(module).__name__}, is not known here")
    return Step("function", inputs, channels, name, _signature(module))


def _signature(module: nn.Module) -> Hashable:
    """Return what a module without weights does: its kind and its settings."""
    if isinstance(module, nn.ReLU):
        return "relu"
    if isinstance(module, nn.Sigmoid):
        return "sigmoid"
    if isinstance(module, nn.Identity | nn.Dropout | nn.Dropout2d):
        return "identity"
    settings = {k: v for k, v in vars(module).items() if k[0] != "_" and k not in ("training", "inplace")}
    return (type(module).__name__, repr(sorted(settings.items())))


def _computed(node: fx.Node, place: Mapping[fx.Node, int], channels: int, shapes: Mapping[fx.Node, torch.Size]) -> Step:
    """Return the step of a function or a method."""
    target, inputs = node.target, tuple(place[n] for n in node.all_input_nodes)
    operands = node.args[:2]
    if target in _ADD | _MUL and all(isinstance(x, fx.Node) for x in operands) and len(node.args) == 2 and not node.kwargs:
        both = tuple(place[x] for x in operands if isinstance(x, fx.Node))
        return Step("add" if target in _ADD else "mul", both, channels)
    if target is torch.cat:
        tensors, dim = node.args[0], node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        if dim == 1 and isinstance(tensors, list | tuple):
            parts = tuple(place[x] for x in tensors if isinstance(x, fx.Node))
            return Step("cat", parts, channels)
    if target in _MUL and node.args[1:] == (0.0,):
        return Step("zero", inputs, channels)
    if target is operator.getitem:
        return _indexed(node, inputs, channels, shapes[node.all_input_nodes[0]])
    if len(inputs) != 1:
        raise UntraceableError(f"{node.name!r} is not known here")
    if target in (torch.flatten, "flatten") and node.args[1:] == (1,) and shapes[node.all_input_nodes[0]][2:].numel() == 1:
        return Step("function", inputs, channels, key="Flatten")
    return _function(node, inputs, channels)


def _indexed(node: fx.Node, inputs: tuple[int, ...], channels: int, shape: torch.Size) -> Step:
    """Return the step of an index: of pixels, or of channels."""
    index = node.args[1]
    if not isinstance(index, tuple) or len(index) < 2 or index[0] != slice(None) or not isinstance(index[1], slice):
        raise UntraceableError(f"{node.name!r} takes something else than channels and pixels")
    if index[1] == slice(None):
        return Step("function", inputs, channels, key=("getitem", repr(index[2:])))
    taken = range(shape[1])[index[1]]
    if len(index) > 2 or taken.step != 1:
        raise UntraceableError(f"{node.name!r} takes something else than neighbouring channels")
    return Step("slice", inputs, channels, first=taken.start)


_PIXELS = (((2, 3),), ((-2, -1),), ([2, 3],), ([-2, -1],))
"""How a mean over all pixels is written."""
_PER_CHANNEL: frozenset[Callable[..., Any] | str] = frozenset({
    F.adaptive_avg_pool2d, F.avg_pool2d, F.max_pool2d, F.pad, F.relu6, F.silu, F.hardswish, F.gelu, F.leaky_relu, F.elu,
    torch.tanh, "mean", "tanh",
})  # fmt: skip
"""Functions and methods that do the same to each channel by itself."""


def _function(node: fx.Node, inputs: tuple[int, ...], channels: int) -> Step:
    """Return the step of a function of each channel by itself."""
    name = _NAMES.get(node.target) or (str(node.target) if node.target in ("relu", "sigmoid") else "")
    if name:
        return Step("function", inputs, channels, key=name)
    if node.target not in _PER_CHANNEL or (node.target == "mean" and tuple(node.args[1:]) not in _PIXELS):
        raise UntraceableError(f"{node.name!r} is not known here")
    if node.target == "mean":
        return Step("function", inputs, channels, key=("mean", repr(sorted(node.kwargs.items()))))
    called = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    return Step("function", inputs, channels, key=(called, repr(node.args[1:]), repr(sorted(node.kwargs.items()))))
