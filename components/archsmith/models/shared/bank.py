"""The tensors of all networks of a space in one bank, on which the network of any architecture runs.

A tensor is known by its name and its shape. Names are those of parts (`models.parts`), so that the same name and shape mean
the same place and the same operation, and the network of an architecture on the bank's tensors *is* the stand-alone network:
the builders of all spaces, a user's own included, are used as they are.

Tensors are made when a network first needs them. Each is drawn from a generator of its own, whose seed depends on the bank's
seed, the name and the shape alone: so it does not matter which architecture comes first.

Reference: Pham, Guan, Zoph, Le, Dean 2018 (arXiv:1802.03268), section 2.1, for sharing; Zhao, Wang, Tian, Fonseca, Guo 2021
(arXiv:2006.06863), section 3.3, for splitting.

Deviation: what is neither convolution, linear layer nor batch normalisation has a start as its own `reset_parameters` makes it.
Where a module of a user's own has none, and draws as it is made, its start may depend on which architecture came first.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from archsmith.machine.collection import collection_paused
from archsmith.models import build
from archsmith.models.initialise import draw, last_linear
from archsmith.models.shared.skeleton import Owned, owned, skeleton
from archsmith.spaces.decisions import Decision
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice, Fidelity, seed_from

CACHED = 128
"""Networks that are kept: without tensors of their own, a large one takes about a megabyte."""

Box = tuple[slice, ...]
"""A part of a tensor: a slice an axis."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What a step of a network moves of a parameter of the bank."""

    parameter: nn.Parameter
    """The parameter."""
    box: Box | None = None
    """The part that the network has; None is all of it."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A network that runs on the bank's tensors."""

    network: nn.Module
    """The network."""
    touched: Sequence[Touched]
    """What a step of it moves."""


class Bank:
    """The tensors that the networks of a space share.

    Args:
        space: The space.
        input_shape: Channels, height and width of an image.
        n_classes: Outputs.
        fidelity: Scales all networks, as in `build`.
        seed: Of the tensors' first values.
        mean: As in `build`.
        std: As in `build`.
        device: Where the tensors are.
        cached: How many networks are kept.
    """

    def __init__(
        self,
        space: Space,
        input_shape: tuple[int, int, int],
        n_classes: int,
        *,
        fidelity: Fidelity,
        seed: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        device: torch.device | str = "cpu",
        cached: int = CACHED,
    ) -> None:
        self.parameters: dict[str, nn.Parameter] = {}
        """All parameters so far, by name, shape and, once the bank is split, choice."""
        self._space, self._seed, self._device, self._cached = space, seed, torch.device(device), cached
        self._make: Callable[[Architecture], nn.Module] = lambda architecture: build(
            space, architecture, input_shape, n_classes, fidelity=fidelity, mean=mean, std=std
        )
        self._buffers: dict[str, Tensor] = {}
        self._networks: OrderedDict[Architecture, Shared] = OrderedDict()
        self._split: str | None = None

    def network(self, architecture: Architecture) -> nn.Module:
        """Return the network of an architecture: (B, C, H, W) -> (B, n_classes); its parameters and buffers are the bank's.

        It is one that was returned before, if that is still kept; in training mode or not, as it was left.

        Raises:
            UnbuildableError: The architecture has no network.
        """
        return self._shared(architecture).network

    def touched(self, architecture: Architecture) -> Sequence[Touched]:
        """Return what a step of the network of `architecture` moves, each parameter once."""
        return self._shared(architecture).touched

    def extract(self, architecture: Architecture) -> dict[str, Tensor]:
        """Return copies of the weights that the network of `architecture` has, for that which `build` makes alone."""
        state = self.network(architecture).state_dict()
        return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()}

    def split(self, decision: str) -> None:
        """Give each choice of a decision all tensors for itself, which begin as they are now.

        Args:
            decision: Its name; where it is not active, that counts as a choice.

        Raises:
            ValueError: The bank is split already, or the space has no such decision.
        """
        if self._split is not None:
            raise ValueError(f"The bank is split by `{self._split}` already.")
        one = self._decision(decision)
        choices = (*((None,) if one.is_conditional else ()), *one.choices)
        self.parameters = {
            _group(choice) + key: nn.Parameter(tensor.detach().clone(), tensor.requires_grad)
            for choice in choices for key, tensor in self.parameters.items()
        }  # fmt: skip
        self._buffers = {_group(choice) + key: tensor.clone() for choice in choices for key, tensor in self._buffers.items()}
        self._split = decision
        self._networks.clear()

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs: tensors, which later steps change, and plain values."""
        parameters = {key: parameter.detach() for key, parameter in self.parameters.items()}
        return {"parameters": parameters, "buffers": dict(self._buffers), "split": self._split}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over `state`; networks that were returned before are of the old tensors."""
        self.parameters = {key: nn.Parameter(self._placed(tensor)) for key, tensor in state["parameters"].items()}
        self._buffers = {key: self._placed(tensor) for key, tensor in state["buffers"].items()}
        self._split = state["split"]
        self._networks.clear()

    def _shared(self, architecture: Architecture) -> Shared:
        """Return the network of an architecture: one that is kept, or a new one."""
        found = self._networks.pop(architecture, None)
        if found is None:
            with collection_paused():
                found = self._bound(architecture, skeleton(lambda: self._make(architecture)))
        self._networks[architecture] = found
        if len(self._networks) > self._cached:
            self._networks.popitem(last=False)
        return found

    def _bound(self, architecture: Architecture, network: nn.Module) -> Shared:
        """Put the bank's tensors into a network."""
        known = self._tensors(architecture, network)
        for tensor in owned(network):
            tensor.put(known[tensor.name])
        parameters = {id(tensor): tensor for tensor in known.values() if isinstance(tensor, nn.Parameter)}
        return Shared(network, [Touched(parameter) for parameter in parameters.values()])

    def _tensors(self, architecture: Architecture, network: nn.Module) -> dict[str, Tensor]:
        """Return the bank's tensor of each tensor of a network, by its name, making those that it lacks.

        What has several names in the network is one tensor, known by the first.
        """
        group = self._group_of(architecture)
        start = Start(lambda: self._make(architecture), network, self._seed)
        first: dict[int, Tensor] = {}
        found: dict[str, Tensor] = {}
        for tensor in owned(network):
            if id(tensor.value) not in first:
                first[id(tensor.value)] = self._tensor(group + self._key(tensor), tensor, start)
            found[tensor.name] = first[id(tensor.value)]
        return found

    def _tensor(self, key: str, tensor: Owned, start: "Start") -> Tensor:
        """Return the bank's tensor, and make it where there is none."""
        if not isinstance(tensor.value, nn.Parameter):
            if key not in self._buffers:
                self._buffers[key] = self._placed(start.of(tensor, self._shape(tensor)))
            return self._buffers[key]
        if key not in self.parameters:
            self.parameters[key] = nn.Parameter(self._placed(start.of(tensor, self._shape(tensor))))
        return self.parameters[key].requires_grad_(tensor.value.requires_grad)

    def _shape(self, tensor: Owned) -> torch.Size:
        """Return the shape in which a tensor is made."""
        return tensor.value.shape

    def _key(self, tensor: Owned) -> str:
        """Return what a tensor is known by."""
        return f"{tensor.name} {'x'.join(map(str, tensor.value.shape))}"

    def _placed(self, tensor: Tensor) -> Tensor:
        """Return a copy on the device, in the format in which convolutions are fastest."""
        memory = torch.channels_last if tensor.ndim == 4 else torch.preserve_format
        return tensor.detach().to(self._device, copy=True, memory_format=memory)

    def _group_of(self, architecture: Architecture) -> str:
        """Return the beginning of the keys of an architecture's tensors."""
        return "" if self._split is None else _group(self._space.assignment(architecture).get(self._split))

    def _decision(self, name: str) -> Decision:
        for one in self._space.decisions:
            if one.name == name:
                return one
        raise ValueError(f"The space has no decision `{name}`.")


class Start:
    """The first values of the tensors of a network.

    Args:
        make: Makes the network with values.
        network: The same network, perhaps without.
        seed: Of all values.
    """

    def __init__(self, make: Callable[[], nn.Module], network: nn.Module, seed: int) -> None:
        self._make, self._seed, self._last = make, seed, last_linear(network)
        self._network: nn.Module | None = None

    def of(self, tensor: Owned, shape: torch.Size) -> Tensor:
        """Return the first value of a tensor, on the CPU.

        Args:
            tensor: Which one.
            shape: Its own shape, or a larger one.
        """
        seed = seed_from(f"{self._seed}/{tensor.name}/{tuple(shape)}")
        value = torch.empty(shape, dtype=tensor.value.dtype, device="cpu")
        generator = torch.Generator().manual_seed(seed)
        if draw(tensor.module, tensor.own_name, value, generator, is_last=tensor.module is self._last):
            return value
        value = self._earnest(tensor, seed)
        # Of the layers that no rule knows, only normalisations become larger; each value is the same in these.
        return value if value.shape == shape else value.new_full(shape, value.flatten()[0].item())

    def _earnest(self, tensor: Owned, seed: int) -> Tensor:
        """Return what the module itself begins with."""
        # Modules draw from the global generator; it is left as it was.
        with torch.random.fork_rng(devices=[]):
            if self._network is None:
                torch.default_generator.manual_seed(self._seed)
                self._network = self._make()
            module = self._network.get_submodule(tensor.name.rpartition(".")[0])
            if callable(reset := getattr(module, "reset_parameters", None)):
                torch.default_generator.manual_seed(seed)
                reset()
        found = getattr(module, tensor.own_name)
        assert isinstance(found, Tensor)
        return found.detach()


def _group(choice: Choice | None) -> str:
    return f"[{choice!r}] "
